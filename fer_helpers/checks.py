"""Answers to the notebooks' exercises: `checks.q01_2(answer)` says whether exercise 2 of notebook 01 is right.

A check never raises and never stops a notebook: it prints "Right" or what to look at again. An exercise that has not
been answered yet (None or ...) is named as such.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from fer_helpers import datasets, labels, metrics, paths, records


def _exercise(check: Callable[[object], str | None]) -> Callable[[object], None]:
    """Turn a function that returns what is wrong (None when nothing is) into a check that prints its verdict."""
    number = check.__name__.split("_")[1]

    @wraps(check)
    def print_verdict(answer: object) -> None:
        if answer is None or answer is ...:
            print(f"Exercise {number}: not answered yet.")
            return
        try:
            wrong = check(answer)
        except Exception as error:  # an answer of an unexpected kind is a wrong answer, not a crash
            wrong = f"an answer of this kind cannot be checked ({type(error).__name__}: {error})."
        print(f"Exercise {number}: {'Right.' if wrong is None else f'Not yet: {wrong}'}")

    return print_verdict


def _unless(right: bool, hint: str) -> str | None:
    return None if right else hint


def _share(answer: object, right: float, tolerance: float, hint: str) -> str | None:
    """Compare a share; 62.8 in place of .628 gets a hint of its own."""
    given = float(str(answer).strip())
    if np.isclose(given, 100 * right, atol=100 * tolerance):
        return "a share is wanted, not per cent."
    return _unless(np.isclose(given, right, atol=tolerance), hint)


def _yes(answer: object, hint: str) -> str | None:
    if not isinstance(answer, bool | np.bool_):
        return "give True or False, without quotation marks."
    return _unless(bool(answer), hint)


# 00_start_here


@_exercise
def q00_1(answer: object) -> str | None:
    """Pictures of facekit's PrivateTest on which all ten annotators agree."""
    votes = datasets.load("facekit").split("PrivateTest").votes
    right = int((votes.max(axis=1) == votes.sum(axis=1)).sum())
    return _unless(answer == right, "count the rows of the PrivateTest votes whose largest entry is 10.")


@_exercise
def q00_2(answer: object) -> str | None:
    """Test images for which the Wilson interval of 73 % reaches one point to either side, within 3 %."""
    if int(answer) < 1:
        return "give a number of images."
    low, high = metrics.wilson_interval(round(0.73 * int(answer)), int(answer))
    if (high - low) / 2 > 0.0101:
        return f"with {answer} images the interval is {high - low:.4f} wide, more than .02: take more images."
    return _unless((high - low) / 2 > 0.0098, f"{answer} images are more than it takes.")


@_exercise
def q00_3(answer: object) -> str | None:
    """P-value of McNemar's test: only A right on 60 images, only B on 90."""
    only_a = np.repeat([True, False], [60, 90])
    hint = "give metrics.mcnemar two bool arrays of 150 images, one the opposite of the other."
    return _unless(np.isclose(float(answer), metrics.mcnemar(only_a, ~only_a), atol=5e-4), hint)


@_exercise
def q00_4(answer: object) -> str | None:
    """Accuracy of the majority baseline on FER2013's PrivateTest."""
    return _share(answer, 879 / 3589, 5e-4, "divide the largest class by the sum of all seven.")


@_exercise
def q00_5(answer: object) -> str | None:
    """Split on which epochs are chosen."""
    split = str(answer).replace(" ", "").lower()
    if split == "privatetest":
        return "PrivateTest is only for the report: what you choose on it, you can no longer measure on it."
    if split == "training":
        return "on Training, more epochs nearly always look better."
    return _unless(split == "publictest", "give the name of one of the three splits, as a string.")


@_exercise
def q00_6(answer: object) -> str | None:
    """Inferring emotions of staff under Article 5(1)(f) of Regulation (EU) 2024/1689."""
    hint = "it infers emotions at work; rating people is neither a medical nor a safety reason."
    return _unless(isinstance(answer, str) and answer.strip().lower() == "prohibited", hint)


# 01_dataset


@_exercise
def q01_1(answer: object) -> str | None:
    """Balanced class weight of disgust in facekit's Training split."""
    counts = datasets.load("facekit").counts().loc["Training"]
    right = np.isclose(float(answer), counts.sum() / (7 * counts["disgust"]), rtol=0.005)
    return _unless(right, "all images of Training, divided by 7 times those of disgust.")


@_exercise
def q01_2(answer: object) -> str | None:
    """What the FER+ majority rule makes of three rows of votes: an emotion's name, or "dropped"."""
    words, right = [str(word).strip().lower() for word in answer], ["surprise", "dropped", "fear"]
    if len(words) != len(right):
        return "give three words, one a row."
    if unknown := set(words) - {*labels.FERPLUS_VOTES, "dropped"}:
        return f'{min(unknown)!r} is no name: use the names of the table, or "dropped".'
    wrong = [row for row in range(len(right)) if words[row] != right[row]]
    rule = 'strike the single votes; the winner must hold more than half of what is left, or the row is "dropped".'
    return f"row {wrong[0] + 1}: {rule}" if wrong else None


@_exercise
def q01_3(answer: object) -> str | None:
    """How often one annotator, drawn by chance, says the label of a facekit PrivateTest image."""
    test = datasets.load("facekit").split("PrivateTest")
    right = np.mean(test.votes[np.arange(len(test)), test.labels] / 10)
    return _share(answer, right, 0.005, "the mean, over the images, of the label's share of ten votes.")


@_exercise
def q01_4(answer: object) -> str | None:
    """The action units that stand in the recipe of exactly one emotion."""
    from fer_helpers.facekit.expressions import RECIPE

    if not isinstance(answer, set | list | tuple) or not all(str(unit).startswith("AU") for unit in answer):
        return 'give a set of names such as {"AU1", "AU2"}.'
    units = [unit for recipe in RECIPE.values() for unit in recipe]
    right, given = {unit for unit in units if units.count(unit) == 1}, set(answer)
    if given - right:
        return f"{min(given - right)} is not one of them."
    return _unless(given == right, f"{len(right - given)} more are missing.")


@_exercise
def q01_5(answer: object) -> str | None:
    """Official PrivateTest accuracy of a network that is right on .60 of unseen and .95 of leaked images."""
    right = (0.60 * (3589 - 288) + 0.95 * 288) / 3589
    return _share(answer, right, 0.0015, "weigh both accuracies by their 3,301 and 288 images.")


# 02_preprocessing


@_exercise
def q02_1(answer: object) -> str | None:
    """Histogram equalisation of the four pixels 10, 20, 20, 30."""
    levels = np.ravel(answer).tolist()
    if len(levels) != 4:
        return "give four grey levels, one a pixel."
    if levels[1] != levels[2]:
        return "pixels of equal grey stay equal."
    hint = "the cumulative counts are 1, 3, 4; subtract the darkest level's, divide by 3, multiply by 255."
    return _unless(levels == [0, 170, 170, 255], hint)


@_exercise
def q02_2(answer: object) -> str | None:
    """Pixels of a tile, and curves in all, of CLAHE with 6 x 6 tiles on a 48 x 48 image."""
    pixels, curves = answer
    if pixels != 8 * 8:
        return "tileGridSize is the number of tiles along each side, not their size in pixels."
    return _unless(curves == 6 * 6, "each tile has a curve of its own.")


@_exercise
def q02_3(answer: object) -> str | None:
    """Smallest clip limit at which a bar of a 12 x 12 tile may hold three pixels: 3 * 256 / 144."""
    hint = "limit x 144 / 256 must reach 3: solve for the limit."
    return _unless(np.isclose(float(answer), 3 * 256 / 144, atol=0.01), hint)


@_exercise
def q02_4(answer: object) -> str | None:
    """Mean to subtract in an application of a network that was trained per pixel."""
    hints = {
        "A": "that is the live-demo trap of section 9.",
        "C": "then the answer for a face depends on the faces before it.",
    }
    letter = str(answer).strip().upper()
    return _unless(letter == "B", hints.get(letter, 'give "A", "B" or "C".'))


@_exercise
def q02_5(answer: object) -> str | None:
    """Order of the steps of N+A+HE in training."""
    right = ["equalise", "learn the statistics", "standardise", "augment"]
    steps = list(answer)
    if sorted(steps) != sorted(right):
        return "give each of the four strings once."
    if steps.index("learn the statistics") < steps.index("equalise"):
        return "statistics of raw images do not fit equalised ones."
    return _unless(steps == right, "augmentation is a layer of the model, and sees standardised images.")


@_exercise
def q02_6(answer: object) -> str | None:
    """What a negative does to the equalised image."""
    hint = "HE keeps the order of the pixels from dark to bright; a negative turns it round."
    return _unless(str(answer).strip().upper() == "B", hint)


# 03_depth_and_augmentation


@_exercise
def q03_1(answer: object) -> str | None:
    """Parameters of a 5x5 convolution from 32 to 64 channels, with biases."""
    hint = "kernel height x width x channels in x channels out, plus the biases."
    return _unless(int(answer) == 5 * 5 * 32 * 64 + 64, hint)


@_exercise
def q03_2(answer: object) -> str | None:
    """Parameters of Medium with global average pooling in place of Flatten."""
    hint = "only the first dense layer changes: it then sees 64 numbers instead of 2,304."
    return _unless(int(answer) == 2_440_615 - (2304 - 64) * 1024, hint)


@_exercise
def q03_3(answer: object) -> str | None:
    """Share of the images that are mirrored in neither of two epochs."""
    return _share(answer, 0.25, 1e-6, "an image stays unmirrored with probability one half in each epoch.")


@_exercise
def q03_4(answer: object) -> str | None:
    """Does .6313 lie inside the Wilson interval of 2,278 right of 3,589?"""
    return _yes(answer, "compare .6313 with both ends of the interval.")


# 90_results


def _medium() -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrices of the committed Medium+N+A run: PrivateTest, and its clean part."""
    scores = records.read(records.path(paths.REPORTS / "full", "uvic_cnn/medium_n_a", 0))["metrics"]
    return tuple(np.array(scores[name]["confusion"]) for name in ("PrivateTest", "PrivateTest clean"))


@_exercise
def q90_1(answer: object) -> str | None:
    """Accuracy of Medium+N+A on the images that clean PrivateTest leaves out."""
    removed = np.subtract(*_medium())
    right = np.trace(removed) / removed.sum()
    return _share(answer, right, 0.002, "subtract the two confusion matrices: what is left are those images.")


@_exercise
def q90_2(answer: object) -> str | None:
    """Accuracy on all of PrivateTest if every class had the recall that it has on the clean part."""
    official, clean = _medium()
    recall = np.diag(clean) / clean.sum(axis=1)
    right = (recall * official.sum(axis=1)).sum() / official.sum()
    return _share(answer, right, 0.001, "weigh the seven clean recalls by the official numbers of images.")

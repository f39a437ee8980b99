"""Answers to the notebooks' exercises: `checks.q01_2(answer)` says whether exercise 2 of notebook 01 is right.

A check never raises and never stops a notebook: it prints "Right" or what to look at again. An exercise that has not
been answered yet (None or ...) is named as such.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from fer_helpers import datasets, metrics


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
    hint = "divide the largest class by the sum of all seven (a share, not per cent)."
    return _unless(np.isclose(float(answer), 879 / 3589, atol=5e-4), hint)


@_exercise
def q00_5(answer: object) -> str | None:
    """Split on which epochs are chosen."""
    if answer == "PrivateTest":
        return "PrivateTest is only for the report: what you choose on it, you can no longer measure on it."
    if answer == "Training":
        return "on Training, more epochs nearly always look better."
    return _unless(answer == "PublicTest", "give the name of one of the three splits, as a string.")


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
    words, right = [str(word).lower() for word in answer], ["surprise", "dropped", "fear"]
    if len(words) != len(right):
        return "give three words, one a row."
    wrong = [row for row in range(len(right)) if words[row] != right[row]]
    return f"row {wrong[0] + 1}: strike the single votes, then add up what is left." if wrong else None


@_exercise
def q01_3(answer: object) -> str | None:
    """How often one annotator, drawn by chance, says the label of a facekit PrivateTest image."""
    test = datasets.load("facekit").split("PrivateTest")
    right = np.mean(test.votes[np.arange(len(test)), test.labels] / 10)
    return _unless(
        np.isclose(float(answer), right, atol=0.005),
        "the mean, over the images, of the label's share of ten votes.",
    )


@_exercise
def q01_4(answer: object) -> str | None:
    """The action units that stand in the recipe of exactly one emotion."""
    from fer_helpers.facekit.expressions import RECIPE

    units = [unit for recipe in RECIPE.values() for unit in recipe]
    right, given = {unit for unit in units if units.count(unit) == 1}, set(answer)
    if given - right:
        return f"{min(given - right)} is not one of them."
    return _unless(given == right, f"{len(right - given)} more are missing.")


@_exercise
def q01_5(answer: object) -> str | None:
    """Official PrivateTest accuracy of a network that is right on .60 of unseen and .95 of leaked images."""
    right = (0.60 * (3589 - 288) + 0.95 * 288) / 3589
    return _unless(
        np.isclose(float(answer), right, atol=0.0015), "weigh both accuracies by their 3,301 and 288 images."
    )


# 03_depth_and_augmentation


@_exercise
def q03_1(answer: object) -> str | None:
    """Parameters of a 5x5 convolution from 32 to 64 channels, with biases."""
    return _unless(
        answer == 5 * 5 * 32 * 64 + 64, "kernel height x width x channels in x channels out, plus the biases."
    )


@_exercise
def q03_2(answer: object) -> str | None:
    """Parameters of Medium with global average pooling in place of Flatten."""
    return _unless(
        answer == 2_440_615 - (2304 - 64) * 1024,
        "only the first dense layer changes: it then sees 64 numbers instead of 2,304.",
    )


@_exercise
def q03_3(answer: object) -> str | None:
    """Images flipped and shifted: share of flipped images that the network sees on average."""
    return _unless(np.isclose(float(answer), 0.5), "RandomFlip flips each image with probability one half.")


@_exercise
def q03_4(answer: object) -> str | None:
    """Does the paper's .6313 lie inside a Wilson interval: (correct 2278 of 3589) -> True or False."""
    return _unless(answer is True or answer is np.True_, "compare .6313 with both ends of the interval.")


# 90_results


@_exercise
def q90_1(answer: object) -> str | None:
    """Does .733 lie inside the Wilson interval of 2,624 right of 3,589?"""
    return _unless(
        answer is True or answer is np.True_, "73.1 % of 3,589 images is 2,624; compute its interval."
    )


@_exercise
def q90_2(answer: object) -> str | None:
    """Images for a half-width of one point at 70 %."""
    return _unless(answer == 8068, "solve 1.96 * sqrt(.7 * .3 / n) = .01 for n and round up.")

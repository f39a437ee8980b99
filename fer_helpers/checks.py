"""Answers to the notebooks' exercises: `checks.q01_2(answer)` says whether exercise 2 of notebook 01 is right.

A check never raises and never stops a notebook: it prints "Right" or what to look at again. An exercise that has not
been answered yet (None or ...) is named as such.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np


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


# 01_dataset


@_exercise
def q01_1(answer: object) -> str | None:
    """Balanced class weight of disgust in facekit's Training split."""
    from fer_helpers.facekit import COUNTS

    training = COUNTS[0]
    right = np.isclose(float(answer), sum(training) / (len(training) * training[1]), rtol=0.005)
    return _unless(right, "all images of Training, divided by 7 times those of disgust.")


@_exercise
def q01_2(answer: object) -> str | None:
    """What the FER+ majority rule makes of three rows of votes: emotion names, "dropped" where no label is left."""
    words = [str(word).lower() for word in answer]
    if len(words) != 3:
        return "give three words, one a row."
    wrong = [n for n, pair in enumerate(zip(words, ("surprise", "dropped", "fear"), strict=True), 1) if len(set(pair)) > 1]
    return _unless(not wrong, f"look at row {wrong[0] if wrong else ''} again: strike the single votes, then add up the rest.")


@_exercise
def q01_3(answer: object) -> str | None:
    """How often one annotator, drawn by chance, says the label of a facekit PrivateTest image."""
    from fer_helpers import datasets

    test = datasets.load("facekit").split("PrivateTest")
    right = np.mean(test.votes[np.arange(len(test)), test.labels] / 10)
    return _unless(np.isclose(float(answer), right, atol=0.005), "the mean, over the images, of the label's share of ten votes.")


@_exercise
def q01_4(answer: object) -> str | None:
    """The action units that stand in the recipe of exactly one emotion."""
    from fer_helpers.facekit import RECIPE

    units = [unit for recipe in RECIPE.values() for unit in recipe]
    right, given = {unit for unit in units if units.count(unit) == 1}, set(answer)
    if given - right:
        return f"{min(given - right)} is not one of them."
    return _unless(given == right, f"{len(right - given)} more are missing.")


@_exercise
def q01_5(answer: object) -> str | None:
    """Official PrivateTest accuracy of a network that is right on .60 of unseen and .95 of leaked images."""
    right = (0.60 * (3589 - 288) + 0.95 * 288) / 3589
    return _unless(np.isclose(float(answer), right, atol=0.0015), "weigh both accuracies by their 3,301 and 288 images.")


# 03_depth_and_augmentation


@_exercise
def q03_1(answer: object) -> str | None:
    """Parameters of a 5x5 convolution from 32 to 64 channels, with biases."""
    return _unless(answer == 5 * 5 * 32 * 64 + 64, "kernel height x width x channels in x channels out, plus the biases.")


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

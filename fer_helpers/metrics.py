"""Measures of a classifier, each accuracy with its 95 % interval, and of landmarks."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest, ttest_1samp


def wilson_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson interval of the proportion `correct` / `n`."""
    interval = binomtest(correct, n).proportion_ci(confidence_level=confidence, method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(
    correct_a: int, n_a: int, correct_b: int, n_b: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of a / n_a - b / n_b, two proportions of different images (Newcombe 1998, method 10)."""
    (a, a_low, a_high), (b, b_low, b_high) = (
        (correct / n, *wilson_interval(correct, n, confidence))
        for correct, n in ((correct_a, n_a), (correct_b, n_b))
    )
    return a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean of `values` by the t-distribution; NaN for fewer than two."""
    if len(values) < 2:
        return math.nan, math.nan
    interval = ttest_1samp(values, 0).confidence_interval()
    return float(interval.low), float(interval.high)


def mean_over_runs(runs: Sequence[dict]) -> dict:
    """Mean accuracy of several runs' scores on one test set, with the Wilson interval as if one run had it."""
    n, accuracy = runs[0]["n"], float(np.mean([scores["accuracy"] for scores in runs]))
    return {"n": n, "accuracy": accuracy, "interval": list(wilson_interval(round(accuracy * n), n))}


def with_interval(scores: dict | None) -> str:
    """Text form of an accuracy with its interval, or an empty cell."""
    return (
        f"{scores['accuracy']:.4f} [{scores['interval'][0]:.3f}, {scores['interval'][1]:.3f}]"
        if scores
        else ""
    )


def summarise(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    """Score `probabilities` (n, classes) against integer `labels` (n,); the prediction is the largest probability.

    Returns n, correct, accuracy, its interval, recall per class (None for a class without images), their mean over
    the classes that have images, the confusion matrix with true classes as rows, and on which images the prediction is
    right (see `right`).
    """
    classes = probabilities.shape[1]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
    correct, n = int(np.trace(confusion)), int(confusion.sum())
    per_class = confusion.sum(axis=1)
    recall = [float(confusion[k, k] / per_class[k]) if per_class[k] else None for k in range(classes)]
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "interval": list(wilson_interval(correct, n)),
        "macro_recall": float(np.mean([value for value in recall if value is not None])),
        "recall": recall,
        "confusion": confusion.tolist(),
        "right": np.packbits(probabilities.argmax(axis=1) == labels).tobytes().hex(),
    }


def right(scores: dict) -> np.ndarray:
    """On which images of a test set a run is right, bool (n,), from what `summarise` gave.

    Two runs can so be compared image by image without the labels, which belong to the data sets.
    """
    bits = np.frombuffer(bytes.fromhex(scores["right"]), np.uint8)
    return np.unpackbits(bits, count=scores["n"]).astype(bool)


def summarise_errors(errors: np.ndarray) -> dict:
    """Summary of an error per image (n,): n, mean, its 95 % interval by the normal distribution, and each (float16)."""
    n, mean = len(errors), float(np.mean(errors))
    half = 1.96 * float(np.std(errors, ddof=1)) / n**0.5
    each = np.asarray(errors, "<f2").tobytes().hex()
    return {"n": n, "mean": mean, "interval": [mean - half, mean + half], "each": each}


def each_error(summary: dict) -> np.ndarray:
    """The errors (n,) float32 of which `summarise_errors` made a summary, to three digits."""
    return np.frombuffer(bytes.fromhex(summary["each"]), "<f2").astype("float32")


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> float:
    """Exact two-sided McNemar test of two classifiers on the same images: p-value.

    `correct_a` and `correct_b` are bool (n,). Only the images on which exactly one is right carry information.
    """
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(~correct_a & correct_b))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979): the k-th smallest of m times m - k + 1, never decreasing."""
    order = np.argsort(p_values)
    scaled = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted.tolist()

"""Measures of a classifier, each accuracy with its 95 % interval, and of landmarks."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """95 % Wilson interval of the proportion `correct` / `n`."""
    interval = binomtest(correct, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def summarise(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    """Score `probabilities` (n, classes) against integer `labels` (n,); the prediction is the largest probability.

    Returns n, correct, accuracy, its interval, recall per class (None for a class without images), their mean over
    the classes that have images, the confusion matrix with true classes as rows, and on which images the prediction is
    right (see `right`).
    """
    classes = probabilities.shape[1]
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(classes))
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

"""How far a network's answers can be trusted: do its probabilities keep their word, and when should it be silent?

Functions on plain arrays. Everywhere `labels` is (n,) int, `p` is (n, classes) probabilities, the *answer* the class
with the largest one, and the *confidence* that largest probability. What is fitted here is fitted on one set and used
on another.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from fer_helpers import metrics
from fer_helpers.temperature import SMALLEST, soften

BINS = 15  # of equal width, as Guo et al. 2017 (arXiv 1706.04599)
TEMPERATURES = (0.05, 20)


def rate(right: np.ndarray) -> dict[str, float]:
    """Share of True in `right` (n,) bool with its 95 % Wilson interval: n, accuracy, low, high; n = 0 gives None."""
    if not len(right):
        return {"n": 0, "accuracy": None, "low": None, "high": None}
    low, high = metrics.wilson_interval(int(right.sum()), len(right))
    return {"n": len(right), "accuracy": float(right.mean()), "low": low, "high": high}


def reliability(labels: np.ndarray, p: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """What happens to answers of like confidence: one row for each of `bins` equal intervals that has an image.

    Columns: from, to (the interval), confidence (mean), n, accuracy, low, high.
    """
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    number = _bin(confidence, bins)
    rows = []
    for k in np.unique(number):
        inside = number == k
        row = {"from": k / bins, "to": (k + 1) / bins, "confidence": float(confidence[inside].mean())}
        rows.append(row | rate(right[inside]))
    return pd.DataFrame(rows)


def calibration_error(labels: np.ndarray, p: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their images."""
    return float(_error(p.max(axis=1), p.argmax(axis=1) == labels, bins))


def error_by_chance(p: np.ndarray, bins: int = BINS, draws: int = 200) -> float:
    """Mean calibration error that as many answers of these confidences would show if every confidence were true.

    It falls as the answers become more, and belongs to these confidences: softened ones have another.
    """
    confidence, random = p.max(axis=1), np.random.default_rng(0)
    return float(
        np.mean([_error(confidence, random.random(len(p)) < confidence, bins) for _ in range(draws)])
    )


def log_loss(labels: np.ndarray, p: np.ndarray) -> float:
    """Mean negative log-likelihood of the labels, in nats; a probability below SMALLEST counts as SMALLEST."""
    return float(-np.log(np.maximum(p[np.arange(len(labels)), labels], SMALLEST)).mean())


def fit_temperature(labels: np.ndarray, p: np.ndarray) -> float:
    """Temperature with the smallest log loss: one number that sets right what is too sure on the whole."""

    def loss(exponent: float) -> float:
        return log_loss(labels, soften(p, np.exp(exponent)))

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def abstention(
    selection: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    shares: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1),
) -> pd.DataFrame:
    """Accuracy of the answers that are left when unsure ones are withheld: one row for each wanted share of answers.

    Both sets are (labels, p). The least confidence for an answer is chosen on `selection`, so that this share of it is
    answered; the rest of a row is counted on `test`. Columns: wanted, least_confidence, answered (share), n, accuracy,
    low, high.
    """
    (_, p), (labels, p_test) = selection, test
    confidence, right = p_test.max(axis=1), p_test.argmax(axis=1) == labels
    rows = []
    for share in shares:
        least = float(np.quantile(p.max(axis=1), 1 - share)) if share < 1 else 0.0
        answered = confidence >= least
        row = {"wanted": share, "least_confidence": least, "answered": float(answered.mean())}
        rows.append(row | rate(right[answered]))
    return pd.DataFrame(rows)


def class_recalls(labels: np.ndarray, p: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Recall of each class with its interval, and precision: class, n, recall, low, high, answers, precision."""
    answers, rows = p.argmax(axis=1), []
    for k, name in enumerate(classes):
        found, given = rate(answers[labels == k] == k), rate(labels[answers == k] == k)
        row = {"class": name, "n": found["n"], "recall": found["accuracy"], "low": found["low"]}
        rows.append(row | {"high": found["high"], "answers": given["n"], "precision": given["accuracy"]})
    return pd.DataFrame(rows)


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidence * bins).astype(int), bins - 1)


def _error(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    gaps = np.bincount(_bin(confidence, bins), confidence - right, minlength=bins)
    return np.abs(gaps).sum() / len(confidence)

"""Class weights against rare classes, and what they do to precision and recall."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support


def balanced(counts: Sequence[int]) -> np.ndarray:
    """Weight of each class from its number of images (k,): n / (k n_c), so that every class weighs the same in sum.

    data240's seven weights are those of 22,968 images, to the last digit.
    """
    counts = np.asarray(counts)
    return counts.sum() / (len(counts) * counts)


def report(confusion: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class from a confusion matrix (rows true), and their means.

    The row "macro" is the plain mean over the classes, "weighted" that by support; the recall of "weighted" is the
    accuracy.
    """
    confusion = np.asarray(confusion)
    true, predicted = (index.ravel() for index in np.indices(confusion.shape))
    weights = {"sample_weight": confusion.ravel()}
    columns = precision_recall_fscore_support(true, predicted, zero_division=0, **weights)
    table = pd.DataFrame(
        dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)), index=classes
    )
    for average in ("macro", "weighted"):
        means = precision_recall_fscore_support(true, predicted, average=average, zero_division=0, **weights)
        table.loc[average] = [*means[:3], confusion.sum()]
    return table.astype({"support": int})

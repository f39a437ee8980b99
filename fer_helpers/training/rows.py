"""Which rows train and which select, and what the network shall answer to them."""

import numpy as np

from fer_helpers.datasets import Dataset

TRAINED_SHARE = 0.8  # of Training, where the rest of it selects (ljmu, data240)


def hold_out(rows: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Split the training rows by `seed`: 80 % of every class to train on, the rest to select by.

    On FER2013 this gives data240's 22,968 rows, class for class (3,196 angry ... 2,537 surprise).
    """
    random = np.random.default_rng(seed)
    kept = np.zeros(len(rows), bool)
    for label in range(len(rows.classes)):
        of_class = random.permutation(np.flatnonzero(rows.labels == label))
        kept[of_class[: round(TRAINED_SHARE * len(of_class))]] = True
    return rows.subset(np.flatnonzero(kept)), rows.subset(np.flatnonzero(~kept))


def targets(data: Dataset) -> np.ndarray:
    """Float32 targets (n, classes): the data set's soft labels where it has them, one-hot labels otherwise."""
    return (
        data.targets if data.targets is not None else np.eye(len(data.classes), dtype="float32")[data.labels]
    )

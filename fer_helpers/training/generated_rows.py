"""Training rows with generated images behind them (ljmu, rows 8 to 10)."""

import numpy as np

from fer_helpers.datasets import Dataset
from fer_helpers.labels import TRAINING


def append(rows: Dataset, images: np.ndarray, labels: np.ndarray) -> Dataset:
    """Put `images` (n, 48, 48) uint8 with `labels` (n,) behind the images of `rows`; their row number is -1.

    Images and labels are all that both kinds have: votes, landmarks and the like are left out.
    """
    n = len(images)
    return Dataset(
        name=rows.name,
        images=np.concatenate([rows.images, images]),
        labels=np.concatenate([rows.labels, labels]),
        classes=rows.classes,
        splits=np.full(len(rows) + n, TRAINING),
        clean=np.concatenate([rows.clean, np.zeros(n, bool)]),
        rows=np.concatenate([rows.rows, np.full(n, -1)]),
    )

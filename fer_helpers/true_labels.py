"""Labels of FER2013's and FER+'s test images: stored probabilities can be scored without the pictures.

`data/fer2013_test_labels.csv` has a line for each row of PublicTest and PrivateTest: row, split, fer2013 and ferplus,
both as numbers into `labels`; ferplus is empty where Microsoft's majority rule drops the image.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_helpers import clean_rows, datasets, paths
from fer_helpers.errors import FerError
from fer_helpers.labels import TRAINING

PATH = paths.DATA / "fer2013_test_labels.csv"
DATA_SETS = ("fer2013", "ferplus")


@dataclass(frozen=True)
class TrueLabels:
    """Labels (n,) int64 and the clean mask (n,) bool of one test split, in the order of the data set."""

    labels: np.ndarray
    clean: np.ndarray


def read(dataset: str, split: str) -> TrueLabels:
    """Labels of a test split of "facekit", "fer2013" or "ferplus". Raises FerError for another data set."""
    if dataset == "facekit":
        rows = datasets.load("facekit").split(split)
        return TrueLabels(rows.labels, rows.clean)
    if dataset not in DATA_SETS:
        raise FerError(f"The test labels of {dataset!r} are not part of the course.")
    table = pd.read_csv(PATH)
    rows = table[(table["split"] == split) & table[dataset].notna()]
    clean = clean_rows.read(clean_rows.OFFICIAL_ROWS)
    return TrueLabels(rows[dataset].to_numpy(np.int64), clean[rows["row"].to_numpy()])


def write() -> None:
    """Write the file from FER2013 and FER+ as `datasets.load` reads them."""
    fer2013, ferplus = datasets.load("fer2013"), datasets.load("ferplus")
    table = pd.DataFrame({"row": fer2013.rows, "split": fer2013.splits, "fer2013": fer2013.labels})
    votes = pd.Series(ferplus.labels, index=ferplus.rows, name="ferplus").astype("Int64")
    table = table.join(votes, on="row")
    with paths.atomic_write(PATH) as temporary:
        table[table["split"] != TRAINING].to_csv(temporary, index=False)


if __name__ == "__main__":
    write()

"""FER+ (Barsoum et al. 2016, arXiv 1608.01041): ten votes an image, and Microsoft's rules that make labels of
them.

The rules follow `src/ferplus.py` of https://github.com/microsoft/FERPlus. Its votes come in two forms:
`fer2013new.csv` (row i belongs to row i of fer2013.csv) and the later `label.csv` files, from which
Microsoft's own code trains.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, FERPLUS_EMOTIONS, FERPLUS_VOTES

if TYPE_CHECKING:
    import pandas as pd

# Where each file may lie below the data folder: copied there, or inside a clone of Microsoft's repository.
FOLDERS = ("", "fer2013", "FERPlus", "FERPlus/data", "data")
SOURCES = ("label.csv", "fer2013new.csv")
NOT_A_FACE = FERPLUS_VOTES.index("not a face")
# FER+ emotion -> FER2013 label; contempt has none.
TO_FER2013 = np.array([EMOTIONS.index(name) if name in EMOTIONS else -1 for name in FERPLUS_EMOTIONS])


def find(folder: Path, *names: str) -> Path | None:
    """First file of these names in `folder` or one of FOLDERS below it, None if there is none."""
    paths = [folder / place / name for place in FOLDERS for name in names]
    return next((path for path in paths if path.is_file()), None)


def _require(folder: Path, *names: str) -> Path:
    path = find(folder, *names)
    if path is not None:
        return path
    raise FerError(
        f"FER+ needs {names[0]}, which is not in {folder}; get it from https://github.com/microsoft/FERPlus "
        "and put it there, or set FER_DATA_DIR to the folder that has it."
    )


def _read_csv(path: Path, **options) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_csv(path, **options)
    except (OSError, ValueError) as error:
        raise FerError(
            f"Cannot read {path}: {error}. Get it again from https://github.com/microsoft/FERPlus."
        ) from error


def _as_votes(columns: "pd.DataFrame", path: Path) -> np.ndarray:
    import pandas as pd

    votes = columns.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = ~np.isin(votes, np.arange(11)).all(axis=1)
    if votes.shape[1] != len(FERPLUS_VOTES) or wrong.any():
        where = f" (row {int(wrong.argmax()) + 1})" if wrong.any() else ""
        raise FerError(
            f"{path} must have ten counts from 0 to 10 a row{where}; get it again from microsoft/FERPlus."
        )
    return votes.astype(np.uint8)


def read_fer2013new(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read `fer2013new.csv`: image names (n,) str with "" where FER+ has none, usage (n,) str, votes (n, 10)
    uint8.
    """
    path = _require(folder, "fer2013new.csv")
    table = _read_csv(path, keep_default_na=False)
    if list(table.columns[:2]) != ["Usage", "Image name"]:
        raise FerError(
            f"{path} must begin with the columns Usage and Image name; get it from microsoft/FERPlus."
        )
    return table["Image name"].to_numpy(str), table["Usage"].to_numpy(str), _as_votes(table.iloc[:, 2:], path)


def read_votes(folder: Path, source: str = "label.csv") -> tuple[np.ndarray, np.ndarray]:
    """Read the votes of every row of fer2013.csv: votes (n, 10) uint8, and listed (n,) bool.

    A row is listed if it has a FER+ image name and, for label.csv, stands in one of the three files
    (`ferplus_label_Train.csv` or `FER2013Train/label.csv`, and so on); the votes of the other rows are those
    of fer2013new.csv. Four names stand on two rows each (fer0006953, fer0008403, fer0011785, fer0033120):
    Microsoft's script writes both pictures to one file, so that the later row stays, and so it is here.
    Raises FerError for a missing or damaged file.
    """
    if source not in SOURCES:
        raise FerError(f"FER+ votes come from {' or '.join(SOURCES)}, not from {source!r}.")
    names, _, votes = read_fer2013new(folder)
    if source == "fer2013new.csv":
        return votes, names != ""
    row_of = {name: row for row, name in enumerate(names) if name}
    listed = np.zeros(len(names), bool)
    for part in ("Train", "Valid", "Test"):
        path = _require(folder, f"ferplus_label_{part}.csv", f"FER2013{part}/label.csv")
        table = _read_csv(path, header=None)
        try:
            rows = [row_of[name] for name in table[0]]
        except KeyError as error:
            raise FerError(f"{path} names the image {error}, which fer2013new.csv does not have.") from None
        votes[rows] = _as_votes(table.iloc[:, -10:], path)  # the box column is missing in early versions
        listed[rows] = True
    return votes, listed


def faces(folder: Path) -> np.ndarray:
    """Rows that FER+ calls a face, (n,) bool: they have an image name, and "not a face" does not lead the ten
    votes.
    """
    names, _, votes = read_fer2013new(folder)
    return (names != "") & (votes.argmax(axis=1) != NOT_A_FACE)


def _without_single_votes(votes: np.ndarray) -> np.ndarray:
    return np.where(votes > 1, votes, 0).astype(int)


def majority(votes: np.ndarray) -> np.ndarray:
    """Label by majority, (n,) int64: index into FERPLUS_EMOTIONS, or -1 where the row is dropped.

    Single votes are struck out; the winner must hold more than half of what remains, and be an emotion.
    """
    votes = _without_single_votes(votes)
    winner = votes.argmax(axis=1)
    kept = (2 * votes.max(axis=1) > votes.sum(axis=1)) & (winner < len(FERPLUS_EMOTIONS))
    return np.where(kept, winner, -1)


def argmax(votes: np.ndarray) -> np.ndarray:
    """Label with the most votes of all ten columns, (n,) int64; -1 where that is "unknown" or "not a face".

    A tie goes to the first column. It keeps 28,389 / 3,553 / 3,546 rows of fer2013new.csv. (Asking the eight
    emotions alone would keep 28,559 / 3,579 / 3,573: all but the images that ten of ten people called no
    face.)
    """
    winner = votes.argmax(axis=1)
    return np.where(winner < len(FERPLUS_EMOTIONS), winner, -1)


def _distribution_of(votes: list[int]) -> list[int]:
    """Microsoft's loop for one row: take the leading classes until they hold three quarters of the votes."""
    total, taken, count, valid = sum(votes), [0] * len(votes), 0, True
    while sum(taken) < 0.75 * total and count < 3 and valid:
        top = max(votes)
        for k, value in enumerate(votes):
            if value != top:
                continue
            taken[k], votes[k] = top, 0
            count += 1
            if k >= len(FERPLUS_EMOTIONS):
                valid = False
                if sum(taken) > top:  # emotions lead: unknown or "not a face" is only left out
                    taken[k] = 0
                    count -= 1
                break
    if sum(taken) <= 0.5 * total or count > 3:
        return [0] * len(FERPLUS_EMOTIONS)
    return taken[: len(FERPLUS_EMOTIONS)]


def distribution(votes: np.ndarray) -> np.ndarray:
    """Soft labels, (n, 8) float32 with rows that sum to 1; a row of zeros is dropped.

    Single votes are struck out; classes enter by descending votes until they hold 75 % (three at most, ties
    together); dropped are rows led by "unknown" or "not a face", rows with more than three classes, and rows
    where half of the votes or fewer are covered. The paper's "probability" and "cross-entropy" modes both
    start from these.
    """
    unique, inverse = np.unique(_without_single_votes(votes), axis=0, return_inverse=True)
    taken = np.array([_distribution_of(row) for row in unique.tolist()], np.float32).reshape(-1, 8)
    return (taken / np.maximum(taken.sum(axis=1, keepdims=True), 1))[inverse.reshape(-1)]

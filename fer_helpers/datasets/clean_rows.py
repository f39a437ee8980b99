"""Which rows of FER2013 are clean: the definitions, and the committed list.

Two images are identical if all their pixels are equal.
- *Clean* PublicTest and PrivateTest: images that stand in no other split, the first copy of each image inside the
  split, not constant, and a face: named in FER+, and "not a face" does not lead its ten votes.
- *Cleaned* Training: the same without the rule on copies, so nothing that stands in a test set (703 rows of
  FER2013), no constant image, no non-face (842 rows in all; all 11 constant ones also stand in PublicTest).
  Test labels play no part.
"""

import csv
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST, PUBLIC_TEST, SPLITS

PATH = paths.DATA / "fer2013_clean_rows.csv"
# `order` of FER2013 as it was published: FER+ votes and the clean list, which go by row, hold for it alone.
OFFICIAL_ORDER = "7ced67a2af2c65ad59170a519e7d78d5f522a94624647959d355824ab449b152"


def order(labels: np.ndarray, splits: np.ndarray) -> str:
    """Hex sha256 over the labels and split numbers (a byte each): tells whether rows stand in the official
    order.
    """
    numbers = np.select([splits == split for split in SPLITS], range(len(SPLITS)))
    return sha256(labels.astype(np.uint8).tobytes() + numbers.astype(np.uint8).tobytes()).hexdigest()


def groups(images: np.ndarray) -> np.ndarray:
    """Number of each image's group, (n,) int64: equal for identical images."""
    digests = [blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    return np.unique(np.array(digests, "V16"), return_inverse=True)[1]


def constant(images: np.ndarray) -> np.ndarray:
    """Images whose pixels are all equal, (n,) bool."""
    pixels = images.reshape(len(images), -1)
    return (pixels == pixels[:, :1]).all(axis=1)


def status(images: np.ndarray, splits: np.ndarray, faces: np.ndarray | None = None) -> np.ndarray:
    """Status of each row, (n,) str: "clean", or the first reason that holds against it.

    Reasons in order: "in <another split>", "duplicate" (a later copy inside a test split), "constant", and
    "not a face" where `faces` (n,) bool is given.
    """
    group, result = groups(images), np.full(len(images), "clean", "U14")

    def mark(mask: np.ndarray, reason: str) -> None:
        result[mask & (result == "clean")] = reason

    for other in SPLITS:
        mark((splits != other) & np.isin(group, group[splits == other]), f"in {other}")
    for split in (PUBLIC_TEST, PRIVATE_TEST):
        rows = np.flatnonzero(splits == split)
        later = np.delete(rows, np.unique(group[rows], return_index=True)[1])
        mark(np.isin(np.arange(len(images)), later), "duplicate")
    mark(constant(images), "constant")
    if faces is not None:
        mark(~faces, "not a face")
    return result


def read(n: int, path: Path = PATH) -> np.ndarray:
    """Read the committed list: clean (n,) bool for the rows of FER2013 in the official order."""
    clean = np.ones(n, bool)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                clean[int(line["row"])] = line["status"] == "clean"
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise FerError(f"{path} is missing or damaged ({error}); restore it from the repository.") from error
    return clean

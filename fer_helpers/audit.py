"""What is wrong with a data set of faces: identical images, leaks across splits, conflicting labels,
non-faces.

Definitions (two images are identical if all their pixels are equal):
- A *group* is two or more identical images. It stretches across splits if its images stand in more than one
  split; its labels conflict if they are not all the same.
- *Clean* PublicTest and PrivateTest: images that stand in no other split, the first copy of each group inside
  the split, not constant, and a face: named in FER+, and "not a face" does not lead its ten votes.
- *Cleaned* Training: the same without the rule on copies, so nothing that stands in a test set (703 rows of
  FER2013), no constant image, no non-face (842 rows in all; all 11 constant ones also stand in PublicTest).
  Test labels play no part.
"""

import csv
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import ferplus, paths
from fer_helpers.errors import FerError
from fer_helpers.labels import FERPLUS_VOTES, PRIVATE_TEST, PUBLIC_TEST, SPLITS, TRAINING

if TYPE_CHECKING:
    from fer_helpers.datasets import Dataset

CLEAN_ROWS = paths.DATA / "fer2013_clean_rows.csv"
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


def write_clean_rows(path: Path = CLEAN_ROWS) -> np.ndarray:
    """Compute FER2013's status from pixels and FER+ names, write the list, and return the status (n,).

    The list has a line for each PublicTest and PrivateTest row and for each Training row that is removed:
    row, split, status. Raises FerError unless FER2013 stands in the official order and fer2013new.csv is
    there.
    """
    from fer_helpers import datasets

    content = datasets.read_fer2013()
    splits = content["splits"]
    if order(content["labels"], splits) != OFFICIAL_ORDER:
        raise FerError("The clean list numbers FER2013's rows: it needs fer2013.csv in the official order.")
    result = status(content["images"], splits, ferplus.faces(paths.data_dir()))
    with paths.atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("row", "split", "status"))
        listed = np.flatnonzero((splits != TRAINING) | (result != "clean"))
        writer.writerows((int(row), splits[row], result[row]) for row in listed)
    return result


def read_clean_rows(n: int, path: Path = CLEAN_ROWS) -> np.ndarray:
    """Read the committed list: clean (n,) bool for the rows of FER2013 in the official order."""
    clean = np.ones(n, bool)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                clean[int(line["row"])] = line["status"] == "clean"
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise FerError(f"{path} is missing or damaged ({error}); restore it from the repository.") from error
    return clean


@dataclass(frozen=True)
class Audit:
    """Counts found by `audit`; None where a count does not apply to the data set."""

    name: str
    images: dict[str, int]  # per split
    groups: int
    rows: int  # rows in those groups
    across: int  # groups that stretch across splits
    in_training: dict[str, int]  # rows of each test split that also stand in Training
    conflicting: int
    constant: int
    clean: dict[str, int]  # rows of each split that are clean
    clean_per_class: dict[str, list[int]]
    ferplus_clean_test: int | None  # FER+ majority rows (label.csv) in the clean PrivateTest
    agreement: dict[str, int] | None  # see `_agreement`


def _agreement(data: "Dataset") -> dict[str, int]:
    """How often FER+ votes and FER2013 labels agree on PrivateTest.

    `correct` of `n`: the most votes of all ten columns, where an emotion has them. `correct_all` of `n_all`:
    the most votes among the eight emotions, for every row; where none has a vote, as NumPy's argmax says, the
    first ("neutral").
    """
    test = data.splits == PRIVATE_TEST
    labels, votes = data.labels[test], data.votes[test]
    winner = ferplus.argmax(votes)
    known = winner >= 0
    eight = votes[:, : len(ferplus.TO_FER2013)].argmax(axis=1)
    return {
        "correct": int((ferplus.TO_FER2013[winner[known]] == labels[known]).sum()),
        "n": int(known.sum()),
        "correct_all": int((ferplus.TO_FER2013[eight] == labels).sum()),
        "n_all": len(labels),
    }


def audit(data: "Dataset") -> Audit:
    """Count identical images, leaks, conflicting labels, constant images and clean rows of any data set.

    For FER2013 with FER+ votes also the FER+ counts; the clean FER+ test needs Microsoft's label.csv files.
    """
    group = groups(data.images)
    size = np.bincount(group)

    def distinct(values: np.ndarray) -> np.ndarray:
        """Count the different `values` (n,) int inside each group."""
        return np.bincount(np.unique(np.stack([group, values]), axis=1)[0])

    split = np.select([data.splits == name for name in SPLITS], range(len(SPLITS)))
    leaked = np.isin(group, group[data.splits == TRAINING])
    masks = {name: data.splits == name for name in SPLITS}
    clean = {name: data.labels[mask & data.clean] for name, mask in masks.items()}
    paired = data.name == "fer2013" and data.vote_names == FERPLUS_VOTES
    ferplus_test = None
    if paired:
        try:
            votes, listed = ferplus.read_votes(paths.data_dir(), "label.csv")
            chosen = data.clean & listed & (ferplus.majority(votes) >= 0)
            ferplus_test = int((chosen & masks[PRIVATE_TEST]).sum())
        except FerError:
            pass  # the label.csv files are optional here, and the report says that they are missing
    return Audit(
        name=data.name,
        images={name: int(mask.sum()) for name, mask in masks.items()},
        groups=int((size > 1).sum()),
        rows=int(size[size > 1].sum()),
        across=int((distinct(split) > 1).sum()),
        in_training={name: int((leaked & masks[name]).sum()) for name in (PRIVATE_TEST, PUBLIC_TEST)},
        conflicting=int((distinct(data.labels) > 1).sum()),
        constant=int(constant(data.images).sum()),
        clean={name: len(labels) for name, labels in clean.items()},
        clean_per_class={k: np.bincount(v, minlength=len(data.classes)).tolist() for k, v in clean.items()},
        ferplus_clean_test=ferplus_test,
        agreement=_agreement(data) if paired else None,
    )


def report(result: Audit) -> str:
    """Say the counts of `audit` in plain lines."""
    lines = [
        f"{result.name}: " + ", ".join(f"{n:,} {name}" for name, n in result.images.items()),
        f"{result.groups:,} groups of identical images covering {result.rows:,} rows",
        f"{result.across:,} groups across splits",
        " and ".join(f"{n:,} {name}" for name, n in result.in_training.items())
        + " rows that stand in Training",
        f"{result.conflicting:,} groups with conflicting labels",
        f"{result.constant:,} constant images",
    ]
    for name in (PRIVATE_TEST, PUBLIC_TEST, TRAINING):
        per_class = "/".join(map(str, result.clean_per_class[name]))
        lines.append(f"clean {name} {result.clean[name]:,} ({per_class})")
    if result.ferplus_clean_test is not None:
        lines.append(f"clean FER+ test {result.ferplus_clean_test:,}")
    elif result.agreement:
        lines.append("clean FER+ test not counted: Microsoft's label.csv files are missing")
    if result.agreement:
        a = result.agreement
        lines.append(
            f"FER+ agreement {a['correct'] / a['n']:.1%} of {a['n']:,} "
            f"({a['correct_all'] / a['n_all']:.1%} of all {a['n_all']:,})".replace("%", " %")
        )
    return "\n".join(lines)


if __name__ == "__main__":  # python -m fer_helpers.audit: regenerate the committed list
    found, counts = np.unique(write_clean_rows(), return_counts=True)
    print(f"{CLEAN_ROWS}:", ", ".join(f"{n:,} {name}" for name, n in zip(found, counts, strict=True)))

"""What is wrong with a data set of faces: identical images, leaks across splits, conflicting labels, non-faces.

A *group* is two or more identical images. It stretches across splits if its images stand in more than one split; its
labels conflict if they are not all the same. What *clean* means stands in `clean_rows`.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_helpers import datasets, paths
from fer_helpers.datasets import Dataset, clean_rows, ferplus
from fer_helpers.errors import FerError
from fer_helpers.labels import FERPLUS_VOTES, PRIVATE_TEST, PUBLIC_TEST, SPLITS, TRAINING


def write_clean_rows(path: Path = clean_rows.PATH) -> np.ndarray:
    """Compute FER2013's status from pixels and FER+ names, write the list, and return the status (n,).

    The list has a line for each PublicTest and PrivateTest row and for each Training row that is removed:
    row, split, status. Raises FerError unless FER2013 stands in the official order and fer2013new.csv is
    there.
    """
    content = datasets.read_fer2013()
    splits = content["splits"]
    if clean_rows.order(content["labels"], splits) != clean_rows.OFFICIAL_ORDER:
        raise FerError("The clean list numbers FER2013's rows: it needs fer2013.csv in the official order.")
    result = clean_rows.status(content["images"], splits, ferplus.faces(paths.data_dir()))
    with paths.atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("row", "split", "status"))
        listed = np.flatnonzero((splits != TRAINING) | (result != "clean"))
        writer.writerows((int(row), splits[row], result[row]) for row in listed)
    return result


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


def _agreement(data: Dataset) -> dict[str, int]:
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


def audit(data: Dataset) -> Audit:
    """Count identical images, leaks, conflicting labels, constant images and clean rows of any data set.

    For FER2013 with FER+ votes also the FER+ counts; the clean FER+ test needs Microsoft's label.csv files.
    """
    group = clean_rows.groups(data.images)
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
        constant=int(clean_rows.constant(data.images).sum()),
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
    try:
        reasons = write_clean_rows()
    except FerError as error:
        raise SystemExit(f"Error: {error}") from None
    found, counts = np.unique(reasons, return_counts=True)
    print(f"{clean_rows.PATH}:", ", ".join(f"{n:,} {name}" for name, n in zip(found, counts, strict=True)))

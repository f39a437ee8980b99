"""Data sets: one `Dataset` for all of them, and `load`, which reads them, checks them and keeps a cache.

facekit (embedded, no download), FER2013 and FER+ (the user's own copies), and any folder of class folders.
"""

import warnings
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import paths
from fer_helpers.datasets import clean_rows, fer2013_files, ferplus, image_folders
from fer_helpers.datasets.cache import cached
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, FERPLUS_EMOTIONS, FERPLUS_VOTES, SPLITS, TRAINING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with all that is known of each; every array has one row an image."""

    name: str
    images: np.ndarray  # (n, 48, 48) uint8
    labels: np.ndarray  # (n,) int64, index into `classes`
    classes: tuple[str, ...]
    splits: np.ndarray  # (n,) str: "Training", "PublicTest" or "PrivateTest"
    clean: (
        np.ndarray
    )  # (n,) bool: in the clean list of its split (defined in `clean_rows`); all True for facekit
    rows: np.ndarray  # (n,) int64: row in the source file
    votes: np.ndarray | None = None  # (n, k) uint8: annotators' votes, columns named by `vote_names`
    vote_names: tuple[str, ...] = ()
    targets: np.ndarray | None = None  # (n, classes) float32: soft labels (FER+ distribution)
    landmarks: np.ndarray | None = (
        None  # (n, 68, 2) float32: x, y in pixels; the first pixel's centre is (0, 0)
    )
    identities: np.ndarray | None = None  # (n,) uint16
    action_units: np.ndarray | None = None  # (n, k) float32, columns named by `action_unit_names`
    action_unit_names: tuple[str, ...] = ()
    pose: np.ndarray | None = None  # (n, 3) float32: yaw, pitch, roll in radians
    intensity: np.ndarray | None = None  # (n,) float32
    notes: tuple[str, ...] = ()  # what differs from the official set, one sentence each

    def __post_init__(self) -> None:
        for name, value in self._arrays().items():
            if len(value) != len(self.images):
                raise ValueError(f"{self.name}: {name} has {len(value)} rows for {len(self.images)} images.")

    def __len__(self) -> int:
        return len(self.images)

    def _arrays(self) -> dict[str, np.ndarray]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def subset(self, index: np.ndarray | slice) -> "Dataset":
        """Keep the rows that a bool mask, integer index or slice names, in that order."""
        return replace(self, **{name: value[index] for name, value in self._arrays().items()})

    def split(self, name: str) -> "Dataset":
        """Keep one split, "Training", "PublicTest" or "PrivateTest". Raises FerError if it is unknown or
        empty.
        """
        if name not in self.splits:
            raise FerError(
                f"{self.name} has no images in a split {name!r}; the splits are {', '.join(SPLITS)}."
            )
        return self.subset(self.splits == name)

    def counts(self) -> "pd.DataFrame":
        """Count the images: a line a split, a column a class."""
        import pandas as pd  # here, because it takes as long to start as all that a classifier needs

        table = {
            split: np.bincount(self.labels[self.splits == split], minlength=len(self.classes))
            for split in SPLITS
        }
        return pd.DataFrame.from_dict(table, orient="index", columns=list(self.classes))

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 over images, labels and splits: equal for equal data."""
        digest = sha256(np.ascontiguousarray(self.images))
        digest.update(self.labels.astype("<i8").tobytes())
        digest.update("\n".join(self.splits.tolist()).encode())
        return digest.hexdigest()


def load(name: str | Path, **options: str) -> Dataset:
    """Load a data set: "facekit", "fer2013", "ferplus", or the path of a FER2013 file or of a folder of class
    folders.

    facekit: the rendered faces that come with the course. fer2013: found in `FER_DATA_DIR` or data/fer2013/,
    in the forms and the order that `fer2013_files.find` lists; its votes are those of fer2013new.csv where
    that is there. ferplus: options `votes` and `source`, see `load_ferplus`. A folder: see
    `image_folders.read`. Every difference from the official set stands in `notes` and is warned of. Raises
    FerError for missing or bad data.
    """
    named = {"facekit": _load_facekit, "fer2013": _load_fer2013, "ferplus": load_ferplus}
    if name in named:
        return named[name](**options)
    path = Path(name).expanduser()
    if path.is_file():
        return _load_fer2013(path, **options)
    if path.is_dir():
        return _load_folder(path, **options)
    raise FerError(
        f"There is no data set {str(name)!r}: give {', '.join(named)}, or the path of a file or folder."
    )


def _load_facekit() -> Dataset:
    from fer_helpers import facekit  # here, because only this data set needs it

    content = facekit.read(paths.DATA / "facekit48.npz")
    n = len(content["images"])
    return Dataset(
        name="facekit",
        images=content["images"],
        labels=content["labels"].astype(np.int64),
        classes=EMOTIONS,
        splits=np.array(SPLITS)[content["splits"]],
        clean=np.ones(n, bool),
        rows=np.arange(n),
        vote_names=EMOTIONS,
        action_unit_names=tuple(str(unit) for unit in content["action_unit_names"]),
        **{
            key: content[key]
            for key in ("votes", "landmarks", "identities", "action_units", "pose", "intensity")
        },
    )


def read_fer2013(path: Path | None = None) -> dict:
    """Read FER2013 from `path`, or from where it is found: dict of images, labels, splits, classes, notes.

    Raises FerError if there is none, or a row is wrong.
    """
    folder, notes = paths.data_dir(), []
    if path is None:
        path, *others = fer2013_files.find(folder) or [None]
        if path is None:
            raise FerError(
                f"FER2013 is not in {folder} (looked for fer2013.csv and icml_face_data.csv, also packed, "
                "train/ and test/ folders, parquet files): get it from Kaggle (the "
                "ICML 2013 challenge data) and put it there, or set FER_DATA_DIR to the folder with it."
            )
        if others:
            unused = ", ".join(str(other) for other in others)
            notes.append(f"There are several copies of FER2013: {path} is used, not {unused}.")
    content = cached(path, fer2013_files.read)
    return content | {"notes": (*notes, *content["notes"])}


def _load_fer2013(path: Path | None = None) -> Dataset:
    content = read_fer2013(path)
    images, labels, splits, notes = (content[key] for key in ("images", "labels", "splits", "notes"))
    votes = None
    if clean_rows.order(labels, splits) == clean_rows.OFFICIAL_ORDER:
        clean = clean_rows.read(len(images))
        if ferplus.find(paths.data_dir(), "fer2013new.csv"):
            votes = _paired_votes(splits, "fer2013new.csv")[0]
    else:
        clean = clean_rows.status(images, splits) == "clean"
        notes += (
            "The rows are not in FER2013's official order: there are no FER+ votes, and clean goes by pixels "
            "alone, so that images that are no faces could not be removed.",
        )
    for note in notes:
        warnings.warn(note, stacklevel=3)
    return Dataset(
        name="fer2013",
        **{key: content[key] for key in ("images", "labels", "classes", "splits")},
        clean=clean,
        rows=np.arange(len(images)),
        votes=votes,
        vote_names=FERPLUS_VOTES if votes is not None else (),
        notes=notes,
    )


def _paired_votes(splits: np.ndarray, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Read FER+ votes for FER2013 in the official order; check them against the votes' own split column."""
    folder = paths.data_dir()
    usage = ferplus.read_fer2013new(folder)[1]
    if not np.array_equal(usage, splits):
        raise FerError(
            "fer2013new.csv has other rows than FER2013; get it again from github.com/microsoft/FERPlus."
        )
    return ferplus.read_votes(folder, source)


def load_ferplus(votes: str = "majority", source: str = "label.csv") -> Dataset:
    """Load FER+, eight emotions: FER2013's images with labels from ten people's votes.

    `votes` rules Training; PublicTest and PrivateTest always follow the majority rule, as in Microsoft's
    code:
    - "majority": 25,045 / 3,191 / 3,137 rows from label.csv, 25,060 / 3,199 / 3,153 from fer2013new.csv;
    - "distribution": 27,947 Training rows (label.csv) with soft labels in `targets` (one-hot in the test
      splits);
    - "argmax": the most votes of all ten columns, dropped if that is "unknown" or "not a face": 28,385
      Training rows from label.csv, 28,389 from fer2013new.csv.
    `source`: "label.csv" (what Microsoft's own code trains from) or "fer2013new.csv" (what most people have).
    `rows` and `clean` are those of FER2013. Raises FerError for a missing file, or FER2013 in another row
    order.
    """
    if votes not in ("majority", "distribution", "argmax"):
        raise FerError(f"FER+ labels are made by majority, distribution or argmax, not by {votes!r}.")
    fer2013 = _load_fer2013()
    if clean_rows.order(fer2013.labels, fer2013.splits) != clean_rows.OFFICIAL_ORDER:
        raise FerError(
            "FER+ votes belong to the rows of fer2013.csv, and this copy of FER2013 has another order; "
            "get fer2013.csv (Kaggle, ICML 2013 challenge data)."
        )
    counts, listed = _paired_votes(fer2013.splits, source)
    labels = ferplus.majority(counts)
    training, targets = fer2013.splits == TRAINING, None
    if votes == "argmax":
        labels = np.where(training, ferplus.argmax(counts), labels)
    elif votes == "distribution":
        soft = ferplus.distribution(counts)
        labels = np.where(training, np.where(soft.any(axis=1), soft.argmax(axis=1), -1), labels)
        targets = np.where(training[:, None], soft, np.eye(len(FERPLUS_EMOTIONS), dtype=np.float32)[labels])
    ferplus_set = replace(
        fer2013,
        name="ferplus",
        labels=labels,
        classes=FERPLUS_EMOTIONS,
        votes=counts,
        vote_names=FERPLUS_VOTES,
        targets=targets,
    )
    return ferplus_set.subset(listed & (labels >= 0))


def _load_folder(path: Path) -> Dataset:
    content = cached(path, image_folders.read)
    images, splits = content["images"], content["splits"]
    for note in content["notes"]:
        warnings.warn(note, stacklevel=3)
    return Dataset(
        name=path.resolve().name,
        **content,
        clean=clean_rows.status(images, splits) == "clean",
        rows=np.arange(len(images)),
    )

"""Readers of other databases' own folder forms: pictures of any size with the names of their emotions.

A reader takes the folder and gives `Pictures`; it raises FerError for a missing label file, and for a label that is no
emotion. `layouts` names the databases.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd
from scipy.io import loadmat

from fer_helpers import datasets, pictures
from fer_helpers.datasets import image_folders
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, PRIVATE_TEST

KNOWN = (*EMOTIONS, "contempt")  # contempt keeps its name; an evaluation leaves it out and says so
# The databases' own numbers and letters, from their README files.
CK_CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
JAFFE_CODES = dict(AN="angry", DI="disgust", FE="fear", HA="happy", NE="neutral", SA="sad", SU="surprise")
ISED_CODES = ("", "happy", "surprise", "sad", "disgust")
AFFECTNET_CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
RAF_CODES = ("", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
LONDON_FOLDERS = {
    "neutral": "neutral",
    "neutral_front": "neutral",
    "smiling": "happy",
    "smiling_front": "happy",
}


@dataclass(frozen=True)
class Pictures:
    """Pictures of a database, read one at a time, and what is known of each (one entry a picture)."""

    name: str  # as the papers write it
    sources: tuple[Path | np.ndarray, ...]  # a picture file, or a grey picture (h, w) uint8
    labels: tuple[str, ...]  # names out of `KNOWN`
    subjects: tuple[str, ...]  # the person; "" where the form does not tell
    notes: tuple[str, ...] = ()  # what was taken and what was left out, one sentence each

    def __len__(self) -> int:
        return len(self.sources)

    def picture(self, index: int) -> np.ndarray:
        """Give one picture, grey (h, w) uint8. Raises FerError when its file is no picture."""
        source = self.sources[index]
        return pictures.read(source) if isinstance(source, Path) else source

    def without(self, label: str) -> "Pictures":
        """Leave the pictures of one emotion out, and say so in the notes."""
        rows = [row for row in zip(self.sources, self.labels, self.subjects, strict=True) if row[1] != label]
        left_out = f"{len(self) - len(rows)} pictures of {label} are left out."
        return _gather(self.name, Path(self.name), rows, *self.notes, left_out)

    def counts(self) -> dict[str, int]:
        """Number of pictures of each emotion that occurs, in the order of `KNOWN`."""
        return {name: self.labels.count(name) for name in KNOWN if name in self.labels}


def emotion(name: str) -> str:
    """Give the course's name of an emotion ("Anger" is "angry"), or "" for one that it does not know."""
    name = name.strip().lower()
    name = image_folders.SYNONYMS.get(name, name)
    return name if name in KNOWN else ""


def _code(text: str, codes: tuple[str, ...], where: Path) -> str:
    """Emotion behind a database's number; "" for a number that stands for none."""
    try:
        number = float(text)
        if number < 0 or number != int(number):
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise FerError(
            f"{where} has the label {text!r}, which is no emotion's number; get it again."
        ) from error
    return codes[int(number)] if number < len(codes) else ""


def _need(path: Path) -> Path:
    if not path.exists():
        raise FerError(f"{path} is missing: get it from where the database comes from.")
    return path


def _gather(name: str, root: Path, found: Iterable[tuple], *notes: str) -> Pictures:
    """Make Pictures of rows (source, label, subject); those without a file or a label are left out and noted."""
    found = list(found)
    there = [row for row in found if not isinstance(row[0], Path) or row[0].is_file()]
    rows = [row for row in there if row[1]]
    if not rows:
        raise FerError(f"{root} holds no labelled pictures of {name}; `layouts.table()` shows its form.")
    if missing := len(found) - len(there):
        notes += (f"{missing} of {len(found)} pictures that have a label are not there.",)
    if unlabelled := len(there) - len(rows):
        notes += (f"{unlabelled} pictures with none of the emotions as label are left out.",)
    return Pictures(name, *zip(*rows, strict=True), notes=notes)


def read_ck(root: Path) -> Pictures:
    """CK+: of each sequence with an emotion file the last frame, and the first as neutral."""
    images, labels, found, silent = _need(root / "cohn-kanade-images"), _need(root / "Emotion"), [], 0
    for sequence in sorted(images.glob("S*/*/")):
        subject = sequence.parent.name
        frames = sorted(sequence.glob("[!.]*.png"))
        files = sorted((labels / subject / sequence.name).glob("[!.]*_emotion.txt"))
        if files and frames:
            label = _code(files[0].read_text().strip(), CK_CODES, files[0])
            found += [(frames[-1], label, subject), (frames[0], "neutral", subject)]
        else:
            silent += 1
    taken = "Taken: the last frame of each sequence with an emotion file, and its first frame as neutral."
    return _gather("CK+", root, found, taken, f"{silent} sequences have no emotion file and are left out.")


def read_class_folders(name: str, root: Path, subject: str, names: dict[str, str] | None = None) -> Pictures:
    """Class folders; `subject` is a pattern for file names with the person as group 1.

    `names` gives the emotions of the folders to take; without it every folder must be called after an emotion.
    """
    listed, notes = image_folders.files(root), ()
    if any(split == PRIVATE_TEST for *_, split in listed):
        listed = [row for row in listed if row[2] == PRIVATE_TEST]
        notes = ("Taken: the test folder only.",)
    label = {folder: emotion(folder) if names is None else names.get(folder, "") for _, folder, _ in listed}
    if names is None and "" in label.values():
        unknown = next(folder for folder in label if not label[folder])
        raise FerError(
            f"{root / unknown} is called after no emotion ({', '.join(KNOWN)}): rename or remove it."
        )
    if names is not None:
        taken = [f"{folder} as {label[folder]}" for folder in sorted(label) if label[folder]]
        notes += (f"Taken: {', '.join(taken)}.",)
    people = [re.match(subject, path.name) for path, *_ in listed]
    rows = [
        (row[0], label[row[1]], person[1] if person else "")
        for row, person in zip(listed, people, strict=True)
    ]
    return _gather(name, root, rows, *notes)


def read_jaffe(root: Path) -> Pictures:
    """JAFFE: KA.AN1.39.tiff is woman KA, angry, her first such picture, number 39 of all."""
    rows = []
    for path in sorted(root.rglob("[!.]*.tif*")):
        parts = path.name.upper().split(".")
        rows.append((path, JAFFE_CODES.get(parts[1][:2], "") if len(parts) == 4 else "", parts[0]))
    return _gather("JAFFE", root, rows)


def read_ised(root: Path) -> Pictures:
    """ISED: the peak pictures that ISED_details.mat lists (columns: 1 person, 6 picture file, 7 emotion)."""
    path = _need(root / "ISED_details.mat")
    try:
        table = next(t for t in loadmat(path).values() if isinstance(t, np.ndarray) and t.dtype == object)
        cells = [["".join(map(str, np.ravel(cell))) for cell in row] for row in table]
        listed = [(row[0], PureWindowsPath(row[5]).name, row[6]) for row in cells]  # takes both slashes
    except (ValueError, TypeError, NotImplementedError, StopIteration, IndexError) as error:
        raise FerError(f"{path} is not ISED's table; get it again, or save it in MATLAB with -v7.") from error
    rows = [
        (root / "peakImages" / file, emotion(label) or _code(label, ISED_CODES, path), person)
        for person, file, label in listed
        if Path(file).suffix  # a row of headings names no file
    ]
    return _gather("ISED", root, rows, "Taken: the peak frame of each clip; there is no neutral.")


def read_affectnet(root: Path) -> Pictures:
    """AffectNet's validation set: validation.csv, or val_set/annotations/*_exp.npy."""
    arrays = sorted((root / "val_set" / "annotations").glob("[!.]*_exp.npy"))
    if listing := next(iter(sorted(root.rglob("validation.csv"))), None):
        table = pd.read_csv(listing, dtype=str, keep_default_na=False)
        if not {"subDirectory_filePath", "expression"} <= set(table.columns):
            raise FerError(f"{listing} has no columns subDirectory_filePath and expression; get it again.")
        files = [root / "Manually_Annotated_Images" / file for file in table["subDirectory_filePath"]]
        labels = [_code(text, AFFECTNET_CODES, listing) for text in table["expression"]]
    elif arrays:
        files = [root / "val_set" / "images" / f"{path.name.removesuffix('_exp.npy')}.jpg" for path in arrays]
        labels = [_code(_number(path), AFFECTNET_CODES, path) for path in arrays]
    else:
        raise FerError(f"{root} has neither validation.csv nor val_set/annotations/*_exp.npy of AffectNet.")
    rows = ((file, label, "") for file, label in zip(files, labels, strict=True))
    return _gather("AffectNet", root, rows, "Taken: the validation set, since the test set is not given out.")


def _number(path: Path) -> str:
    try:
        return str(np.load(path, allow_pickle=False).item())
    except (ValueError, OSError, EOFError) as error:
        raise FerError(f"{path} is damaged, or more than one number; get it again.") from error


def read_raf(root: Path) -> Pictures:
    """RAF-DB, basic emotions: the test rows of list_patition_label.txt and their aligned pictures."""
    listing = _need(root / "EmoLabel" / "list_patition_label.txt")
    rows = []
    for line in listing.read_text().splitlines():
        name, _, number = line.strip().rpartition(" ")
        if name.startswith("test"):
            file = root / "Image" / "aligned" / f"{Path(name).stem}_aligned.jpg"
            rows.append((file, _code(number, RAF_CODES, listing), ""))
    return _gather("RAF-DB", root, rows, "Taken: the aligned pictures of the test rows.")


def read_test_split(title: str, data: datasets.Dataset) -> Pictures:
    """PrivateTest of a data set of the course."""
    data = data.split(PRIVATE_TEST)
    people = [""] * len(data) if data.identities is None else [str(i) for i in data.identities]
    rows = zip(data.images, (data.classes[k] for k in data.labels), people, strict=True)
    return _gather(title, Path(data.name), rows, f"Taken: {PRIVATE_TEST}.", *data.notes)

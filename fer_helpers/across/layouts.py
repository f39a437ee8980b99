"""The databases on which networks can be evaluated: what each folder must hold, on which terms it is given, and where.

Nothing is downloaded. A database is read from the folder that is named, or else from the one called after its layout in
`FER_DATABASES_DIR` (default: data/databases/); fer2013 and facekit know where they are.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fer_helpers import datasets, paths
from fer_helpers.across import readers
from fer_helpers.across.readers import Pictures
from fer_helpers.errors import FerError


@dataclass(frozen=True)
class Database:
    """How a database's folder is read, what it must hold, on which terms it is given, and where."""

    read: Callable[[Path | None], Pictures]
    form: str
    terms: str
    source: str


DATABASES = {
    "ck+": Database(
        readers.read_ck, "cohn-kanade-images/S005/001/*.png, Emotion/S005/001/*_emotion.txt",
        "signed agreement: no redistribution, only people who agreed may be shown", "jeffcohn.net"),
    "ck+48": Database(
        lambda root: readers.read_class_folders("CK+48", root, r"(S\d+)_"),
        "anger/S010_004_00000017.png, contempt/ ...",
        "those of CK+, which allow nobody to pass such copies on", "make it from CK+"),
    "jaffe": Database(
        readers.read_jaffe, "KA.AN1.39.tiff ...", "non-commercial research, with citation; no redistribution",
        "doi.org/10.5281/zenodo.3451524, on request"),
    "ised": Database(
        readers.read_ised, "ISED_details.mat, peakImages/26_7_39.jpg", "agreement: research; no redistribution",
        "iseddatabase@gmail.com, on request"),
    "affectnet": Database(
        readers.read_affectnet,
        "validation.csv with Manually_Annotated_Images/, or val_set/images and val_set/annotations",
        "agreement: non-commercial research; no redistribution", "mohammadmahoor.com/affectnet, on request"),
    "raf-db": Database(
        readers.read_raf, "EmoLabel/list_patition_label.txt, Image/aligned/test_0001_aligned.jpg",
        "agreement: non-commercial research; no redistribution", "whdeng.cn/RAF/model1.html, on request"),
    "london": Database(
        lambda root: readers.read_class_folders("London", root, r"(\d+)_", readers.LONDON_FOLDERS),
        "neutral_front/001_03.jpg and smiling_front/001_08.jpg, or neutral/ and smiling/",
        "CC BY 4.0 (DeBruine and Jones 2017)", "doi.org/10.6084/m9.figshare.5047666"),
    "fer2013": Database(
        lambda root: readers.read_test_split("FER2013", datasets.load(root or "fer2013")), "see data/README.md",
        "no licence by its authors is known; no redistribution", "Kaggle, ICML 2013 challenge data"),
    "facekit": Database(
        lambda root: readers.read_test_split("FaceKit", datasets.load("facekit")), "comes with the course",
        "MIT", "data/"),
    "folder": Database(
        lambda root: readers.read_class_folders(root.resolve().name, root, "()"),
        "happy/1.jpg ... or test/happy/1.jpg ...", "yours", "you"),
}  # fmt: skip
KNOWN_PLACES = ("fer2013", "facekit")


def home(layout: str) -> Path:
    """Folder in which a database is looked for when none is named."""
    return Path(os.environ.get("FER_DATABASES_DIR") or paths.DATA / "databases").expanduser() / layout


def at_hand() -> list[str]:
    """Layouts that `read` needs no folder for, in the order of `DATABASES`; the course's own two are among them."""
    return [layout for layout in DATABASES if layout in KNOWN_PLACES or home(layout).is_dir()]


def read(layout: str, root: Path | str | None = None) -> Pictures:
    """Read the database in folder `root` in the form that `layout`, a name of `DATABASES`, stands for.

    Raises FerError for an unknown layout, for a missing folder or label file, and for a label that is no emotion.
    """
    if layout not in DATABASES:
        raise FerError(f"There is no layout {layout!r}: give one of {', '.join(DATABASES)}.")
    if root is None and layout not in KNOWN_PLACES and not (root := home(layout)).is_dir():
        form = DATABASES[layout].form
        raise FerError(f"The layout {layout} needs the folder with {form}: name it, or put it at {root}.")
    if root is not None and not (root := Path(root).expanduser()).is_dir() and layout != "fer2013":
        raise FerError(f"There is no folder {root}: unpack the data, {DATABASES[layout].form}.")
    return DATABASES[layout].read(root)


def table() -> pd.DataFrame:
    """What each layout expects, on which terms its database is given, and where: one row a layout."""
    rows = {name: (known.form, known.terms, known.source) for name, known in DATABASES.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["form", "terms", "source"])

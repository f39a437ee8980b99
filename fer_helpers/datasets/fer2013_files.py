"""FER2013 (Goodfellow et al. 2013, arXiv 1307.0414) in the forms in which people have it, found and
checked.
"""

import json
from pathlib import Path

import numpy as np

from fer_helpers.datasets import fer2013_csv, image_folders
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, PRIVATE_TEST, PUBLIC_TEST, TRAINING

# In the order in which they are taken; each is looked for in the folder itself and in its subfolder fer2013/.
FILES = tuple(f"{name}{suffix}" for name in fer2013_csv.NAMES for suffix in ("", ".gz", ".xz", ".zip"))
ARCHIVES = ("fer2013.tar.gz", "fer2013.tgz", "*.zip")
OFFICIAL_COUNTS = {  # images of each class, in the order of EMOTIONS
    TRAINING: (3995, 436, 4097, 7215, 4830, 3171, 4965),
    PUBLIC_TEST: (467, 56, 496, 895, 653, 415, 607),
    PRIVATE_TEST: (491, 55, 528, 879, 594, 416, 626),
}


def find(folder: Path) -> list[Path]:
    """List the FER2013 copies in `folder`, the one to use first.

    Order: fer2013.csv (plain, .gz, .xz, .zip), icml_face_data.csv (likewise), fer2013.tar.gz, any .zip that
    holds one of the two, a train/ + test/ tree of class folders, parquet files (also in data/). A tree or a
    set of parquet files is named by its folder.
    """
    places = [place for place in (folder, folder / "fer2013") if place.is_dir()]
    found = [place / name for place in places for name in FILES if (place / name).is_file()]
    archives = [path for place in places for pattern in ARCHIVES for path in sorted(place.glob(pattern))]
    found += [path for path in archives if path not in found and _may_hold_csv(path)]
    needed = {TRAINING, PRIVATE_TEST}
    found += [place for place in places if needed <= set(image_folders.split_folders(place).values())]
    return found + [
        path for place in places for path in (place, place / "data") if any(path.glob("*.parquet"))
    ]


def _may_hold_csv(archive: Path) -> bool:
    try:
        return archive.suffix != ".zip" or fer2013_csv.member_name(archive) is not None
    except FerError:
        return True  # damaged: reading it says so, should it be the one to use


def _read_tree(folder: Path) -> dict:
    """Read train/ and test/ class folders; files named PublicTest_* or PrivateTest_* keep their split."""
    content = image_folders.read(folder, seed=None)
    if content["classes"] != EMOTIONS:
        names = ", ".join(content["classes"])
        raise FerError(f"{folder}: the class folders are {names}; FER2013 has {', '.join(EMOTIONS)}.")
    return content


def read_parquet(folder: Path) -> dict:
    """Read Hugging Face parquet files: columns `image` (bytes, path) and `label`, the split in the file's
    name.
    """
    import pyarrow.parquet as parquet  # here, because it takes long to load and few need it

    images, labels, splits, notes = [], [], [], []
    for path in sorted(folder.glob("*.parquet")):
        split = image_folders.SPLIT_FOLDERS.get(path.name.split("-")[0].split(".")[0].lower())
        if split is None:
            raise FerError(
                f"{path}: the name must begin with train, validation or test, to say which split it holds."
            )
        try:
            table = parquet.read_table(path, columns=["image", "label"])
        except (OSError, ValueError) as error:
            raise FerError(f"{path} is damaged or has no columns image and label ({error}).") from error
        about = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = about.get("info", {}).get("features", {}).get("label", {}).get("names")
        emotions = [image_folders.SYNONYMS.get(name.lower(), name.lower()) for name in names or EMOTIONS]
        if set(emotions) != set(EMOTIONS):
            raise FerError(
                f"{path}: its label names are {', '.join(names)}; FER2013 has {', '.join(EMOTIONS)}."
            )
        if names is None:
            notes.append(f"{path.name} does not name its labels: taken as FER2013's own order.")
        pairs = zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True)
        for row, (image, label) in enumerate(pairs):
            if label not in range(len(EMOTIONS)):
                raise FerError(f"{path}, row {row}: the label {label!r} is not a number from 0 to 6.")
            images.append(image_folders.decode(image["bytes"], f"{path}, row {row}"))
            labels.append(EMOTIONS.index(emotions[label]))
        splits += [split] * len(table)
    return fer2013_csv.content(np.stack(images), labels, splits, notes)


def read(path: Path) -> dict:
    """Read the copy at `path` (one of `find`'s) and note each way in which it differs from the official
    set.
    """
    if path.is_file():
        content = fer2013_csv.read(path)
    elif any(path.glob("*.parquet")) and not image_folders.split_folders(path):
        content = read_parquet(path)
    else:
        content = _read_tree(path)
    splits, labels = content["splits"], content["labels"]
    if PUBLIC_TEST not in splits and PRIVATE_TEST in splits:
        content["notes"].append(
            "This copy merges the two test halves and their names are gone: all its test images are called "
            "PrivateTest, and results on them do not compare with results on the official 3,589."
        )
    for split, official in OFFICIAL_COUNTS.items():
        counts = np.bincount(labels[splits == split], minlength=len(EMOTIONS)).tolist()
        if counts != list(official):
            pairs = zip(EMOTIONS, counts, official, strict=True)
            off = ", ".join(f"{name} {n:,} instead of {right:,}" for name, n, right in pairs if n != right)
            content["notes"].append(
                f"{split} has {sum(counts):,} images, the official set {sum(official):,} ({off}): this is "
                "not the official FER2013, so its results do not compare with published ones."
            )
    return content

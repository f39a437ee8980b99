"""Pictures in class folders, `train/happy/1.jpg` or `happy/1.jpg`, read as grey 48x48 images."""

from pathlib import Path

import cv2
import numpy as np

from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, IMAGE_SIZE, PRIVATE_TEST, PUBLIC_TEST, SPLITS, TRAINING

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm"}
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "publictest"), PUBLIC_TEST),
    **dict.fromkeys(("test", "testing", "privatetest"), PRIVATE_TEST),
}
SYNONYMS = {
    "anger": "angry", "disgusted": "disgust", "fearful": "fear", "happiness": "happy", "sadness": "sad",
    "surprised": "surprise", "suprise": "surprise",
}  # fmt: skip


def decode(data: bytes, where: str) -> np.ndarray:
    """Decode an encoded image to (48, 48) uint8: grey, shrunk by area or enlarged by cubic interpolation.

    The sides are scaled independently, so a picture that is not square is stretched. Raises FerError naming
    `where`.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None:
        raise FerError(f"{where} is not a readable image: it is damaged or incomplete; replace or remove it.")
    if image.shape != (IMAGE_SIZE, IMAGE_SIZE):
        how = cv2.INTER_AREA if min(image.shape) >= IMAGE_SIZE else cv2.INTER_CUBIC
        image = cv2.resize(image, (IMAGE_SIZE, IMAGE_SIZE), interpolation=how)
    return image


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def split_folders(root: Path) -> dict[Path, str]:
    """Subfolders of `root` that name a split (train, test, validation, PublicTest ...), with that split."""
    return {
        path: SPLIT_FOLDERS[path.name.lower()]
        for path in _folders(root)
        if path.name.lower() in SPLIT_FOLDERS
    }


def files(root: Path) -> list[tuple[Path, str, str | None]]:
    """List every image below `root` as (file, class folder's name, split or None), sorted by path.

    Raises FerError for a folder without class folders, or a class folder without images.
    """
    found = []
    for parent, split in (split_folders(root) or {root: None}).items():
        classes = _folders(parent)
        if not classes:
            raise FerError(
                f"{parent} has no class folders; put the pictures into one folder a class, as happy/1.jpg."
            )
        for folder in classes:
            images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
            images = [path for path in images if not path.name.startswith(".")]
            if not images:
                raise FerError(
                    f"{folder} holds no images; add some ({', '.join(sorted(SUFFIXES))}) or remove it."
                )
            found += [(path, folder.name, split) for path in images]
    return found


def _classes(names: set[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Class names in order, and the number of each folder name; the seven emotions come in FER2013's
    order.
    """
    emotion = {name: SYNONYMS.get(name.lower(), name.lower()) for name in names}
    if set(emotion.values()) == set(EMOTIONS):
        return EMOTIONS, {name: EMOTIONS.index(emotion[name]) for name in names}
    classes = tuple(sorted(names))
    return classes, {name: number for number, name in enumerate(classes)}


def hold_out(labels: np.ndarray, candidates: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose `fraction` of the `candidates` (bool) of each class at random, at least one: bool mask."""
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(candidates & (labels == label)))
        chosen[rows[: max(1, round(fraction * len(rows)))]] = True
    return chosen


def read(root: Path, seed: int | None = 0) -> dict:
    """Read class folders: dict with images (n, 48, 48) uint8, labels (n,), splits (n,) str, classes and
    notes.

    Splits come from file names such as PublicTest_123.jpg, else from folders such as train/ and test/.
    Without either, a seeded draw gives 80 / 10 / 10 % of each class; without validation pictures a tenth of
    Training becomes PublicTest. `seed=None` draws nothing: FER2013 has no need of it.
    """
    found = files(root)
    classes, number = _classes({name for _, name, _ in found})
    if len(classes) < 2:
        raise FerError(
            f"{root} has the one class {classes[0]}; a classifier needs two class folders or more."
        )
    images = np.stack([decode(path.read_bytes(), str(path)) for path, _, _ in found])
    labels = np.array([number[name] for _, name, _ in found], np.int64)
    prefixes = [path.name.split("_")[0] for path, _, _ in found]
    splits = [prefix if prefix in SPLITS else found[i][2] or "" for i, prefix in enumerate(prefixes)]
    splits, notes = np.array(splits, "U11"), []
    if seed is not None and "" in splits:
        counts = np.bincount(labels, minlength=len(classes))
        if counts.min() < 3:
            raise FerError(
                f"{root / classes[counts.argmin()]} has fewer than the 3 images that three splits need."
            )
        splits[:] = TRAINING
        splits[hold_out(labels, splits == TRAINING, 1 / 10, seed)] = PRIVATE_TEST
        splits[hold_out(labels, splits == TRAINING, 1 / 9, seed)] = PUBLIC_TEST
        notes.append(
            f"{root.name} has no train and test folders: 80/10/10 % of each class by chance (seed {seed})."
        )
    elif seed is not None and PUBLIC_TEST not in splits:
        splits[hold_out(labels, splits == TRAINING, 1 / 10, seed)] = PUBLIC_TEST
        notes.append(
            f"{root.name} has no validation folder: a tenth of Training is PublicTest (seed {seed})."
        )
    return {"images": images, "labels": labels, "splits": splits, "classes": classes, "notes": notes}

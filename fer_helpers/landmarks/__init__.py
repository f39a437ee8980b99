"""Faces and their 68 landmarks with dlib: HOG detector, then an ensemble of regression trees.

The landmark model `shape_predictor_68_face_landmarks.dat` is published as CC0, but it was trained on iBUG
300-W, whose terms exclude commercial use: use it for teaching and research only. It comes with the package
`face_recognition_models` (100 MB), of which nothing else is used.

dlib looks for faces of about 80 pixels, so it sees none in a 48-pixel crop: the picture is padded by
repeating its border (the detector needs some room around a face) and enlarged first. All coordinates are
x then y in pixels of the picture that was given, the centre of its first pixel being (0, 0).
Source of the method: `ucf_keypoints`, section 3.1, which does not say what it did with the faces that dlib
misses; `attach` makes that choice explicit.
"""

import functools
import hashlib
import importlib.util
import os
import warnings
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_helpers import paths
from fer_helpers.datasets import Dataset
from fer_helpers.errors import FerError

MODEL_FILE = "shape_predictor_68_face_landmarks.dat"
MODEL_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
HOW_TO_GET_IT = (
    "get it with `pip install face_recognition_models` (100 MB; trained on iBUG 300-W, whose terms exclude "
    "commercial use) or name your copy in FER_LANDMARK_MODEL"
)
POLICIES = ("keep", "whole_crop", "drop")  # what `attach` does with an image in which dlib finds no face
OUTER_EYE_CORNERS = (36, 45)
INNER = slice(17, 68)  # everything but the jaw line
# Detection: pixels of border (on FER2013 they find 4 more faces in 100), enlargement, least score accepted.
PADDING, SCALE, THRESHOLD = 8, 2, -0.5
POINT_SCALE = 4  # dlib rounds landmarks to whole pixels, so this enlargement gives quarters of a pixel
CHUNK = 2000  # images between two writes of the cache: about 3 seconds


@functools.cache
def _is_the_model(path: Path) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == MODEL_SHA256


def model_path() -> Path:
    """Find dlib's 68-point model: `FER_LANDMARK_MODEL`, else `face_recognition_models`, else Debian's folder.

    Raises FerError when there is none or its checksum (computed once per process) is wrong.
    """
    if named := os.environ.get("FER_LANDMARK_MODEL"):
        candidates = [Path(named).expanduser()]
    else:
        package = importlib.util.find_spec("face_recognition_models")  # to import it needs pkg_resources
        folders = [Path(folder, "models") for folder in package.submodule_search_locations] if package else []
        candidates = [folder / MODEL_FILE for folder in [*folders, Path("/usr/share/dlib")]]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise FerError(f"The landmark model is not at {' or '.join(map(str, candidates))}: {HOW_TO_GET_IT}.")
    if not _is_the_model(path):
        raise FerError(f"{path} is not dlib's 68-point model (its SHA-256 differs): {HOW_TO_GET_IT}.")
    return path


@functools.cache
def _dlib():
    try:
        import dlib
    except ImportError as error:
        raise FerError(
            "dlib is not installed: run `pip install dlib-bin`, a ready-made wheel of it."
        ) from error
    return dlib


@functools.cache
def _detector():
    return _dlib().get_frontal_face_detector()


@functools.cache
def _predictor():
    return _dlib().shape_predictor(str(model_path()))


def _enlarge(image: np.ndarray, padding: int, scale: int) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise FerError(f"A picture must be uint8 (h, w) or (h, w, 3), not {image.dtype} {image.shape}.")
    padded = cv2.copyMakeBorder(image, *[padding] * 4, cv2.BORDER_REPLICATE)
    return cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)


def detect(
    image: np.ndarray, padding: int = PADDING, scale: int = SCALE, threshold: float = THRESHOLD
) -> np.ndarray | None:
    """Find the most certain frontal face in `image` (h, w) or (h, w, 3) uint8.

    Gives its edges left, top, right, bottom (4,) float32, which may lie outside the picture, or None. The
    defaults suit 48-pixel crops of one face, so they accept a weak score; for photographs take
    `padding=0, scale=1, threshold=0`. Raises FerError for a picture that is not uint8.
    """
    boxes, _, _ = _detector().run(_enlarge(image, padding, scale), 0, threshold)
    if not boxes:
        return None
    best = boxes[0]  # dlib sorts by score
    # dlib's right and bottom are the last pixels inside: + 1 makes them edges, half a pixel before a centre.
    edges = np.array([best.left(), best.top(), best.right() + 1, best.bottom() + 1], np.float32)
    return edges / scale - padding - 0.5


def predict(
    image: np.ndarray, box: np.ndarray, padding: int = PADDING, scale: int = POINT_SCALE
) -> np.ndarray:
    """Give the 68 landmarks (68, 2) float32 of the face in `box` (left, top, right, bottom) of `image`.

    dlib always answers, face or not. `scale=1` is enough for photographs.
    """
    edges = np.rint((np.asarray(box) + 0.5 + padding) * scale).astype(int).tolist()
    rectangle = _dlib().rectangle(edges[0], edges[1], edges[2] - 1, edges[3] - 1)
    parts = _predictor()(_enlarge(image, padding, scale), rectangle).parts()
    points = np.array([(part.x, part.y) for part in parts], np.float32)
    return (points + 0.5) / scale - 0.5 - padding


@dataclass(frozen=True)
class Landmarks:
    """What `find` saw, one row an image.

    Where `found` (n,) bool is False no face was found, and `boxes` (n, 4) float32 holds the whole frame. `points`
    (n, 68, 2) float32 were predicted in these boxes.
    """

    points: np.ndarray
    found: np.ndarray
    boxes: np.ndarray


def find(images: np.ndarray) -> Landmarks:
    """Find one face and its 68 landmarks in each of `images` (n, 48, 48) uint8, or take them from the cache.

    35,887 images take about a minute in one process. The cache is one file a set of images, written every few
    seconds, so that an interrupted run goes on where it stopped; a damaged file is made again with a warning.
    """
    images = np.ascontiguousarray(images)
    settings = (images.shape, MODEL_SHA256, PADDING, SCALE, THRESHOLD, POINT_SCALE)
    key = hashlib.sha256(repr(settings).encode() + images.tobytes()).hexdigest()
    cache = paths.state_dir() / "landmarks" / f"{key[:32]}.npz"
    seen = _read_cache(cache, len(images))
    with tqdm(
        total=len(images), initial=len(seen.found), desc="landmarks", unit="image", disable=None
    ) as bar:
        # dlib holds Python's lock, so threads gain nothing; a pool of processes would save half a minute, once.
        for start in range(len(seen.found), len(images), CHUNK):
            rows = [_find_one(image) for image in images[start : start + CHUNK]]
            new = zip(*rows, strict=True)
            points, found, boxes = (
                np.concatenate(pair) for pair in zip(vars(seen).values(), new, strict=True)
            )
            seen = Landmarks(points, found, boxes)
            try:
                with paths.atomic_write(cache) as temporary:
                    np.savez(temporary, **vars(seen))
            except FerError as error:
                warnings.warn(f"The landmarks are searched anew each time: {error}", stacklevel=2)
            bar.update(len(rows))
    return seen


def _find_one(image: np.ndarray) -> tuple[np.ndarray, bool, np.ndarray]:
    box = detect(image)
    found = box is not None
    if not found:
        height, width = image.shape[:2]
        box = np.array([0, 0, width, height], np.float32) - 0.5
    return predict(image, box), found, box


def _read_cache(cache: Path, n: int) -> Landmarks:
    """Read the rows that are done, at most `n`; none where there is no sound cache."""
    if cache.is_file():
        try:
            with np.load(cache, allow_pickle=False) as stored:
                seen = Landmarks(stored["points"], stored["found"], stored["boxes"])
            done = len(seen.found)
            if done > n or seen.points.shape != (done, 68, 2) or seen.boxes.shape != (done, 4):
                raise ValueError("arrays of another shape")
            return seen
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(f"The cache {cache} is damaged ({error}) and is built again.", stacklevel=3)
    return Landmarks(np.empty((0, 68, 2), np.float32), np.empty(0, bool), np.empty((0, 4), np.float32))


def attach(data: Dataset, policy: str) -> Dataset:
    """Give `data` dlib's landmarks; `policy` says what becomes of images in which dlib finds no face.

    - "keep": the image stays, its landmarks are NaN, so that nothing is drawn into it. As dlib misses some classes
      more often than others, the missing drawing itself tells of the class (see `tables.leak_table`).
    - "whole_crop": the landmarks are predicted with the whole frame as the face's box; they are less exact there.
    - "drop": the image leaves, also from the test splits, so that results are not those of the same test; `notes` says
      how many left.
    Raises FerError for another policy.
    """
    if policy not in POLICIES:
        raise FerError(f"There is no landmark policy {policy!r}: choose one of {', '.join(POLICIES)}.")
    seen = find(data.images)
    if policy == "keep":
        return replace(data, landmarks=np.where(seen.found[:, None, None], seen.points, np.float32(np.nan)))
    data = replace(data, landmarks=seen.points)
    if policy == "whole_crop" or seen.found.all():
        return data
    note = (
        f"{(~seen.found).sum():,} of {len(data):,} images are left out, because dlib found no face in them."
    )
    return replace(data.subset(seen.found), notes=(*data.notes, note))


def normalised_error(points: np.ndarray, truth: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    """Mean distance of points (n, 68, 2) from `truth`, in units of its outer eye-corner distance: (n,) float.

    `part` chooses points, for example `INNER`. NaN where the points are.
    """
    left, right = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(truth[:, left] - truth[:, right], axis=-1)
    return np.linalg.norm(points[:, part] - truth[:, part], axis=-1).mean(axis=1) / eyes

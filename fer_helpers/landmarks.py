"""Faces and their 68 landmarks with dlib: HOG detector, then an ensemble of regression trees.

The landmark model `shape_predictor_68_face_landmarks.dat` is published as CC0, but it was trained on iBUG
300-W, whose terms exclude commercial use: use it for teaching and research only. It comes with the package
`face_recognition_models` (100 MB), of which nothing else is used.

dlib looks for faces of about 80 pixels, so it sees none in a 48-pixel crop: the picture is padded by
repeating its border (the detector needs some room around a face) and enlarged first. All coordinates are
x then y in pixels of the picture that was given, the centre of its first pixel being (0, 0).
Source of the method: `ucf_keypoints`, section 3.1.
"""

import functools
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_helpers.errors import FerError

MODEL_FILE = "shape_predictor_68_face_landmarks.dat"
MODEL_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
HOW_TO_GET_IT = (
    "get it with `pip install face_recognition_models` (100 MB; trained on iBUG 300-W, whose terms exclude "
    "commercial use) or name your copy in FER_LANDMARK_MODEL"
)
OUTER_EYE_CORNERS = (36, 45)
INNER = slice(17, 68)  # everything but the jaw line
PADDING = 8  # pixels of the picture; on FER2013 this finds 4 more faces in 100


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
    image: np.ndarray, padding: int = PADDING, scale: int = 2, threshold: float = -0.5
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


def predict(image: np.ndarray, box: np.ndarray, padding: int = PADDING, scale: int = 4) -> np.ndarray:
    """Give the 68 landmarks (68, 2) float32 of the face in `box` (left, top, right, bottom) of `image`.

    dlib rounds to whole pixels, so `scale=4` gives quarters of a pixel; 1 is enough for photographs.
    """
    edges = np.rint((np.asarray(box) + 0.5 + padding) * scale).astype(int).tolist()
    rectangle = _dlib().rectangle(edges[0], edges[1], edges[2] - 1, edges[3] - 1)
    parts = _predictor()(_enlarge(image, padding, scale), rectangle).parts()
    points = np.array([(part.x, part.y) for part in parts], np.float32)
    return (points + 0.5) / scale - 0.5 - padding


@dataclass(frozen=True)
class Landmarks:
    """What `find` saw: points (n, 68, 2) and boxes (n, 4) float32, NaN where `found` (n,) is False."""

    points: np.ndarray
    found: np.ndarray
    boxes: np.ndarray


def find(images: Sequence[np.ndarray], **policy: float) -> Landmarks:
    """Find one face and its 68 landmarks in each of `images` (each uint8); `policy` goes to `detect`.

    Some classes are missed more often than others (on a fifth of FER2013's test images: sad 28 %, happy 6 %),
    so what is done with the pictures without a face can give the label away.
    """
    points = np.full((len(images), 68, 2), np.nan, np.float32)
    boxes = np.full((len(images), 4), np.nan, np.float32)
    for index, image in enumerate(tqdm(images, desc="landmarks", unit="image", disable=None)):
        box = detect(image, **policy)
        if box is not None:
            boxes[index], points[index] = box, predict(image, box)
    return Landmarks(points, ~np.isnan(boxes[:, 0]), boxes)


def normalised_error(points: np.ndarray, truth: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    """Mean distance of points (n, 68, 2) from `truth`, in units of its outer eye-corner distance: (n,) float.

    `part` chooses points, for example `INNER`. NaN where the points are.
    """
    left, right = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(truth[:, left] - truth[:, right], axis=-1)
    return np.linalg.norm(points[:, part] - truth[:, part], axis=-1).mean(axis=1) / eyes


def facekit_report() -> str:
    """Measure detector and landmarks on the embedded data set, whose true landmarks are known (15 s)."""
    from fer_helpers import datasets

    faces = datasets.load("facekit")
    plain = np.mean([detect(image, padding=0, scale=1, threshold=0) is not None for image in faces.images])
    strict = np.mean([detect(image, padding=4, threshold=0) is not None for image in faces.images])
    seen = find(faces.images)
    points, truth = seen.points[seen.found], faces.landmarks[seen.found]
    classes = [f"{name} {seen.found[faces.labels == k].mean():.1%}" for k, name in enumerate(faces.classes)]
    lines = [
        f"dlib on {len(faces):,} rendered faces of 48 pixels, share found",
        f"  as they are                                 {plain:6.1%}",
        f"  enlarged to 96, padded by 8                 {strict:6.1%}",
        f"  padded by {PADDING}, doubled, threshold -0.5 (used) {seen.found.mean():6.1%}",
        f"    {', '.join(classes)}",
        "Distance of the landmarks found from the true ones, in outer eye-corner distances",
    ]
    for name, part in (("all 68", slice(None)), ("inner 51", INNER)):
        error = normalised_error(points, truth, part)
        mean, median, high = error.mean(), np.median(error), np.percentile(error, 90)
        lines.append(f"  {name:8}  mean {mean:.4f}, median {median:.4f}, 90th percentile {high:.4f}")
    right, down = np.median((points - truth).mean(axis=1), axis=0)
    lines.append(f"  shift of all points together: {right:+.2f} pixels to the right, {down:+.2f} down")
    return "\n".join(lines)

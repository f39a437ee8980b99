"""Faces in a picture: where they are, their 48-pixel crops, who is who from frame to frame, and their drawing."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fer_helpers import pictures
from fer_helpers.errors import FerError

SMALLEST = 24  # side in pixels of the smallest face that Haar looks for, in the reduced picture
# dlib's box as seen from Haar's, in sides of Haar's: its side, and how far down its centre lies (medians over 300
# images of FER2013: .80 and .06; over 300 of facekit: .88 and .06).
HAAR_TO_DLIB = (0.84, 0.06)
SAME_FACE = 0.3  # intersection over union
FORGET = 0.5  # seconds after which a face that is lost counts as gone


@functools.cache
def cascade() -> cv2.CascadeClassifier:
    """Load OpenCV's Haar cascade for frontal faces."""
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


@functools.cache
def _hog():
    import dlib

    return dlib.get_frontal_face_detector()


def _haar(grey: np.ndarray) -> np.ndarray:
    found = cascade().detectMultiScale(grey, 1.2, 5, minSize=(SMALLEST, SMALLEST))
    corner, side = np.hsplit(np.array(found, np.float32).reshape(-1, 4), 2)
    scale, down = HAAR_TO_DLIB
    centre = corner + side / 2 + side * (0, down)
    return np.hstack([centre - scale * side / 2, centre + scale * side / 2])


def _dlib(grey: np.ndarray) -> np.ndarray:
    found = [(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in _hog()(grey, 0)]
    return np.array(found, np.float32).reshape(-1, 4)


DETECTORS = {"haar": _haar, "dlib": _dlib}
WHOLE = "whole"


def detect(grey: np.ndarray, detector: str = "haar", longest: int = 320) -> np.ndarray:
    """Find frontal faces in `grey` (h, w) uint8: boxes (n, 4) float32 left, top, right, bottom, largest first.

    "haar": OpenCV's cascade (paper uvic_cnn, section 6.1); "dlib": histograms of oriented gradients. Both look at
    a copy whose longer side has at most `longest` pixels, in which a face must be `SMALLEST` pixels wide for Haar
    and about 80 for dlib. The boxes are as dlib draws them, from eyebrows to chin, also Haar's; they are in pixels
    of `grey`, whose left and upper edges are 0. "whole": the picture is one face already, as is every one up to
    `pictures.FACE_SIZE`. Raises FerError for another detector.
    """
    if detector not in (*DETECTORS, WHOLE):
        raise FerError(f"There is no face detector {detector!r}: choose {', '.join((*DETECTORS, WHOLE))}.")
    height, width = grey.shape
    if detector == WHOLE or max(height, width) <= pictures.FACE_SIZE:
        return np.array([[0, 0, width, height]], np.float32)
    ratio = min(1.0, longest / max(height, width))
    size = max(1, round(ratio * width)), max(1, round(ratio * height))
    copy = grey if ratio == 1 else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    boxes = DETECTORS[detector](copy).astype(np.float32) / ratio
    return boxes[np.argsort(-_area(boxes), kind="stable")]


def crop(grey: np.ndarray, box: np.ndarray, frame: pictures.Frame) -> np.ndarray:
    """Cut a face that `detect` found out of `grey` (h, w): (48, 48) uint8, framed as the network's training images."""
    if np.array_equal(box, (0, 0, *grey.shape[::-1])):  # the whole picture
        return pictures.resize(grey)
    return pictures.crop(grey, box - 0.5, frame)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2:] - boxes[..., :2]).clip(0).prod(-1)


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) with others (m, 4): (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = _area(np.concatenate([low, high], axis=-1))
    return common / np.maximum(_area(boxes)[:, None] + _area(others)[None] - common, 1e-6)


def same_faces(boxes: np.ndarray, earlier: np.ndarray) -> dict[int, int]:
    """Pair boxes (n, 4) with earlier ones (m, 4), those that overlap most first: row of `boxes` -> row of `earlier`."""
    shared = overlaps(boxes, earlier)
    pairs = {}
    while shared.size and shared.max() >= SAME_FACE:
        row, column = np.unravel_index(shared.argmax(), shared.shape)
        pairs[int(row)] = int(column)
        shared[row], shared[:, column] = 0, 0
    return pairs


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a frame: its box, the probability of each class, and a number that it keeps while it is seen."""

    box: np.ndarray  # (4,) float32: left, top, right, bottom
    probabilities: np.ndarray  # (classes,) float32
    number: int
    time: float = 0.0  # seconds


@dataclass
class Smoother:
    """Follows faces by the overlap of their boxes and averages each one's probabilities over time.

    The average is exponential: what was seen `memory` seconds ago weighs 1/e of what is seen now, whatever
    the frame rate; 0 turns it off.
    """

    memory: float = 0.3
    known: list[Face] = field(default_factory=list)
    count: int = 0

    def __call__(self, boxes: np.ndarray, probabilities: np.ndarray, time: float) -> list[Face]:
        """Give the faces of a frame: boxes (n, 4), probabilities (n, classes), time in seconds."""
        self.known = [face for face in self.known if time - face.time <= FORGET]
        earlier = np.array([face.box for face in self.known], np.float32).reshape(-1, 4)
        match = {row: self.known[column] for row, column in same_faces(boxes, earlier).items()}
        faces = []
        for row, (box, now) in enumerate(zip(boxes, probabilities, strict=True)):
            if (face := match.get(row)) is not None and self.memory > 0:
                past = math.exp(-(time - face.time) / self.memory)
                now = past * face.probabilities + (1 - past) * now
            self.count += face is None
            faces.append(Face(box, now, self.count - 1 if face is None else face.number, time))
        lost = [face for face in self.known if all(face is not other for other in match.values())]
        self.known = faces + lost
        return faces


def annotate(image: np.ndarray, faces: Sequence[Face], classes: Sequence[str]) -> np.ndarray:
    """Draw boxes and labels, and bars for the first face, into a copy of `image` (h, w, 3) uint8.

    Lines of text are 1/24 of the shorter side high; a picture under 480 pixels is enlarged first.
    """
    factor = max(1, math.ceil(480 / min(image.shape[:2])))
    image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)  # by 1: a copy
    height = min(image.shape[:2]) // 24
    if faces:
        _bars(image, faces[0].probabilities, classes, min(height, image.shape[0] // len(classes)))
    for face in faces:
        left, top, right, bottom = np.rint(factor * face.box).astype(int).tolist()
        for colour, thickness in (((0, 0, 0), height // 4 + 2), ((80, 220, 255), height // 8)):
            cv2.rectangle(image, (left, top), (right, bottom), colour, max(1, thickness))
        best = int(face.probabilities.argmax())
        _write(image, f"{classes[best]} {face.probabilities[best]:.0%}", left, top - height - 2, height)
    return image


def _bars(image: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], height: int) -> None:
    names = max(_lettering(name, height).shape[1] for name in classes)
    top, length = image.shape[0] - height * len(classes), 5 * height
    panel = image[top:, : names + length]
    panel[:] = panel // 4
    for row, (name, share) in enumerate(zip(classes, probabilities, strict=True)):
        y = top + row * height
        _write(image, name, 0, y, height)
        end = names + round(float(share) * (length - 4))
        cv2.rectangle(image, (names, y + 2), (end, y + height - 2), (80, 220, 255), cv2.FILLED)


def _write(image: np.ndarray, text: str, left: int, top: int, height: int) -> None:
    """Write white on black, moved into the picture where it would leave it."""
    letters = _lettering(text, height)
    top = min(max(top, 0), max(image.shape[0] - letters.shape[0], 0))
    left = min(max(left, 0), max(image.shape[1] - letters.shape[1], 0))
    area = image[top : top + letters.shape[0], left : left + letters.shape[1]]
    area[:] = letters[: area.shape[0], : area.shape[1], None]


@functools.lru_cache(maxsize=4096)
def _lettering(text: str, height: int) -> np.ndarray:
    """Letters as grey values (height, width); Pillow's font, because OpenCV's knows no accents."""
    font = ImageFont.load_default(0.75 * height)
    line = Image.new("L", (math.ceil(font.getlength(text)) + height // 2, height))
    ImageDraw.Draw(line).text((height // 4, height / 2), text, fill=255, font=font, anchor="lm")
    return np.asarray(line)

"""Pictures of any size: a file read as grey levels, and a face in it cut out as networks were trained on it."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from fer_helpers.errors import FerError
from fer_helpers.labels import IMAGE_SIZE


class Frame(NamedTuple):
    """How a face is cut out, in widths of dlib's box: a square 1 + 2 `margin` wide, its centre `up` above the box's."""

    margin: float
    up: float


# How the training images of each set frame a face, so that a network sees what it knows. From the eyes and mouths
# that dlib found in 800 of them: the eyes lie 17.7 pixels apart at height 18 in FER2013, 14.7 at 17 in facekit.
FRAMES = {"fer2013": Frame(0.09, 0.07), "facekit": Frame(0.21, 0.0)}


# A picture no wider and higher than this is a face already (FER2013, FaceKit and CK+48: 48, RAF-DB: 100) and is not
# cropped again: detectors look for faces of 80 pixels and need room around them.
FACE_SIZE = 100


def frame_of(dataset: str) -> Frame:
    """How the images of a data set frame a face; FER+ has FER2013's images."""
    return FRAMES["facekit" if dataset == "facekit" else "fer2013"]


def read(path: Path) -> np.ndarray:
    """Read a picture file of any mode and depth as grey (h, w) uint8, upright as its EXIF says.

    Raises FerError when it is no picture, or cut off. (OpenCV fills the rest of a cut-off JPEG with grey.)
    """
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits a pixel; Pillow would cut every value off at 255
                return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
            return np.asarray(image.convert("L"))  # this looks a palette's colours up
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FerError(
            f"{path} is not a readable picture; get it again, or remove it and its label."
        ) from error


def crop(picture: np.ndarray, box: np.ndarray, frame: Frame) -> np.ndarray:
    """Cut the face in `box` (left, top, right, bottom) out of `picture` (h, w): (48, 48) uint8.

    What lies outside the picture repeats its border.
    """
    left, top, right, bottom = (float(edge) for edge in box)
    width = max(right - left, bottom - top)
    side = max(round(width * (1 + 2 * frame.margin)), 1)
    x = round((left + right - side) / 2 + 0.5)
    y = round((top + bottom - side) / 2 - frame.up * width + 0.5)
    over = max(0, -x, -y, x + side - picture.shape[1], y + side - picture.shape[0])
    padded = cv2.copyMakeBorder(picture, over, over, over, over, cv2.BORDER_REPLICATE)
    return resize(padded[y + over : y + over + side, x + over : x + over + side])


def resize(picture: np.ndarray) -> np.ndarray:
    """Scale a whole picture (h, w) to (48, 48): by area when it shrinks, cubic when it grows."""
    if picture.shape == (IMAGE_SIZE, IMAGE_SIZE):
        return picture
    how = cv2.INTER_AREA if min(picture.shape) >= IMAGE_SIZE else cv2.INTER_CUBIC
    return cv2.resize(picture, (IMAGE_SIZE, IMAGE_SIZE), interpolation=how)

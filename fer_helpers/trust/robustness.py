"""What a little less light, focus or aim does to a network that was trained without knowing of it.

Each disturbance is a function: images (n, h, w) uint8 and a strength -> images of the same shape. Shifts and rotations
go another way for every next image, so that no direction is favoured; edge pixels are repeated.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd

from fer_helpers.trust import rate

DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up


def blur(images: np.ndarray, pixels: float) -> np.ndarray:
    """Gaussian blur with a standard deviation of so many pixels."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), pixels) for image in images])


def noise(images: np.ndarray, grey_levels: float) -> np.ndarray:
    """Gaussian noise with a standard deviation of so many grey levels, the same in every call."""
    random = np.random.default_rng(0)
    return _grey(images + random.normal(0, grey_levels, images.shape))


def brightness(images: np.ndarray, grey_levels: float) -> np.ndarray:
    """So many grey levels more (or fewer), cut off at black and white."""
    return _grey(images + np.float32(grey_levels))


def shift(images: np.ndarray, pixels: float) -> np.ndarray:
    """Moved by so many pixels: right, down, left, up in turn."""
    return _warp(images, [np.array([[1, 0, pixels * x], [0, 1, pixels * y]]) for x, y in DIRECTIONS])


def rotation(images: np.ndarray, degrees: float) -> np.ndarray:
    """Turned about the centre by so many degrees: left and right in turn."""
    height, width = images.shape[1:]
    centre = ((width - 1) / 2, (height - 1) / 2)
    return _warp(images, [cv2.getRotationMatrix2D(centre, sign * degrees, 1) for sign in (1, -1)])


# function, unit of the strength, strengths from mild to severe
DISTURBANCES: dict[str, tuple[Callable, str, tuple[float, ...]]] = {
    "blur": (blur, "pixels", (0.5, 1, 1.5, 2)),
    "noise": (noise, "grey levels", (5, 10, 20, 30)),
    "brightness": (brightness, "grey levels", (-80, -40, 40, 80)),
    "shift": (shift, "pixels", (1, 2, 4, 8)),
    "rotation": (rotation, "degrees", (5, 10, 20, 30)),
}


def table(
    classify: Callable[[np.ndarray], np.ndarray], images: np.ndarray, labels: np.ndarray
) -> pd.DataFrame:
    """Accuracy of a network under each of DISTURBANCES; `classify`: images (n, 48, 48) uint8 -> (n, classes).

    Columns: disturbance, strength, unit, n, accuracy, low, high, relative (to the accuracy of the undisturbed images,
    the first row), same_answer (share of the images whose answer stays).
    """
    undisturbed = classify(images).argmax(axis=1)
    first = rate(undisturbed == labels)
    rows = [
        {"disturbance": "none", "strength": 0, "unit": ""} | first | {"relative": 1.0, "same_answer": 1.0}
    ]
    for name, (disturb, unit, strengths) in DISTURBANCES.items():
        for strength in strengths:
            answers = classify(disturb(images, strength)).argmax(axis=1)
            row = {"disturbance": name, "strength": strength, "unit": unit} | rate(answers == labels)
            row["relative"] = row["accuracy"] / first["accuracy"]
            rows.append(row | {"same_answer": float((answers == undisturbed).mean())})
    return pd.DataFrame(rows)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _warp(images: np.ndarray, transforms: list[np.ndarray]) -> np.ndarray:
    """Apply one transform after the other, each to the next image."""
    size, warped = images.shape[:0:-1], []
    for i, image in enumerate(images):
        transform = transforms[i % len(transforms)].astype("float32")
        warped.append(cv2.warpAffine(image, transform, size, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(warped)

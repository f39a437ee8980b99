"""Preprocessing: uint8 images in, float32 network input out. What is learned is learned from Training only."""

from dataclasses import dataclass

import cv2
import numpy as np

from fer_helpers.landmarks import geometry

# Steps on one uint8 image (48, 48), before anything is learned from the training images.
IMAGE_STEPS = {
    "equalise": cv2.equalizeHist,  # histogram equalisation over the whole image (HE in uvic_cnn, Table 2)
    # the same in tiles of 12 x 12 pixels, with limited contrast: it adapts to uneven light and amplifies less noise.
    # In tiles so small OpenCV rounds every limit below 3.6 to one pixel a grey level, the strictest there is.
    "clahe": lambda image: cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(image),
}
# Steps on all images with their landmarks (n, 68, 2): images and landmarks out, so that later steps see both turned.
POINT_STEPS = {
    "overlay": lambda images, points: (
        geometry.draw_overlay(images, points),
        points,
    ),  # ucf_keypoints
    "align": geometry.align,  # data240: the eye line becomes level
}
# What becomes of grey levels, once the images are ready: one of these at most.
SCALINGS = {
    "standardise": None,  # per pixel, with the mean and standard deviation that `fit` takes from Training
    "symmetric": (127.5, 127.5),  # subtract, then divide: [-1, 1], as for ucf_keypoints
    "unit": (0.0, 255.0),  # [0, 1]
}
CHANNEL = "landmark_channel"  # a second channel, the drawn landmarks (data240): 0 to 1 under every scaling
COLOURS = "rgb"  # the grey image three times, as colour images have it (ljmu)


@dataclass(frozen=True)
class Preprocessor:
    """The steps of an experiment, with what its scaling subtracts and divides by.

    Call it with uint8 images (n, 48, 48) and, for steps that use landmarks, points (n, 68, 2) of the images as they
    are (NaN where there is no face): float32 network input (n, 48, 48, 1), with "landmark_channel" (n, 48, 48, 2), with
    "rgb" (n, 48, 48, 3).
    """

    steps: tuple[str, ...]
    mean: np.ndarray | float = 0.0  # (48, 48) or one number, grey levels
    std: np.ndarray | float = 1.0  # (48, 48) or one number, grey levels

    def __call__(self, images: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
        """Apply the steps: those on images in their order, then the scaling, then what adds channels."""
        images, points = _on_images(self.steps, images, points)
        result = images.astype("float32")
        result -= self.mean
        result /= self.std
        if COLOURS in self.steps:
            return np.repeat(result[..., np.newaxis], 3, axis=-1)
        if CHANNEL not in self.steps:
            return result[..., np.newaxis]
        drawn = geometry.landmark_image(points, images.shape[1])
        return np.stack([result, drawn.astype("float32") / 255], axis=-1)


def fit(
    steps: tuple[str, ...], training_images: np.ndarray, points: np.ndarray | None = None
) -> Preprocessor:
    """Prepare `steps` on the training images, uint8 (n, 48, 48), with their landmarks (n, 68, 2) if a step uses them.

    "standardise" subtracts each pixel's mean over the training images and divides by its standard deviation
    (N in paper uvic_cnn, section 3.2). The original code took the test set's own statistics for the test set;
    here Training's serve everywhere. Raises ValueError for an unknown step, two scalings, "rgb" beside the landmark
    channel, or landmarks that lack.
    """
    if unknown := set(steps) - {*IMAGE_STEPS, *POINT_STEPS, *SCALINGS, CHANNEL, COLOURS}:
        raise ValueError(f"Unknown preprocessing steps: {', '.join(sorted(unknown))}.")
    if {CHANNEL, COLOURS} <= set(steps):
        raise ValueError(f"Take {COLOURS} or {CHANNEL}, not both.")
    scalings = [step for step in steps if step in SCALINGS]
    if len(scalings) > 1:
        raise ValueError(f"Take one scaling, not {' and '.join(scalings)}.")
    if scalings != ["standardise"]:
        _demand_points(steps, points)
        return Preprocessor(steps, *(SCALINGS[scalings[0]] if scalings else ()))
    images, _ = _on_images(steps, training_images, points)
    # float64 accumulators: 28,709 values of up to 255 lose digits in float32
    mean, std = images.mean(axis=0, dtype="float64"), images.std(axis=0, dtype="float64")
    return Preprocessor(steps, mean.astype("float32"), np.maximum(std, 1e-3).astype("float32"))


def _on_images(
    steps: tuple[str, ...], images: np.ndarray, points: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    _demand_points(steps, points)
    for step in steps:
        if step in IMAGE_STEPS:
            images = np.stack([IMAGE_STEPS[step](image) for image in images])
        elif step in POINT_STEPS:
            images, points = POINT_STEPS[step](images, points)
    return images, points


def _demand_points(steps: tuple[str, ...], points: np.ndarray | None) -> None:
    needing = [step for step in steps if step in POINT_STEPS or step == CHANNEL]
    if needing and points is None:
        raise ValueError(
            f"The step {needing[0]!r} needs landmarks: give `points`, for example those of `landmarks.attach`."
        )

"""Preprocessing: uint8 images in, float32 network input out. What is learned is learned from Training only."""

from dataclasses import dataclass

import cv2
import numpy as np

# Steps on one uint8 image (48, 48), before anything is learned from the training images.
IMAGE_STEPS = {
    "equalise": cv2.equalizeHist,  # histogram equalisation over the whole image (HE in uvic_cnn, Table 2)
    # the same in tiles of 12 x 12 pixels, with limited contrast: it adapts to uneven light and amplifies less noise.
    # In tiles so small OpenCV rounds every limit below 3.6 to one pixel a grey level, the strictest there is.
    "clahe": lambda image: cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(image),
}


@dataclass(frozen=True)
class Preprocessor:
    """The steps of an experiment, with the statistics that "standardise" took from the training images.

    Call it with uint8 images (n, 48, 48) to get float32 network input (n, 48, 48, 1).
    """

    steps: tuple[str, ...]
    mean: np.ndarray | None = None  # (48, 48), grey levels
    std: np.ndarray | None = None  # (48, 48), grey levels

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Apply the steps in order."""
        result = _on_images(self.steps, images).astype("float32")
        if self.mean is not None:
            result = (result - self.mean) / self.std
        return result[..., np.newaxis]


def fit(steps: tuple[str, ...], training_images: np.ndarray) -> Preprocessor:
    """Prepare `steps` on the training images, uint8 (n, 48, 48): those on single images first, "standardise" last.

    "standardise" subtracts each pixel's mean over the training images and divides by its standard deviation
    (N in paper uvic_cnn, section 3.2). The original code took the test set's own statistics for the test set;
    here Training's serve everywhere.
    """
    if unknown := set(steps) - {*IMAGE_STEPS, "standardise"}:
        raise ValueError(f"Unknown preprocessing steps: {', '.join(sorted(unknown))}.")
    if "standardise" not in steps:
        return Preprocessor(steps)
    images = _on_images(steps, training_images)
    # float64 accumulators: 28,709 values of up to 255 lose digits in float32
    mean, std = images.mean(axis=0, dtype="float64"), images.std(axis=0, dtype="float64")
    return Preprocessor(steps, mean.astype("float32"), np.maximum(std, 1e-3).astype("float32"))


def _on_images(steps: tuple[str, ...], images: np.ndarray) -> np.ndarray:
    for step in steps:
        if step in IMAGE_STEPS:
            images = np.stack([IMAGE_STEPS[step](image) for image in images])
    return images

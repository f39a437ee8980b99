"""Preprocessing: uint8 images in, float32 network input out. What is learned is learned from Training only."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Preprocessor:
    """The steps of an experiment, with the statistics that they took from the training images.

    Call it with uint8 images (n, 48, 48) to get float32 network input (n, 48, 48, 1).
    """

    steps: tuple[str, ...]
    mean: np.ndarray | None = None  # (48, 48), grey levels
    std: np.ndarray | None = None  # (48, 48), grey levels

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Apply the steps in order."""
        result = images.astype("float32")
        for step in self.steps:
            if step == "standardise":
                result = (result - self.mean) / self.std
            else:
                raise ValueError(f"Unknown preprocessing step {step!r}.")
        return result[..., np.newaxis]


def fit(steps: tuple[str, ...], training_images: np.ndarray) -> Preprocessor:
    """Prepare `steps` on the training images, uint8 (n, 48, 48).

    "standardise" subtracts each pixel's mean over the training images and divides by its standard deviation
    (N in paper uvic_cnn, section 3.2). The original code took the test set's own statistics for the test set;
    here Training's serve everywhere.
    """
    if "standardise" not in steps:
        return Preprocessor(steps)
    # float64 accumulators: 28,709 values of up to 255 lose digits in float32
    mean = training_images.mean(axis=0, dtype="float64")
    std = training_images.std(axis=0, dtype="float64")
    return Preprocessor(steps, mean.astype("float32"), np.maximum(std, 1e-3).astype("float32"))

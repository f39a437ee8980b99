"""What an epoch changes in its training images, once for all of them before it begins: arrays in, arrays out.

On a CPU this takes some 3 % of an epoch of a small network; layers in front of it take several times as much.
"""

import cv2
import numpy as np

ERASED_SHARE = (0.02, 0.2)  # of the picture's area (random erasing, Zhong et al. 2020; their upper end is .4)


def move(
    images: np.ndarray, random: np.random.Generator, degrees: float, zoom: float, shift: float
) -> np.ndarray:
    """Turn, scale and shift `images` (n, h, w) uint8 about their centre, each by its own even draw.

    Up to `degrees`, a factor of 1 +- `zoom` and `shift` of the width, either way; edge pixels are repeated.
    """
    n, height, width = images.shape
    angle, scale = degrees * random.uniform(-1, 1, n), 1 + zoom * random.uniform(-1, 1, n)
    offset = shift * width * random.uniform(-1, 1, (n, 2))
    centre = ((width - 1) / 2, (height - 1) / 2)
    moved = np.empty_like(images)
    for i, image in enumerate(images):
        transform = cv2.getRotationMatrix2D(centre, angle[i], scale[i])
        transform[:, 2] += offset[i]
        moved[i] = cv2.warpAffine(image, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return moved


def flip(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Mirror half of `images` (n, h, w), chosen at random."""
    return np.where(random.random(len(images))[:, None, None] < 0.5, images[:, :, ::-1], images)


def erase(x: np.ndarray, random: np.random.Generator, share: float) -> np.ndarray:
    """Set a rectangle to 0, the mean of standardised pixels, in a `share` of the pictures `x` (n, h, w, c).

    Its area is a part of ERASED_SHARE and its sides are as 3 to 10 at most.
    """
    n, height, width, _ = x.shape
    area = random.uniform(*ERASED_SHARE, n) * height * width
    ratio = np.exp(random.uniform(np.log(0.3), np.log(1 / 0.3), n))
    high, wide = np.sqrt(area * ratio), np.sqrt(area / ratio)
    top, left = random.random(n) * (height - high), random.random(n) * (width - wide)
    rows, columns = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    top, left, high, wide = (value[:, None, None] for value in (top, left, high, wide))
    inside = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    inside &= (random.random(n) < share)[:, None, None]
    return np.where(inside[..., None], np.float32(0), x)


def mix(
    x: np.ndarray, y: np.ndarray, random: np.random.Generator, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Blend each picture and its target with another's (mixup, Zhang et al. 2018); the share is Beta(alpha, alpha)."""
    share = random.beta(alpha, alpha, len(x)).astype("float32")
    share = np.maximum(share, 1 - share)
    other = random.permutation(len(x))
    pictures = share[:, None, None, None]
    return pictures * x + (1 - pictures) * x[other], share[:, None] * y + (1 - share[:, None]) * y[other]

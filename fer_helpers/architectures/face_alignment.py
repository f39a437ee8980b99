"""Geometry of face alignment in `keras.ops`, as functions and as layers: similarity transforms, warp, heat map.

Points are x, y in pixels, the first pixel's centre being (0, 0); for a face they are (n, 68, 2). A similarity transform
(turn, scale, shift) is four numbers a, b, s, t: (x, y) -> (a x - b y + s, b x + a y + t); n of them are (n, 4).
Functions keep the dtype that they are given and pass gradients to points, transforms and images. Layers compute in
float32 under every policy: bfloat16 has too few digits for coordinates.
Source: Deep Alignment Network (Kowalski, Naruniec and Trzcinski 2017), which paper emotionaldan extends.
"""

import keras
import numpy as np
from keras import ops

# the landmark of the other half of the face, for each of the 68
MIRROR = np.concatenate(
    [
        np.arange(16, -1, -1),  # jaw
        np.arange(26, 16, -1),  # brows
        np.arange(27, 31),  # bridge of the nose
        np.arange(35, 30, -1),  # below it
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],  # eyes
        np.r_[54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1],  # lips
    ]
)
PATCH = 16  # side of the square around a landmark inside which the heat map is drawn, in pixels


def fit_similarity(points: keras.KerasTensor, shape: keras.KerasTensor) -> keras.KerasTensor:
    """Transforms (n, 4) that bring each of `points` (n, k, 2) closest to `shape` (k, 2), by least squares."""
    # not ops.mean, which rounds float64 to float32 on JAX
    centre, target = ops.sum(points, axis=1) / points.shape[1], ops.sum(shape, axis=0) / points.shape[1]
    x, y = ops.unstack(points - centre[:, None], axis=-1)  # (n, k)
    u, v = ops.unstack(shape - target, axis=-1)  # (k,)
    spread = ops.maximum(ops.sum(x * x + y * y, axis=1), 1e-6)  # all points in one place: no division by zero
    a = ops.sum(x * u + y * v, axis=1) / spread
    b = ops.sum(x * v - y * u, axis=1) / spread
    x, y = ops.unstack(centre, axis=-1)
    return ops.stack([a, b, target[0] - (a * x - b * y), target[1] - (b * x + a * y)], axis=1)


def invert(transforms: keras.KerasTensor) -> keras.KerasTensor:
    """Transforms (n, 4) that undo `transforms` (n, 4); one with scale 0 gives another with scale 0."""
    a, b, s, t = ops.unstack(transforms, axis=1)
    scale = ops.maximum(a * a + b * b, 1e-9)
    a, b = a / scale, -b / scale
    return ops.stack([a, b, b * t - a * s, -b * s - a * t], axis=1)


def transform_points(points: keras.KerasTensor, transforms: keras.KerasTensor) -> keras.KerasTensor:
    """Move points (n, k, 2), or (1, k, 2), by `transforms` (n, 4): (n, k, 2)."""
    a, b, s, t = ops.unstack(transforms[:, None], axis=2)  # (n, 1)
    x, y = ops.unstack(points, axis=-1)
    return ops.stack([a * x - b * y + s, b * x + a * y + t], axis=-1)


def warp(images: keras.KerasTensor, transforms: keras.KerasTensor) -> keras.KerasTensor:
    """Move images (n, h, w, c) by `transforms` (n, 4), with bilinear interpolation: (n, h, w, c).

    What stood at p stands at T(p) afterwards. Where nothing comes from inside, the border is repeated.
    """
    height, width, channels = images.shape[1:]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(1, -1, 2)
    grid = ops.cast(grid, transforms.dtype)
    sources = transform_points(grid, invert(transforms))  # where each pixel comes from (n, h w, 2)
    x, y = ops.unstack(sources, axis=-1)
    x, y = ops.clip(x, 0, width - 1), ops.clip(y, 0, height - 1)
    left, top = ops.minimum(ops.floor(x), width - 2), ops.minimum(ops.floor(y), height - 2)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    first = ops.cast(top * width + left, "int32")[..., None]
    flat = ops.reshape(images, (-1, height * width, channels))
    # pixels upper left, upper right, lower left, lower right of the place, (n, h w, c) each
    p, q, r, s = (ops.take_along_axis(flat, first + step, axis=1) for step in (0, 1, width, width + 1))
    mixed = (1 - dy) * ((1 - dx) * p + dx * q) + dy * ((1 - dx) * r + dx * s)
    return ops.reshape(mixed, (-1, height, width, channels))


def heat_map(points: keras.KerasTensor, side: int) -> keras.KerasTensor:
    """Draw points (n, k, 2) into images (n, side, side, 1): 1 / (1 + distance to the nearest), 0 far from all.

    Each point reaches the 16 x 16 pixels around it. The original code moves points near the border inwards first, by up
    to 8 pixels; here they stay where they are.
    """
    pixels = ops.cast(np.arange(side), points.dtype)[None, :, None]

    def squared(coordinate: keras.KerasTensor) -> keras.KerasTensor:  # (n, k) to (n, side, k)
        coordinate = coordinate[:, None]
        step = pixels - ops.floor(coordinate)
        reached = ops.logical_and(step >= -PATCH // 2, step < PATCH // 2)
        return ops.where(reached, (pixels - coordinate) ** 2, 1e9)

    x, y = ops.unstack(points, axis=-1)
    nearest = ops.min(squared(y)[:, :, None] + squared(x)[:, None], axis=-1, keepdims=True)
    # the root has no gradient at 0, where a point lies on a pixel's centre
    return ops.where(nearest < 1e9, 1 / (1 + ops.sqrt(ops.maximum(nearest, 1e-12))), 0.0)


def vary(
    images: np.ndarray, points: np.ndarray, random: np.random.Generator, amount: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mirror half of `images` (n, h, w, c) and turn, scale and shift all, with their `points` (n, 68, 2).

    Normal distributions with standard deviations of 15 degrees, 10 % and 5 % of the width, all times `amount`: those of
    emotionaldan's code.
    """
    n, height, width, _ = images.shape
    mirrored = random.random(n) < 0.5
    images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
    points = np.where(mirrored[:, None, None], (points * [-1, 1] + [width - 1, 0])[:, MIRROR], points)
    angle = np.radians(15 * amount) * random.normal(size=n)
    scale = np.exp(0.1 * amount * random.normal(size=n))
    dx, dy = 0.05 * amount * width * random.normal(size=(2, n))
    a, b, x, y = scale * np.cos(angle), scale * np.sin(angle), (width - 1) / 2, (height - 1) / 2
    about_centre = [a, b, x - a * x + b * y + dx, y - b * x - a * y + dy]
    transforms = np.stack(about_centre, axis=1).astype("float32")
    images = warp(ops.array(images), ops.array(transforms))
    points = transform_points(ops.array(points.astype("float32")), ops.array(transforms))
    return ops.convert_to_numpy(images), ops.convert_to_numpy(points)


@keras.saving.register_keras_serializable("fer_helpers")
class Geometry(keras.layers.Layer):
    """A layer in float32 without weights."""

    def __init__(self, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)


@keras.saving.register_keras_serializable("fer_helpers")
class AddShape(Geometry):
    """Adds a fixed shape (k, 2), in pixels, to offsets (n, k, 2)."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = np.asarray(shape, "float32")

    def call(self, offsets):
        """Add."""
        return offsets + self.shape

    def get_config(self):
        """Configuration with the shape as lists."""
        return super().get_config() | {"shape": self.shape.tolist()}


@keras.saving.register_keras_serializable("fer_helpers")
class AlignToShape(AddShape):
    """Points (n, k, 2) to the transforms (n, 4) that bring them closest to a fixed shape (k, 2)."""

    def call(self, points):
        """Fit."""
        return fit_similarity(points, ops.convert_to_tensor(self.shape))


@keras.saving.register_keras_serializable("fer_helpers")
class Warp(Geometry):
    """`warp` as a layer: images (n, h, w, c) and transforms (n, 4) to images."""

    def call(self, images, transforms):
        """Warp."""
        return warp(images, transforms)


@keras.saving.register_keras_serializable("fer_helpers")
class TransformPoints(Geometry):
    """`transform_points` as a layer: points (n, k, 2) and transforms (n, 4) to points."""

    def call(self, points, transforms):
        """Transform."""
        return transform_points(points, transforms)


@keras.saving.register_keras_serializable("fer_helpers")
class Invert(Geometry):
    """`invert` as a layer: transforms (n, 4) to those that undo them."""

    def call(self, transforms):
        """Invert."""
        return invert(transforms)


@keras.saving.register_keras_serializable("fer_helpers")
class HeatMap(Geometry):
    """`heat_map` as a layer: points (n, k, 2) to images (n, side, side, 1)."""

    def __init__(self, side, **kwargs):
        super().__init__(**kwargs)
        self.side = side

    def call(self, points):
        """Draw."""
        return heat_map(points, self.side)

    def get_config(self):
        """Configuration with the side."""
        return super().get_config() | {"side": self.side}

"""Geometry of face alignment against NumPy, its gradients against finite differences, on TensorFlow and on JAX."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from fer_helpers import datasets, paths
from fer_helpers.architectures import face_alignment

JAX = keras.backend.backend() == "jax"
RANDOM = np.random.default_rng(0)
SHAPE = RANDOM.uniform(5, 40, (68, 2))
POINTS = SHAPE + RANDOM.normal(0, 2, (3, 68, 2))
TRANSFORMS = np.array([[0.9, 0.3, 2.2, -3.1], [1.2, -0.2, -4.3, 5.4], [0.1, 1.1, 30.2, 1.3]])


def call(function, *arguments) -> np.ndarray:
    """Result of a `keras.ops` function on float64 arrays."""
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a, "float64") for a in arguments)))


def matrix(transform: np.ndarray) -> np.ndarray:
    a, b, x, y = transform
    return np.array([[a, -b, x], [b, a, y], [0, 0, 1]])


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix(transform)[:2, :2].T + matrix(transform)[:2, 2]


def test_fit_is_the_least_squares_solution():
    fitted = call(face_alignment.fit_similarity, POINTS, SHAPE)
    for points, transform in zip(POINTS, fitted, strict=True):
        (x, y), zero, one = points.T, np.zeros(68), np.ones(68)
        system = np.vstack([np.c_[x, -y, one, zero], np.c_[y, x, zero, one]])
        expected = np.linalg.lstsq(system, np.concatenate(SHAPE.T), rcond=None)[0]
        np.testing.assert_allclose(transform, expected, atol=1e-9)


def test_fit_finds_a_known_transform_and_survives_points_in_one_place():
    moved = np.stack([apply(transform, SHAPE) for transform in TRANSFORMS])
    back = call(face_alignment.fit_similarity, moved, SHAPE)
    for transform, inverse in zip(TRANSFORMS, back, strict=True):
        np.testing.assert_allclose(matrix(inverse) @ matrix(transform), np.eye(3), atol=1e-9)
    assert np.isfinite(call(face_alignment.fit_similarity, np.full((1, 68, 2), 7.0), SHAPE)).all()


def test_invert_and_transform_points():
    inverse = call(face_alignment.invert, TRANSFORMS)
    for transform, undone in zip(TRANSFORMS, inverse, strict=True):
        np.testing.assert_allclose(matrix(undone), np.linalg.inv(matrix(transform)), atol=1e-12)
    moved = call(face_alignment.transform_points, POINTS, TRANSFORMS)
    expected = [apply(transform, points) for transform, points in zip(TRANSFORMS, POINTS, strict=True)]
    np.testing.assert_allclose(moved, expected, atol=1e-12)
    np.testing.assert_allclose(call(face_alignment.transform_points, moved, inverse), POINTS, atol=1e-9)


def test_warp_against_a_loop_over_pixels():
    images = RANDOM.normal(size=(3, 7, 9, 2))
    transforms = TRANSFORMS * [1, 1, 0.2, 0.2]
    warped = call(face_alignment.warp, images, transforms)
    expected = np.empty_like(images)
    for image, result, transform in zip(images, expected, transforms, strict=True):
        for row, column in np.ndindex(7, 9):
            x, y, _ = np.linalg.inv(matrix(transform)) @ [column, row, 1]
            x, y = np.clip(x, 0, 8), np.clip(y, 0, 6)
            left, top = min(int(x), 7), min(int(y), 5)
            weights = np.outer([top + 1 - y, y - top], [left + 1 - x, x - left])
            result[row, column] = np.tensordot(weights, image[top : top + 2, left : left + 2])
    np.testing.assert_allclose(warped, expected, atol=1e-9)


def test_what_stood_on_a_landmark_stands_on_the_moved_landmark():
    image = np.zeros((1, 48, 48, 1))
    image[0, 20, 31] = 1  # row, column
    transform = np.array([[1.5, 0.5, -10.0, -5.0]])
    warped = call(face_alignment.warp, image, transform)[0, :, :, 0]
    x, y = apply(transform[0], np.array([31.0, 20.0]))
    row, column = np.unravel_index(warped.argmax(), warped.shape)
    assert abs(column - x) <= 1 and abs(row - y) <= 1


def test_heat_map_against_a_loop_over_landmarks():
    points = RANDOM.uniform(-12, 60, (2, 5, 2))  # some outside
    points[0, 0] = [20, 30]  # one on a pixel's centre
    drawn = call(lambda p: face_alignment.heat_map(p, 48), points)
    expected = np.zeros((2, 48, 48, 1))
    for image, marks in zip(expected, points, strict=True):
        for x, y in marks:
            for row in range(int(np.floor(y)) - 8, int(np.floor(y)) + 8):
                for column in range(int(np.floor(x)) - 8, int(np.floor(x)) + 8):
                    if 0 <= row < 48 and 0 <= column < 48:
                        value = 1 / (1 + np.hypot(column - x, row - y))
                        image[row, column] = max(image[row, column, 0], value)
    np.testing.assert_allclose(drawn, expected, atol=2e-6)
    assert drawn[0, 30, 20] == pytest.approx(1, abs=2e-6) and (drawn == 0).mean() > 0.3


# Gradients


def gradient(function, value: np.ndarray) -> np.ndarray:
    """Gradient of a scalar function of one array, by the backend's own differentiation."""
    if JAX:
        import jax

        return np.asarray(jax.grad(function)(jax.numpy.asarray(value)))
    import tensorflow as tf

    variable = tf.Variable(value)
    with tf.GradientTape() as tape:
        result = function(variable)
    return ops.convert_to_numpy(tape.gradient(result, variable))


SMALL = RANDOM.uniform(3, 13, (4, 2))
IMAGE = RANDOM.normal(size=(2, 16, 16, 1))
WEIGHTS = [RANDOM.normal(size=size) for size in ((2, 16, 16, 1), (2, 16, 16, 1), (2, 4, 2))]


def what_stage_2_gets(points, image=IMAGE):
    """Weighted sum of the aligned image, the heat map, and the points moved, changed and moved back."""
    pose = face_alignment.fit_similarity(points, ops.convert_to_tensor(SMALL))
    aligned = face_alignment.transform_points(points, pose)
    warped = face_alignment.warp(ops.convert_to_tensor(image), pose)
    drawn = face_alignment.heat_map(aligned, 16)
    back = face_alignment.transform_points(aligned**2 / 10, face_alignment.invert(pose))
    return sum(ops.sum(part * weights) for part, weights in zip((warped, drawn, back), WEIGHTS, strict=True))


@pytest.mark.parametrize("wanted", ["points", "image"])
def test_gradients_are_the_finite_differences(wanted):
    points = SMALL + RANDOM.normal(0, 1, (2, 4, 2))
    value, function = points, what_stage_2_gets
    if wanted == "image":
        value, function = IMAGE, lambda image: what_stage_2_gets(ops.convert_to_tensor(points), image)
    found, step = gradient(function, value), 1e-6
    for index in RANDOM.permutation(value.size)[:16]:
        change = np.zeros(value.size)
        change[index] = step
        change = change.reshape(value.shape)
        above, below = (call(function, value + sign * change) for sign in (1, -1))
        expected = (above - below) / (2 * step)
        assert found.ravel()[index] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert np.count_nonzero(found) > 0.5 * value.size


def test_a_point_on_a_pixel_centre_and_points_in_one_place_give_finite_gradients():
    def total(points):
        return ops.sum(face_alignment.heat_map(points, 16)) + what_stage_2_gets(points)

    points = np.stack([np.full((4, 2), 5.0), np.round(SMALL)])
    assert np.isfinite(gradient(total, points)).all()


# Variation


def test_mirror_is_its_own_inverse_and_pairs_the_halves_of_a_face():
    assert sorted(face_alignment.MIRROR) == list(range(68))
    np.testing.assert_array_equal(face_alignment.MIRROR[face_alignment.MIRROR], np.arange(68))
    mean = datasets.load("facekit").landmarks.mean(axis=0)  # a mean face is nearly symmetric
    middle = mean[27:31, 0].mean()
    np.testing.assert_allclose(mean[face_alignment.MIRROR] * [-1, 1] + [2 * middle, 0], mean, atol=0.5)


def test_vary_moves_points_with_their_pixels():
    """A dot is drawn on one landmark; after the variation it still stands there, or on the mirrored one."""
    n = 40
    points = np.tile(RANDOM.uniform(18, 30, (1, 68, 2)).round(), (n, 1, 1)).astype("float32")
    images = np.zeros((n, 48, 48, 1), "float32")
    column, row = points[0, 3].astype(int)
    images[:, row, column] = 1
    varied, moved = face_alignment.vary(images, points, np.random.default_rng(0))
    assert varied.dtype == moved.dtype == np.float32 and np.ptp(moved[:, 30], axis=0).min() > 5
    rows, columns = np.indices((48, 48))
    distances = []
    for image, marks in zip(varied[..., 0], moved, strict=True):
        centre = np.array([np.sum(columns * image), np.sum(rows * image)]) / image.sum()
        distances.append([np.linalg.norm(marks[k] - centre) for k in (3, face_alignment.MIRROR[3])])
    distances = np.array(distances)
    assert distances.min(axis=1).max() < 0.7
    mirrored = distances.argmin(axis=1).mean()
    assert 0.2 < mirrored < 0.8


def test_vary_keeps_unknown_points_unknown_and_repeats_with_its_seed():
    images = RANDOM.normal(size=(6, 48, 48, 1)).astype("float32")
    points = np.tile(SHAPE, (6, 1, 1)).astype("float32")
    points[2] = np.nan
    first, second = (face_alignment.vary(images, points, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(np.isnan(first[1]).all(axis=(1, 2)), np.arange(6) == 2)
    for mine, again in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine, again)
    assert np.isfinite(first[0]).all()


@pytest.mark.skipif(JAX, reason="this is the run on JAX")
def test_all_of_this_on_jax():
    pytest.importorskip("jax")
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", __file__]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

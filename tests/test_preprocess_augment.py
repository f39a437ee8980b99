"""Preprocessing learns from Training only; augmentation acts while training only."""

import keras
import numpy as np
import pytest

from fer_helpers import augment, preprocess


@pytest.fixture
def images() -> np.ndarray:
    """Smooth random pictures (16, 48, 48, 1), float32, each different from its mirror image."""
    coarse = np.random.default_rng(0).uniform(0, 255, (16, 6, 6, 1))
    return np.kron(coarse, np.ones((1, 8, 8, 1))).astype("float32")


def run(names: tuple[str, ...], images: np.ndarray, seed: int = 0, training: bool = True) -> np.ndarray:
    keras.utils.set_random_seed(seed)
    return keras.ops.convert_to_numpy(augment.pipeline(names)(images, training=training))


def test_standardise_with_the_statistics_of_training():
    random = np.random.default_rng(0)
    training = random.integers(0, 200, (300, 48, 48), dtype="uint8")
    training[:, 0, 0] = 7  # a pixel that never changes must not divide by zero
    other = random.integers(100, 256, (20, 48, 48), dtype="uint8")
    prepare = preprocess.fit(("standardise",), training)
    x = prepare(training)
    assert x.shape == (300, 48, 48, 1) and x.dtype == np.float32
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    deviation = x.std(axis=0)[..., 0]
    assert deviation[0, 0] == 0
    np.testing.assert_allclose(np.delete(deviation.ravel(), 0), 1, atol=1e-5)

    mean, std = training.mean(axis=0), np.maximum(training.std(axis=0), 1e-3)
    np.testing.assert_allclose(prepare(other)[..., 0], (other - mean) / std, rtol=1e-4, atol=1e-4)
    assert prepare(other)[:, 1:].mean() > 1  # not centred by its own mean


def test_no_step_keeps_grey_levels_and_an_unknown_one_is_refused():
    images = np.arange(2 * 48 * 48, dtype="uint32").reshape(2, 48, 48).astype("uint8")
    np.testing.assert_array_equal(preprocess.fit((), images)(images)[..., 0], images)
    with pytest.raises(ValueError, match="blur"):
        preprocess.fit(("blur",), images)(images)


def test_equalising_spreads_the_greys_of_each_image():
    dark = np.random.default_rng(0).integers(10, 60, (4, 48, 48), dtype="uint8")
    equalised = preprocess.fit(("equalise",), dark)(dark)[..., 0]
    assert (equalised.min(axis=(1, 2)) == 0).all() and (equalised.max(axis=(1, 2)) == 255).all()
    lit = dark.copy()
    lit[0] += 100  # a brighter light changes nothing
    np.testing.assert_array_equal(preprocess.fit(("equalise",), lit)(lit)[..., 0], equalised)


def test_clahe_adapts_to_each_part_of_an_image_and_limits_contrast():
    uneven = np.random.default_rng(0).integers(0, 40, (1, 48, 48), dtype="uint8")
    uneven[:, :, 24:] += 200  # a light from the right
    results = {}
    for step in ("equalise", "clahe"):
        result = preprocess.fit((step,), uneven)(uneven)[0, ..., 0]
        results[step] = (np.ptp(result[:, :12]), np.ptp(result))
    assert results["clahe"][0] > uneven[:, :, :12].max() + 10  # more contrast in the dark part
    assert results["clahe"][0] < results["equalise"][0] or results["clahe"][1] < results["equalise"][1]


def test_statistics_are_those_of_the_equalised_images():
    training = np.random.default_rng(0).integers(10, 60, (50, 48, 48), dtype="uint8")
    x = preprocess.fit(("equalise", "standardise"), training)(training)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-4)


def test_identity_outside_training(images):
    np.testing.assert_array_equal(run(("flip", "shift"), images, training=False), images)
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, augment.pipeline(("flip", "shift"))(inputs))
    np.testing.assert_array_equal(model.predict(images, verbose=0), images)  # what validation and tests see


def test_flip_mirrors_about_half_of_the_images(images):
    many = np.repeat(images, 8, axis=0)
    result = run(("flip",), many)
    same = (result == many).all(axis=(1, 2, 3))
    mirrored = (result == many[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 0.3 < mirrored.mean() < 0.7


def test_shift_moves_up_to_a_tenth_and_repeats_the_edge(images):
    spot = np.zeros((64, 48, 48, 1), "float32")
    spot[:, 24, 24] = 1
    result = run(("shift",), spot)[..., 0]
    grid = np.arange(48) - 24
    for axis in (1, 2):
        moved = (result.sum(axis=3 - axis) * grid).sum(axis=1)
        assert np.abs(moved).max() <= 4.8 + 1e-3 and np.abs(moved).max() > 3
        assert moved.min() < 0 < moved.max() and len(np.unique(moved.round(3))) > 20
    grey = np.full_like(images, 90.0)
    np.testing.assert_allclose(run(("shift",), grey), grey, rtol=1e-5)


def test_the_same_seed_gives_the_same_images(images):
    first, again, other = (run(("flip", "shift"), images, seed) for seed in (1, 1, 2))
    assert first.shape == images.shape
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_works_under_mixed_bfloat16(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        result = run(("flip", "shift"), images)
    finally:
        keras.config.set_dtype_policy("float32")
    assert result.dtype == np.float32 and result.shape == images.shape and np.isfinite(result).all()
    np.testing.assert_allclose(result, run(("flip", "shift"), images), atol=2)  # 8 bits of 255


@pytest.fixture
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Four noisy images with a face whose eyes lie on a slope, the last without landmarks."""
    rng = np.random.default_rng(0)
    points = rng.uniform(8, 40, (4, 68, 2)).astype("float32")
    points[:, 36:42], points[:, 42:48] = (14, 16), (34, 24)
    points[3] = np.nan
    return rng.integers(0, 200, (4, 48, 48), dtype="uint8"), points


@pytest.mark.parametrize(("step", "low", "high"), [("symmetric", -1, 1), ("unit", 0, 1)])
def test_scalings_of_grey_levels(step, low, high):
    images = np.array([0, 255, 51], "uint8").reshape(3, 1, 1) * np.ones((3, 48, 48), "uint8")
    x = preprocess.fit((step,), images)(images)
    assert x.shape == (3, 48, 48, 1) and x.dtype == np.float32
    np.testing.assert_allclose(x[:, 0, 0, 0], [low, high, low + (high - low) / 5], atol=1e-6)


def test_one_scaling_at_most():
    images = np.zeros((2, 48, 48), "uint8")
    with pytest.raises(ValueError, match="one scaling, not unit and standardise"):
        preprocess.fit(("unit", "standardise"), images)


@pytest.mark.parametrize("step", ["overlay", "align", "landmark_channel"])
def test_steps_on_landmarks_demand_them(step, faces):
    images, points = faces
    with pytest.raises(ValueError, match=f"'{step}' needs landmarks"):
        preprocess.fit((step, "unit"), images)
    prepare = preprocess.fit((step, "unit"), images, points)
    with pytest.raises(ValueError, match=f"'{step}' needs landmarks"):
        prepare(images)


def test_overlay_and_alignment_change_faces_and_leave_the_rest(faces):
    images, points = faces
    for step in ("overlay", "align"):
        x = preprocess.fit((step,), images, points)(images, points)[..., 0]
        assert (x[:3] != images[:3]).any(axis=(1, 2)).all()
        np.testing.assert_array_equal(x[3], images[3])
    drawn = preprocess.fit(("overlay",), images, points)(images, points)[..., 0]
    assert drawn[0, 16, 14] == 255 and drawn[0, 24, 34] == 255


def test_what_is_drawn_after_alignment_follows_the_turned_face(faces):
    images, points = faces
    drawn = preprocess.fit(("align", "overlay"), images, points)(images, points)[0, ..., 0]
    half = np.hypot(10, 4)  # the eyes are level about (24, 20)
    assert drawn[20, round(24 - half)] == 255 and drawn[20, round(24 + half)] == 255 and drawn[16, 14] < 255
    turned = preprocess.fit(("align", "landmark_channel"), images, points)(images, points)[0, ..., 1]
    straight = preprocess.fit(("landmark_channel",), images, points)(images, points)[0, ..., 1]
    assert (turned != straight).any()


def test_the_landmark_channel_comes_second_from_0_to_1(faces):
    images, points = faces
    for scaling in ("unit", "standardise"):
        x = preprocess.fit((scaling, "landmark_channel"), images, points)(images, points)
        alone = preprocess.fit((scaling,), images)(images)
        assert x.shape == (4, 48, 48, 2) and x.dtype == np.float32
        np.testing.assert_array_equal(x[..., :1], alone)
        assert x[:3, ..., 1].max() == 1 and x[..., 1].min() == 0 and not x[3, ..., 1].any()


def test_statistics_are_those_of_the_images_with_the_overlay(faces):
    images, points = faces
    x = preprocess.fit(("overlay", "standardise"), images, points)(images, points)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)


def test_rgb_is_the_grey_image_three_times(faces):
    images, points = faces
    for scaling in ("unit", "symmetric", "standardise"):
        x = preprocess.fit((scaling, "rgb"), images)(images)
        assert x.shape == (4, 48, 48, 3) and x.dtype == np.float32
        np.testing.assert_array_equal(x, np.repeat(preprocess.fit((scaling,), images)(images), 3, axis=-1))
    with pytest.raises(ValueError, match="rgb or landmark_channel, not both"):
        preprocess.fit(("rgb", "landmark_channel"), images, points)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_every_augmentation_alone_in_colour(policy, images):
    """Each changes images in [0, 1] while training, each image in its own way, and none otherwise."""
    colour = np.repeat(np.repeat(images / 255, 4, axis=0), 3, axis=-1)
    keras.config.set_dtype_policy(policy)
    try:
        for name in augment.LAYERS:
            result = run((name,), colour)
            assert result.shape == colour.shape and result.dtype == np.float32 and np.isfinite(result).all()
            changed = np.abs(result - colour).max(axis=(1, 2, 3)) > 1e-4
            assert changed.mean() > (0.3 if "flip" in name else 0.9), name
            four = result[:4] if "flip" not in name else result  # of the same picture
            assert len(np.unique(four.round(4), axis=0)) > 1, name
            np.testing.assert_array_equal(run((name,), colour, training=False), colour, err_msg=name)
    finally:
        keras.config.set_dtype_policy("float32")


def rows_of_a_spot(name: str, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Where `name` puts the centre of a bright 3 x 3 spot at (row, column): rows and columns of 64 images."""
    spot = np.zeros((64, 48, 48, 1), "float32")
    spot[:, row - 1 : row + 2, column - 1 : column + 2] = 1
    result = run((name,), spot)[..., 0]
    weight = result.sum(axis=(1, 2))
    grid = np.arange(48)
    return (result.sum(axis=2) * grid).sum(axis=1) / weight, (result.sum(axis=1) * grid).sum(axis=1) / weight


def test_what_moves_moves_as_far_as_it_says():
    y, x = rows_of_a_spot("vertical_flip", 10, 20)
    assert set(y.round(3)) == {10, 37} and set(x.round(3)) == {20}
    y, x = rows_of_a_spot("rotation", 14, 24)
    angles = np.degrees(np.arctan2(x - 23.5, 23.5 - y))
    assert 25 < np.abs(angles).max() < 38 and angles.min() < 0 < angles.max()
    y, x = rows_of_a_spot("zoom", 13, 34)  # 10.5 pixels from the centre, both ways
    np.testing.assert_allclose(23.5 - y, x - 23.5, atol=0.1)
    assert x.min() < 33.7 and x.max() > 34.4 and np.abs(x - 34).max() < 1.5
    for row, furthest in ((2, 1), (40, 9)):  # the upper rows stay
        y, x = rows_of_a_spot("shear", row, 24)
        np.testing.assert_allclose(y, row, atol=0.1)
        assert furthest * 0.4 - 0.5 < np.abs(x - 24).max() < furthest + 0.5 and x.min() < 24 < x.max()
    y, x = rows_of_a_spot("crop", 24, 24)
    assert 1.5 < np.abs(x - 24).max() < 3.5 and 1.5 < np.abs(y - 24).max() < 3.5


def test_what_changes_grey_levels_changes_them_as_much_as_it_says(images):
    unit = images / 255
    means, deviations = unit.mean(axis=(1, 2, 3)), unit.std(axis=(1, 2, 3))
    contrast = run(("contrast",), unit)
    inside = (contrast > 0).all(axis=(1, 2, 3)) & (contrast < 1).all(axis=(1, 2, 3))  # nothing was cut off
    ratio = contrast.std(axis=(1, 2, 3)) / deviations
    np.testing.assert_allclose(contrast.mean(axis=(1, 2, 3))[inside], means[inside], atol=1e-5)
    assert 0.79 < ratio.min() < 0.9 and ratio[inside].max() < 1.21
    assert abs((run(("noise",), unit) - unit).std() - 0.05) < 0.002
    erased = run(("cutout",), np.ones((64, 48, 48, 1), "float32"))[..., 0] == 0.5
    np.testing.assert_allclose(erased.sum(axis=(1, 2)), 16 * 16, atol=33)  # a pixel more or less a side
    assert erased.any(axis=0).mean() > 0.8  # anywhere

"""Gradients, maps and maximising images on networks whose answer is known; the action-unit probe and its tables."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from fer_helpers import facekit, paths, trained
from fer_helpers.errors import FerError
from fer_helpers.interpret import (
    action_unit_probe,
    feature_maps,
    grad_cam,
    input_gradient,
    occlusion_map,
    tables,
)
from fer_helpers.interpret import activation_maximisation as maximisation

SHA256 = "ecc4f3271709c1667187944fd8820334d188d9660c06d877125e5c6030e2704b"
TOP_LEFT, BOTTOM_RIGHT = (slice(0, 16), slice(0, 16)), (slice(32, 48), slice(32, 48))


def set_weights(layer, *weights):
    layer.set_weights([np.asarray(w, "float32") for w in weights])


def bright_or_dark():
    """Two classes: much that is brighter than grey (1), or darker (0). Two filters, global average pooling."""
    x = inputs = keras.Input((48, 48, 1))
    x = layers.Conv2D(2, 1, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    net = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    set_weights(net.layers[1], [[[[1, -1]]]], [0, 0])  # what is above 0, what is below 0
    set_weights(net.layers[3], [[-8, 8], [8, -8]], [0, 0])
    return net


def corner_reader(flatten_from=slice(0, 16)):
    """Two classes: the brighter the top left corner, the more of class 1. Flatten, so the place is in the weights."""
    x = inputs = keras.Input((48, 48, 1))
    x = layers.Conv2D(1, 1, activation="relu")(x)
    x = layers.Flatten()(x)
    net = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    kernel = np.zeros((48, 48, 2))
    kernel[flatten_from, :16] = (0, 0.01)
    set_weights(net.layers[1], [[[[1]]]], [0])
    set_weights(net.layers[3], kernel.reshape(-1, 2), [0, 0])
    return net


def share(heat, place):
    return heat[place].sum() / heat.sum()


def scale(images):
    return images.astype("float32")[..., np.newaxis] / 255


# ---- gradients


def test_gradient_is_each_rows_own():
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    values, gradient = input_gradient(lambda x: ops.sum(x**3, axis=(1, 2)))(x)
    np.testing.assert_allclose(values, (x**3).sum(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-4)


def test_gradient_of_a_network_is_what_a_small_step_shows():
    keras.utils.set_random_seed(0)
    stack = [layers.Conv2D(4, 3, activation="elu"), layers.BatchNormalization(), layers.Flatten()]
    net = keras.Sequential([keras.Input((6, 6, 1)), *stack, layers.Dense(1)])
    rng = np.random.default_rng(0)
    x, step = rng.normal(size=(2, 6, 6, 1)), rng.normal(size=(2, 6, 6, 1)) * 1e-2
    _, gradient = input_gradient(lambda x: net(x, training=False)[:, 0])(x)
    rise = ops.convert_to_numpy(net(x + step) - net(x - step))[:, 0] / 2
    np.testing.assert_allclose((gradient * step).sum(axis=(1, 2, 3)), rise, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend):
    """A gradient, a map and an ascent again, in a process with another backend."""
    pytest.importorskip(backend)
    environment = os.environ | {"KERAS_BACKEND": backend}
    which = "each_rows_own or past_short_cuts or regularised"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", which]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout


# ---- maps


def test_grad_cam_finds_what_speaks_for_each_class():
    image = np.zeros((48, 48, 1), "float32")
    image[TOP_LEFT], image[BOTTOM_RIGHT] = 1, -1
    heat = grad_cam(bright_or_dark(), np.stack([image, image, -image]), [1, 0, 1])
    assert heat.shape == (3, 48, 48) and heat.dtype == np.float32
    assert share(heat[0], TOP_LEFT) == pytest.approx(1)
    assert share(heat[1], BOTTOM_RIGHT) == pytest.approx(1)
    np.testing.assert_allclose(heat[2], heat[1], atol=1e-6)
    np.testing.assert_allclose(heat.max(axis=(1, 2)), 1, rtol=1e-5)
    assert not grad_cam(bright_or_dark(), np.zeros((1, 48, 48, 1)), [0]).any()  # nothing speaks for it


def test_grad_cam_of_a_flattened_map_needs_each_place():
    noise = np.random.default_rng(0).random((1, 48, 48, 1))
    assert share(grad_cam(corner_reader(), noise, [1])[0], TOP_LEFT) < 0.15  # a ninth of the area
    assert share(grad_cam(corner_reader(), noise, [1], each_place=True)[0], TOP_LEFT) == pytest.approx(1)


def test_grad_cam_reaches_into_networks_and_past_short_cuts():
    x = inner_inputs = keras.Input((48, 48, 1))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="inside")(x)
    inner = keras.Model(inner_inputs, layers.MaxPooling2D(2)(x), name="base")
    inputs = keras.Input((48, 48, 1))
    x = inner(layers.Rescaling(2.0)(inputs))
    x = layers.Add()([x, layers.AveragePooling2D(4)(inputs)])  # by-passes the inner network
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    net = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    images = rng.random((2, 48, 48, 1)).astype("float32")
    set_weights(inner.get_layer("inside"), rng.normal(size=(3, 3, 1, 4)), np.zeros(4))
    set_weights(net.layers[-1], 0.1 * rng.normal(size=(4, 3)), np.zeros(3))
    heat = grad_cam(net, images, [0, 2])
    maps = np.asarray(ops.convert_to_numpy(inner(2 * images)))
    assert feature_maps(net).output_shape == (None, 12, 12, 4)
    # Before global average pooling the mean gradient of a log-odds is, up to a factor, the contrast of the weights.
    kernel, p = net.layers[-1].get_weights()[0], net.predict(images, verbose=0)
    for row, target in enumerate((0, 2)):
        others = np.delete(p[row], target) / np.delete(p[row], target).sum()
        contrast = kernel[:, target] - np.delete(kernel, target, axis=1) @ others
        expected = np.maximum(maps[row] @ contrast, 0)
        expected = ops.convert_to_numpy(ops.image.resize(expected[..., None].astype("float32"), (48, 48)))
        np.testing.assert_allclose(heat[row], expected[..., 0] / expected.max(), atol=1e-4)


def test_occlusion_finds_the_corner_and_weighs_it():
    images = np.full((2, 48, 48), 100, "uint8")
    images[0][TOP_LEFT] = 200
    images[1][TOP_LEFT] = 0
    heat = occlusion_map(corner_reader(), scale, images, [1, 1])
    assert heat.shape == (2, 48, 48) and heat.dtype == np.float32
    grey = np.rint(images.mean(axis=(1, 2)))
    fall = 0.01 * 64 * (images[:, 0, 0] - grey) / 255  # a square of 64 pixels inside the corner
    np.testing.assert_allclose(heat[:, 4, 4], fall, rtol=1e-3)
    assert fall[0] > 0 > fall[1]  # a dark corner speaks against class 1
    # Squares from row 12 on reach row 19; those from row 16 on do not touch the corner.
    np.testing.assert_allclose(heat[:, 20:], 0, atol=1e-5)
    assert (np.abs(heat[:, 19, :19]) > 0).all() and (np.abs(heat[:, 0, 0]) > 0.5 * np.abs(fall)).all()
    opposite = occlusion_map(corner_reader(), scale, images, [0, 0])
    np.testing.assert_allclose(opposite, -heat, atol=1e-5)
    with pytest.raises(ValueError, match="do not cover"):
        occlusion_map(corner_reader(), scale, images, [1, 1], patch=7)


def test_a_network_without_convolution_says_so():
    net = keras.Sequential(
        [keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    with pytest.raises(FerError, match="no convolution"):
        grad_cam(net, np.zeros((1, 48, 48, 1)), [0])


# ---- activation maximisation


def edge_filters():
    """Three filters: bright to the right of dark, the sum of all, and one that noise around 128 never wakes."""
    net = keras.Sequential([keras.Input((48, 48, 1)), layers.Conv2D(3, 3, activation="relu")])
    kernel = np.zeros((3, 3, 1, 3))
    kernel[1, :, 0, 0] = (-1, 0, 1)
    kernel[..., 1], kernel[..., 2] = 1, -1
    set_weights(net.layers[0], kernel, np.zeros(3))
    return net


def test_published_ascent_takes_fifty_steps_of_length_one_and_skips_the_dead():
    starts = maximisation.as_published((48, 48, 1), steps=0)
    sheet = maximisation.filter_sheet(edge_filters(), maximisation.as_published((48, 48, 1)))
    assert sheet.names.tolist() == [1, 0]  # the best first; filter 2 never rises above 0
    assert sheet.images.shape == (2, 48, 48) and sheet.images.dtype == np.uint8
    at_start = maximisation.filter_sheet(edge_filters(), starts)
    before = at_start.inputs[at_start.names == 1][0]
    assert 118 <= before.min() < 118.5 and 137.5 < before.max() <= 138
    # Filter 1 adds pixels up, so that its gradient never changes: 50 steps are 50 times the first one.
    moved = sheet.inputs[0] - before
    assert np.sqrt((moved**2).mean()) == pytest.approx(50, rel=1e-2)  # 1e-5 beside the root mean square
    assert moved[10:-10, 10:-10].std() < 1e-3 and moved.min() > 0


def test_regularised_ascent_stays_among_real_inputs_and_finds_the_pattern():
    faces = facekit.read()["images"][:200].astype("float32")[..., np.newaxis] / 100
    ascent = maximisation.regularised(faces, steps=30)
    sheet = maximisation.filter_sheet(edge_filters(), ascent, filters=[0])
    assert sheet.inputs.min() >= faces.min() and sheet.inputs.max() <= faces.max()
    maps = feature_maps(edge_filters())
    seen = ops.convert_to_numpy(maps(faces))[..., 0].mean(axis=(1, 2))
    assert sheet.scores[0] > seen.max()  # no face excites the filter as much
    across, down = (np.abs(np.diff(sheet.inputs[0, ..., 0], axis=axis)).mean() for axis in (1, 0))
    assert across > 1.3 * down


def test_images_for_the_eye_are_grey_with_the_authors_contrast():
    sheet = maximisation.Sheet(np.random.default_rng(0).normal(500, 90, (1, 48, 48, 1)), [0], [1.0])
    grey = sheet.images[0] / 255
    assert grey.mean() == pytest.approx(0.5, abs=0.01) and grey.std() == pytest.approx(0.1, abs=0.01)


def test_class_sheet_writes_a_bright_image_for_bright():
    ascent = maximisation.regularised(np.random.default_rng(0).normal(size=(50, 48, 48, 1)), steps=10)
    sheet = maximisation.class_sheet(bright_or_dark(), ascent)
    assert sorted(sheet.names) == [0, 1] and (sheet.scores > 0).all()
    assert sheet.inputs[sheet.names == 1].mean() > 0.1 > -0.1 > sheet.inputs[sheet.names == 0].mean()


# ---- the probe


@pytest.fixture(scope="module")
def probe():
    return action_unit_probe.read()


def test_the_probe_is_the_published_one(probe):
    digest = hashlib.sha256()
    for name in ("images", "people", "movements", "weights"):
        digest.update(np.ascontiguousarray(probe[name]).tobytes())
    assert digest.hexdigest() == SHA256
    assert action_unit_probe.PATH.stat().st_size < 400_000
    table = pd.DataFrame({name: probe[name] for name in ("people", "movements", "weights")})
    assert table.groupby("people").size().tolist() == [17] * 30 and not table.duplicated().any()
    assert set(table.query("weights == 0")["movements"]) == {"none"}


def test_nobody_in_the_probe_is_in_the_data_set(probe):
    assert not set(probe["people"].tolist()) & set(facekit.read()["identities"].tolist())


def test_a_movement_moves_its_part_of_the_face_only(probe):
    def pictures(movement, weight):
        chosen = (probe["movements"] == movement) & (probe["weights"] == weight)
        return probe["images"][chosen].astype(int)

    rest, brows, mouth = pictures("none", 0), slice(8, 26), slice(32, 48)
    frown, funnel = (np.abs(pictures(unit, 1) - rest).mean(axis=(0, 2)) for unit in ("AU4", "AU22"))
    assert frown[brows].mean() > 5 * frown[mouth].mean() and funnel[mouth].mean() > 5 * funnel[brows].mean()
    both = pictures("AU4+AU22", 1)
    assert np.abs(both[:, :22] - pictures("AU4", 1)[:, :22]).mean() < 0.5
    steps = [np.abs(pictures("AU4", weight) - rest).mean() for weight in (0.25, 0.5, 0.75, 1)]
    assert np.all(np.diff(steps) > 0)


@pytest.mark.parametrize("damage", ["missing", "cut short", "foreign"])
def test_a_bad_probe_says_how_to_restore_it(tmp_path, damage):
    path = tmp_path / "probe.npz"
    if damage == "cut short":
        path.write_bytes(action_unit_probe.PATH.read_bytes()[:100_000])
    elif damage == "foreign":
        np.savez(path, images=np.zeros(3))
    with pytest.raises(FerError, match="restore it with `git checkout data/facekit_probe48.npz`"):
        action_unit_probe.read(path)


def test_drawing_the_probe_without_numba_says_so():
    run = "sys.argv = ['facekit', 'probe']; runpy.run_module('fer_helpers.facekit', run_name='__main__')"
    code = f"import runpy, sys; sys.modules['numba'] = None; {run}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "pip install numba" in done.stderr and "Traceback" not in done.stderr


def test_the_probe_can_be_drawn_again(probe):
    pytest.importorskip("numba", reason="the renderer is an optional extra: pip install numba")
    folder = os.environ.get("FER_FACEKIT_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("ICT-FaceKit is not here: clone it and set FER_FACEKIT_DIR to its folder")
    from fer_helpers.facekit.model import load_model
    from fer_helpers.facekit.probe import make_portraits

    again = make_portraits(load_model(folder), 511)
    assert np.abs(again.astype(int) - probe["images"][probe["people"] == 511]).mean() < 1


# ---- what a network says to the probe


class Stub:
    """Answers with given log-odds of class 0 of two; prepared inputs are row numbers."""

    def __init__(self, log_odds):
        p = 1 / (1 + np.exp(-np.asarray(log_odds)))
        self.scores = np.stack([p, 1 - p], axis=1)

    def predict(self, rows, **_):
        return self.scores[rows]


@pytest.fixture(scope="module")
def answers():
    """Four people: at rest -3.1; AU4 adds 2, and 0.5 more a person; AU22 adds 1; both add 1 more than their sum."""
    conditions = ["none", "AU4", "AU22", "AU4+AU22"]
    small = {
        "images": np.arange(16),
        "people": np.repeat([7, 8, 9, 10], 4),
        "movements": np.tile(conditions, 4),
        "weights": np.tile([0.0, 1, 1, 1], 4),
    }
    person = np.arange(4)[:, None]
    steps = np.concatenate([0 * person, 2 + 0.5 * person, 1 + 0 * person, 4 + 0.5 * person], axis=1)
    return action_unit_probe.responses(
        Stub((steps - 3.1).ravel()), lambda rows: rows, "angry", ("angry", "neutral"), small
    )


def test_responses_compare_with_the_same_person_at_rest(answers):
    assert answers["log_odds"].head(4).to_numpy() == pytest.approx([-3.1, -1.1, -2.1, 0.9])
    assert answers["difference"].to_numpy()[-4:] == pytest.approx([0, 3.5, 1, 5.5])
    assert answers["predicted"].head(4).tolist() == ["neutral", "neutral", "neutral", "angry"]
    assert answers["rank"].head(4).tolist() == [2, 2, 2, 1]


def test_action_unit_table(answers):
    table = action_unit_probe.action_unit_table(answers).set_index("movement")
    assert table["people"].tolist() == [4] * 4
    assert table["difference"].to_dict() == pytest.approx(
        {"none": 0, "AU4": 2.75, "AU22": 1, "AU4+AU22": 4.75}
    )
    assert table["first"].to_dict() == pytest.approx({"none": 0, "AU4": 0.25, "AU22": 0, "AU4+AU22": 1})
    assert table["raised"].tolist() == [0, 1, 1, 1] and table.loc["AU4", "predicted"] == "neutral"
    low, high = table.loc["AU4", ["low", "high"]]
    assert 2 <= low < 2.75 < high <= 3.5
    assert table.loc["AU22", ["low", "high"]].tolist() == pytest.approx([1, 1])  # nobody differs


def test_interaction_is_what_the_sum_of_both_leaves(answers):
    (row,) = action_unit_probe.interaction_table(answers).to_dict("records")
    assert row == pytest.approx({"weight": 1, "people": 4, "interaction": 1, "low": 1, "high": 1})


def test_measurements_name_each_network(monkeypatch, tmp_path):
    probe = action_unit_probe.read()
    strength = probe["weights"] * (1.0 + (probe["movements"] == "AU4+AU22"))  # both: twice the weight

    def net(factor):
        stub = Stub(factor * strength)
        return trained.Classifier(
            ("angry", "neutral"), lambda images: np.arange(len(images)), None, net=stub, trained_on="toys"
        )

    monkeypatch.setattr(trained, "at_hand", lambda profile, results_dir: {"mild": net(1), "keen": net(3)})
    table = tables.measure("quick", tmp_path).set_index(["net", "movement", "weight"])
    assert set(table["trained_on"]) == {"toys"} and (table["people"] == 30).all()
    assert table.loc[("mild", "AU4+AU22", 0.5), "difference"] == pytest.approx(1)
    assert table.loc[("keen", "AU4", 1.0), "difference"] == pytest.approx(3)
    together = tables.measure_interaction("quick", tmp_path)
    assert together["net"].unique().tolist() == ["mild", "keen"]
    np.testing.assert_allclose(together["interaction"], 0, atol=1e-6)  # 2 w is the sum of w and w


def test_no_advice_on_retracing(caplog):
    """Every map compiles a function of its own, on purpose."""
    for size in range(1, 8):
        input_gradient(lambda x: ops.sum(x, axis=1))(np.ones((1, size)))
    assert "retracing" not in caplog.text


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    intervals = [action_unit_probe.mean_interval(rng.normal(size=30)) for _ in range(100)]
    assert 85 <= sum(low < 0 < high for low, high in intervals) <= 99


def test_log_odds_keep_their_digits_where_p_rounds_to_one():
    scores = np.array([[0.25, 0.75, 0], [1, 1e-20, 1e-20], [0, 0, 1]], "float32")
    assert action_unit_probe.log_odds(scores, 0)[:2] == pytest.approx([-np.log(3), np.log(0.5e20)])
    assert np.isfinite(action_unit_probe.log_odds(scores, np.array([0, 0, 1]))).all()
    tensor = ops.convert_to_tensor(scores)
    from fer_helpers.interpret import class_score

    again = ops.convert_to_numpy(class_score(tensor, np.array([0, 0, 0])))
    np.testing.assert_allclose(again, action_unit_probe.log_odds(scores, 0), rtol=1e-5)


def test_a_network_that_cannot_answer_says_so(probe):
    with pytest.raises(FerError, match="no class 'bored': choose among angry"):
        action_unit_probe.responses(Stub([0.0]), None, "bored")
    with pytest.raises(FerError, match="7 probabilities an image: end it in a softmax"):
        action_unit_probe.responses(Stub(np.zeros(510)), lambda images: np.arange(len(images)))

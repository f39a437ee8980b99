"""EmotionalDAN and its baselines: counts, wiring, loss, the two steps of training, saving, reduced precision."""

import keras
import numpy as np
import pytest
from keras import ops

from fer_helpers import datasets
from fer_helpers.architectures import count_parameters
from fer_helpers.architectures import emotionaldan as dan
from fer_helpers.architectures import emotionaldan_baselines as baselines

RANDOM = np.random.default_rng(0)
SHAPE = datasets.load("facekit").landmarks[:100].mean(axis=0) / 3  # a face on 16 x 16 pixels


@pytest.fixture
def small() -> keras.Model:
    """The smallest net: 16 x 16 pixels, four filters at first."""
    keras.utils.set_random_seed(0)
    return dan.emotional_dan(16, SHAPE, width=4)


@pytest.fixture
def mixed():
    """Build what follows under mixed_bfloat16."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def batch(n: int = 12) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and targets, the last image without landmarks."""
    points = (SHAPE + RANDOM.normal(0, 0.5, (n, 68, 2))).astype("float32")
    points[-1] = np.nan
    one_hot = np.eye(7, dtype="float32")[np.arange(n) % 7]
    return RANDOM.normal(size=(n, 16, 16, 1)).astype("float32"), {"landmarks": points, "emotion": one_hot}


# Counts


@pytest.mark.parametrize(("size", "total"), [(48, 11_966_563), (112, 23_110_243), (224, 64_063_267)])
def test_counts_of_emotional_dan(size, total):
    net = dan.emotional_dan(size)
    expected = {"total": total, "trainable": total - 8_710, "non_trainable": 8_710}
    assert count_parameters(net) == expected
    assert net.output["landmarks"].shape == (None, 68, 2) and net.output["emotion"].shape == (None, 7)


@pytest.mark.parametrize(
    ("build", "total", "trainable"),
    [
        (baselines.cnn2, 365_447, 365_447),
        (baselines.cnn5, 1_602_823, 1_602_823),
        (baselines.inception_v3, 21_817_127, 14_343),
        (lambda: baselines.inception_v3(frozen=False), 21_817_127, 21_782_695),
        (baselines.emotion_net_2, 41_394_119, 41_359_687),
    ],
)
def test_counts_of_the_baselines(build, total, trainable):
    assert count_parameters(build()) == {
        "total": total,
        "trainable": trainable,
        "non_trainable": total - trainable,
    }


# Wiring


def test_default_shape_is_the_mean_of_the_embedded_training_faces_at_every_size():
    truth = datasets.load("facekit").split("Training").landmarks
    x, y = truth.mean(axis=(0, 1))
    for size in (48, 112):
        net = dan.emotional_dan(size, width=2)
        shape = np.array(net.get_layer("stage1_landmarks").get_config()["shape"])
        place = (np.array([x, y]) + 0.5) * size / 48 - 0.5  # the face's centre, in pixels of `size`
        np.testing.assert_allclose(shape.mean(axis=0), place, rtol=1e-4)


def test_mean_shape_leaves_out_faces_that_were_not_found():
    points = np.stack([np.full((68, 2), value, "float32") for value in (1, np.nan, 3)])
    np.testing.assert_array_equal(dan.mean_shape(points), np.full((68, 2), 2))


def test_stage_2_sees_the_standard_pose_and_gives_landmarks_of_the_picture(small):
    """Stage 1 is made to say a turned face: aligned, it is the mean shape; without offsets it comes back as it was."""
    turned = 0.7 * SHAPE @ [[0.8, 0.6], [-0.6, 0.8]] + [9, 2]
    for name, bias in (("stage1_offsets", turned - SHAPE), ("stage2_offsets", np.zeros((68, 2)))):
        layer = small.get_layer(name)
        layer.set_weights([np.zeros(layer.kernel.shape), bias.ravel()])
    aligned = keras.Model(small.input, small.get_layer("aligned_landmarks").output)
    images = batch()[0]
    for model, expected in ((dan.stage_1(small), turned), (aligned, SHAPE)):
        np.testing.assert_allclose(model(images), np.stack([expected] * 12), atol=1e-3)
    np.testing.assert_allclose(small(images)["landmarks"], np.stack([turned] * 12), atol=1e-3)


# Loss


def reference_loss(truth: np.ndarray, points: np.ndarray) -> np.ndarray:
    pupils = truth[:, 36:42].mean(axis=1) - truth[:, 42:48].mean(axis=1)
    return np.linalg.norm(truth - points, axis=2).mean(axis=1) / np.linalg.norm(pupils, axis=1)


def test_landmark_loss_and_its_mask():
    truth = batch()[1]["landmarks"]
    points = (SHAPE + RANDOM.normal(0, 0.5, truth.shape)).astype("float32")
    found = ops.convert_to_numpy(dan.landmark_loss(truth, ops.convert_to_tensor(points)))
    np.testing.assert_allclose(found[:-1], reference_loss(truth, points)[:-1], rtol=1e-5)
    assert found[-1] == 0


def test_compiled_loss_is_alpha_landmarks_plus_beta_cross_entropy(small):
    images, targets = batch()
    weights = np.linspace(0, 2, 12, dtype="float32")
    said = {name: ops.convert_to_numpy(output) for name, output in small(images).items()}
    distance = np.nan_to_num(reference_loss(targets["landmarks"], said["landmarks"]))
    entropy = -np.log((said["emotion"] * targets["emotion"]).sum(axis=1))
    for chosen, alpha, beta in (
        (dan.PUBLISHED_WEIGHTS, 0.4, 0.6),
        (dan.CODED_WEIGHTS, 0.5, 0.5),
        (dan.PUBLISHED_WEIGHTS | {"landmarks": 0.0}, 0.0, 0.6),
    ):
        small.compile("adam", dan.LOSSES, loss_weights=chosen, run_eagerly=True)
        plain = small.evaluate(images, targets, verbose=0, return_dict=True)["loss"]
        assert plain == pytest.approx(np.mean(alpha * distance + beta * entropy), rel=1e-4)
        each = {"landmarks": weights, "emotion": weights}
        weighted = small.evaluate(images, targets, sample_weight=each, verbose=0, return_dict=True)["loss"]
        assert weighted == pytest.approx(np.mean(weights * (alpha * distance + beta * entropy)), rel=1e-4)


# Training


def values(model: keras.Model, stage: str) -> list[np.ndarray]:
    return [ops.convert_to_numpy(w) for w in model.weights if w.path.startswith(stage)]


def equal(before: list[np.ndarray], after: list[np.ndarray]) -> list[bool]:
    return [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def two_steps(model: keras.Model, run_eagerly: bool = False) -> dict[str, list[float]]:
    """Train stage 1, then, frozen, the rest; check what changed; history of the second step."""
    images, targets = batch()
    one, two = values(model, "stage1"), values(model, "stage2")
    first = dan.stage_1(model)
    first.compile(keras.optimizers.Adam(1e-3), dan.landmark_loss, run_eagerly=run_eagerly)
    first.fit(images, targets["landmarks"], batch_size=12, epochs=2, verbose=0)
    assert not any(equal(one, values(model, "stage1"))) and all(equal(two, values(model, "stage2")))

    one = values(model, "stage1")
    dan.freeze_stage_1(model)
    said = dan.stage_1(model)(images, training=True)  # no dropout, no batch statistics
    np.testing.assert_array_equal(ops.convert_to_numpy(said), dan.stage_1(model)(images))
    model.compile(
        keras.optimizers.Adam(1e-3),
        dan.LOSSES,
        loss_weights=dan.PUBLISHED_WEIGHTS,
        run_eagerly=run_eagerly,
    )
    history = model.fit(images, targets, batch_size=12, epochs=2, verbose=0).history
    assert all(equal(one, values(model, "stage1"))) and not any(equal(two, values(model, "stage2")))
    assert np.isfinite(history["loss"]).all()
    for weight in model.weights:
        assert np.isfinite(ops.convert_to_numpy(weight)).all(), weight.path
    return history


def test_stage_1_is_trained_alone_and_then_only_the_rest(small):
    history = two_steps(small, run_eagerly=True)  # quicker for a single step
    assert set(history) == {"loss", "landmarks_loss", "emotion_loss"}


def test_all_of_it_in_reduced_precision(mixed):
    keras.utils.set_random_seed(0)
    model = dan.emotional_dan(16, SHAPE, width=4)
    assert model.get_layer("stage2_1a_conv").compute_dtype == "bfloat16"
    for name in ("stage1_landmarks", "pose", "aligned_landmarks", "aligned_image", "heat_map", "landmarks"):
        assert ops.dtype(model.get_layer(name).output) == "float32", name
    two_steps(model)


def test_the_landmark_term_reaches_stage_2_and_alpha_0_switches_it_off(small):
    images, targets = batch()
    dan.freeze_stage_1(small)
    for alpha in (0.0, 0.4):
        before = values(small, "stage2_offsets")
        weights = {"landmarks": alpha, "emotion": 0.6}
        small.compile("sgd", dan.LOSSES, loss_weights=weights, run_eagerly=True)
        small.fit(images, targets, verbose=0)
        assert all(equal(before, values(small, "stage2_offsets"))) == (alpha == 0)


def test_classifier_shares_the_layers(small):
    images = batch()[0]
    single = dan.classifier(small)
    np.testing.assert_array_equal(single(images), small(images)["emotion"])
    assert single.count_params() < small.count_params()  # without the layer that corrects the landmarks


def test_saved_and_loaded_in_safe_mode(small, tmp_path):
    dan.freeze_stage_1(small)
    small.compile("adam", dan.LOSSES, loss_weights=dan.PUBLISHED_WEIGHTS)
    small.save(tmp_path / "dan.keras")
    loaded = keras.saving.load_model(tmp_path / "dan.keras", safe_mode=True)
    images, targets = batch()
    for name, said in small(images).items():
        np.testing.assert_allclose(loaded(images)[name], said, atol=1e-6)
    small.run_eagerly = loaded.run_eagerly = True
    np.testing.assert_allclose(
        *(net.evaluate(images, targets, verbose=0) for net in (small, loaded)), rtol=1e-5
    )
    assert len(loaded.trainable_weights) == len(small.trainable_weights)


# Baselines


@pytest.mark.parametrize("side", [8, 7])
def test_projection_is_the_strided_convolution(side):
    inputs = keras.Input((side, side, 3))
    safe = keras.Model(inputs, baselines.projection(inputs, 5, stride=2))
    strided = keras.layers.Conv2D(5, 1, strides=2, use_bias=False)
    images = RANDOM.normal(size=(2, side, side, 3)).astype("float32")
    strided.build(images.shape)
    strided.set_weights(safe.get_weights())
    np.testing.assert_allclose(safe(images), strided(images), atol=1e-6)


def test_no_net_trains_a_strided_1x1_convolution():
    nets = (dan.emotional_dan(48, width=2), baselines.emotion_net_2(side=32), baselines.inception_v3(side=75))
    for net in nets:
        for layer in net._flatten_layers():
            if isinstance(layer, keras.layers.Conv2D) and max(layer.strides) > 1:
                assert min(layer.kernel_size) > 1, layer.name


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        baselines.cnn5,
        lambda: baselines.cnn2(side=48),
        lambda: baselines.inception_v3(side=75),
        lambda: baselines.emotion_net_2(side=32),
    ],
)
def test_a_training_step_of_each_baseline_survives(build):
    net = build()
    net.compile("adam", "categorical_crossentropy", run_eagerly=True)  # building the graph takes longer
    images = RANDOM.normal(size=(2, *net.input_shape[1:])).astype("float32")
    before = [w.copy() for w in map(ops.convert_to_numpy, net.trainable_weights)]
    history = net.fit(images, np.eye(7, dtype="float32")[:2], verbose=0).history
    assert np.isfinite(history["loss"]).all()
    after = [ops.convert_to_numpy(w) for w in net.trainable_weights]
    assert not all(equal(before, after)) and all(np.isfinite(w).all() for w in after)

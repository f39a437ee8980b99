"""The GAN of ljmu: counts, what its discriminator can see, gradients, resumption, generated sets and their quality."""

import json
import os
import subprocess
import sys
from functools import partialmethod

import keras
import numpy as np
import pytest
from keras import ops
from typer.testing import CliRunner

from fer_helpers import architectures, bicogan, cli, datasets, paths
from fer_helpers.architectures import bicogan as nets
from fer_helpers.bicogan import generated, quality, training
from fer_helpers.bicogan.model import BiCoGAN
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, TRAINING
from fer_helpers.training import hold_out

TINY = bicogan.Recipe(batches=4, batch_size=8, width=4)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Seconds of training, and a checkpoint after every batch."""
    monkeypatch.setitem(bicogan.RECIPES, "quick", dict.fromkeys(bicogan.VARIANTS, TINY))
    monkeypatch.setattr(training, "CHUNK", 1)
    # a graph would take longer to make than these few steps
    monkeypatch.setattr(BiCoGAN, "compile", partialmethod(BiCoGAN.compile, run_eagerly=True))
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FER_RESULTS_DIR", str(tmp_path / "results"))
    return tmp_path


def test_counts_are_those_of_the_paper():
    for name, total in (("generator", 2_405_209), ("discriminator", 1_659_621), ("encoder", 4_767_844)):
        assert architectures.build(f"bicogan.{name}").count_params() == total
    assert architectures.count_parameters(nets.encoder())["trainable"] == 4_766_052
    assert nets.generator(7).count_params() == 2_405_209 + 100  # a row of 100 more
    assert nets.discriminator(7).count_params() == 1_659_621 + 48 * 48


def judged(net: keras.Model, classes: int = 6) -> np.ndarray:
    """Log-odds of two codes, two images and two conditions in all combinations: (2, 2, 2)."""
    rng = np.random.default_rng(0)
    z, image = rng.normal(size=(2, 100)), rng.normal(size=(2, 48, 48, 1))
    i, j, k = np.indices((2, 2, 2)).reshape(3, -1)
    triple = [z[i], image[j], np.eye(classes)[k]]
    return np.asarray(net.predict([part.astype("float32") for part in triple], verbose=0)).reshape(2, 2, 2)


@pytest.mark.parametrize("joint", [0, 32])
def test_the_published_discriminator_only_adds(joint):
    log_odds = judged(nets.discriminator(width=8, joint=joint))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        together = np.diff(np.diff(log_odds, axis=one), axis=other)
        assert (np.abs(together).max() < 1e-5) == (joint == 0)


def test_normalised_codes_are_spread_like_drawn_ones():
    images = np.random.default_rng(0).uniform(-1, 1, (64, 48, 48, 1)).astype("float32")
    code = ops.convert_to_numpy(nets.encoder(7, 4, normalised=True)(images, training=True)[0])
    np.testing.assert_allclose(code.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(code.std(axis=0), 1, atol=0.05)


@pytest.mark.parametrize("encodes", [False, True])
def test_one_sum_gives_the_gradients_of_two_optimisers(encodes):
    """Against a gradient tape that is told which weights belong to which loss."""
    tensorflow = pytest.importorskip("tensorflow")
    rng, eye = np.random.default_rng(0), np.eye(7, dtype="float32")
    data = {
        "image": rng.uniform(-1, 1, (6, 48, 48, 1)).astype("float32"),
        "condition": eye[rng.integers(0, 7, 6)],
        "drawn": eye[rng.integers(0, 7, 6)],
    }
    keras.utils.set_random_seed(0)
    model = BiCoGAN(nets.generator(7, 4), nets.discriminator(7, 4, 8), nets.encoder(7 * encodes, 4), seed=3)
    for net in (model.generator, model.discriminator):  # at a kink, rounding decides on the gradient
        for layer in net.layers:
            if isinstance(layer, keras.layers.LeakyReLU):
                layer.negative_slope = 1.0
    model.compile(keras.optimizers.SGD(1.0))
    judge, others = model.discriminator, [model.generator, model.encoder]
    z = keras.random.normal((6, 100), seed=keras.random.SeedGenerator(3))
    image, condition, drawn = (ops.convert_to_tensor(data[name]) for name in ("image", "condition", "drawn"))
    norms = {v.path: v.numpy() for v in model.encoder.non_trainable_variables}
    with tensorflow.GradientTape(persistent=True) as tape:
        made = model.generator([z, drawn], training=True)
        code = model.encoder(image, training=True)
        code, said, claimed = (code[0], code[1], code[1]) if encodes else (code, condition, drawn)
        fake = judge([z, made, drawn])
        against = ops.mean(ops.softplus(-judge([code, image, said]))) + ops.mean(ops.softplus(fake))
        fooled = ops.mean(ops.softplus(judge([code, image, claimed]))) + ops.mean(ops.softplus(-fake))
        if encodes:
            fooled += ops.mean(keras.losses.categorical_crossentropy(condition, said))
    expected = {}
    for loss, variables in (
        (against, judge.trainable_variables),
        (fooled, sum((net.trainable_variables for net in others), [])),
    ):
        for variable, gradient in zip(
            variables, tape.gradient(loss, [v.value for v in variables]), strict=True
        ):
            expected[id(variable)] = variable.numpy() - gradient.numpy()
    for variable in model.encoder.non_trainable_variables:
        variable.assign(norms[variable.path])
    model.train_on_batch(data)
    assert len(expected) == len(model.trainable_variables)
    # a bias before a batch normalisation has no gradient but rounding errors, which depend on the threads
    normalised = [isinstance(layer, keras.layers.BatchNormalization) for layer in model.encoder.layers[1:]]
    idle = {id(a.bias) for a, b in zip(model.encoder.layers, normalised, strict=False) if b}
    assert len(idle) == 3
    for variable in model.trainable_variables:
        if id(variable) not in idle:
            np.testing.assert_allclose(variable.numpy(), expected[id(variable)], atol=1e-4)


def test_what_each_variant_is_fed(tiny):
    published, corrected = (training.Job(name, "quick") for name in ("published", "corrected"))
    data = datasets.load("facekit")
    assert len(published.rows) == np.sum(data.labels != EMOTIONS.index("disgust"))
    held_in, held_out = hold_out(data.split(TRAINING), 0)
    assert corrected.rows.fingerprint == held_in.fingerprint
    assert not set(corrected.rows.rows) & set(held_out.rows)
    fed = published.batches(0, 50)
    assert fed["image"].min() >= 0 and fed["condition"].shape == (400, 6)
    assert 0.05 < np.mean((fed["condition"] == fed["drawn"]).all(axis=1)) < 0.35  # by chance only
    fed = corrected.batches(0, 100)
    assert fed["image"].min() < -0.9 and (fed["condition"] == fed["drawn"]).all()
    np.testing.assert_allclose(fed["condition"].mean(axis=0), 1 / 7, atol=0.05)  # disgust as often as happy
    again = corrected.batches(7, 1)["image"]
    np.testing.assert_array_equal(again, fed["image"][56:64])


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(tiny):
    whole = training.Job("corrected", "quick", 0, tiny / "a")
    straight = whole.train()
    weights = whole.generator().get_weights()
    whole.checkpoint_path.unlink()
    half = training.Job("corrected", "quick", 0, tiny / "b")
    assert half.train(2)["batches"] == {"done": 2, "recipe": 4, "stopped_by": "limit"}
    record = half.train()
    assert record["batches"]["stopped_by"] == "recipe" and record["key"] == straight["key"]
    assert record["history"]["batches"] == [1, 2, 3, 4]
    for name, values in straight["history"].items():
        np.testing.assert_allclose(record["history"][name], values, rtol=1e-4, err_msg=name)
    for again, weight in zip(half.generator().get_weights(), weights, strict=True):
        np.testing.assert_allclose(again, weight, atol=1e-5)
    assert half.train() == record  # nothing left to do
    written = json.loads(half.record_path.read_text())
    assert written["parameters"]["generator"]["total"] > 0
    assert written["deviations"]["width"] == [4, 128] and written["deviations"]["scaling"] == [
        "symmetric",
        "unit",
    ]
    assert bicogan.deviations("published", "full") == {}


def test_what_a_user_can_mend(tiny):
    with pytest.raises(FerError, match="no GAN called 'stylegan'.*published, corrected"):
        training.Job("stylegan", "quick")
    with pytest.raises(FerError, match="Train it: python -m fer_helpers gan corrected"):
        training.Job("corrected", "quick").generator()
    with pytest.raises(FerError, match="Run: python -m fer_helpers gan published --profile full"):
        training.run("published", "full", results_dir=tiny)
    with pytest.raises(FerError, match="no set of generated images called 'many'"):
        generated.wanted("many", np.ones(7))
    with pytest.raises(FerError, match="--generate balanced"):
        generated.load("balanced", "full")


def test_the_counts_of_the_paper_to_the_image():
    real = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965])  # FER2013's Training, in the order of EMOTIONS
    table = generated.counts_table(real)
    together = {"surprise": 6171, "sad": 7830, "angry": 6995, "neutral": 7965, "disgust": 436, "fear": 7097}
    together |= {"happy": 10215, "total": 46709}
    assert table["paper: together"].to_dict() == together
    assert generated.paper_counts()["together"].to_dict() == together
    assert set(table["balanced: together"].drop("total")) == {7215}
    assert table.loc["disgust", "balanced: generated"] == 6779


def test_a_set_is_made_written_and_read(tiny):
    images, labels = generated.load("balanced")
    job = training.Job("corrected", "quick")
    together = np.bincount(np.concatenate([labels, job.rows.labels]))
    assert images.shape == (len(labels), 48, 48) and images.dtype == np.uint8 and len(set(together)) == 1
    again, same = generated.load("balanced")
    assert generated.digest(images, labels) == generated.digest(again, same)
    assert generated.digest(images, labels) != generated.digest(images, labels[::-1])
    generated.path("balanced", job).write_bytes(b"no archive")
    with pytest.raises(FerError, match="cannot be read"):
        generated.load("balanced")


def test_the_command_line(tiny):
    done = CliRunner().invoke(cli.app, ["gan", "published", "--batches", "1", "--generate", "paper"])
    assert done.exit_code == 0, done.output
    assert "1 of 4 batches" in done.output
    _, samples, file = (line.split(": ")[-1] for line in done.output.splitlines()[-3:])
    assert os.path.getsize(samples) > 0
    labels = np.load(file)["labels"]
    counts = np.bincount(labels, minlength=7)
    assert counts[EMOTIONS.index("disgust")] == 0 and counts[0] == round(3000 * 3500 / 28709)


def test_frechet_distance_of_known_distributions():
    points = np.random.default_rng(0).normal(size=(500, 3))
    assert quality.frechet_distance(points, points) == pytest.approx(0, abs=1e-9)
    assert quality.frechet_distance(points, points + [1, 2, 2]) == pytest.approx(9)
    assert quality.frechet_distance(points, 3 * points) == pytest.approx(
        4 * np.trace(np.cov(points.T)) + (4 * points.mean(axis=0) ** 2).sum()
    )


class Judge:
    """Answers the label that is written into an image's first pixel; its features are the image's mean."""

    def __call__(self, images):
        return np.eye(7)[images[:, 0, 0] % 7]


def test_quality_of_copies_and_of_one_image_again_and_again(monkeypatch):
    monkeypatch.setattr(quality, "features", lambda judge: lambda images: images[:, :2, 0].astype(float))
    data = datasets.load("facekit").split(TRAINING).subset(slice(0, 600))
    data.images[:, 0, 0] = data.labels
    training_rows, held_out = hold_out(data, 0)
    copies = training_rows.images[:100], training_rows.labels[:100]
    collapsed = np.repeat(held_out.images[:1], 70, axis=0), np.repeat(np.arange(7), 10)
    found = quality.table(Judge(), training_rows, held_out, {"copies": copies, "collapsed": collapsed})
    lines = found[found["class"] == "all"].set_index("images")
    assert lines.loc["copies", ["agreement", "likeness", "copies"]].tolist() == pytest.approx([1, 1, 1])
    assert lines.loc["real, held out", "copies"] < 0.1 and lines.loc["real, held out", "agreement"] == 1
    assert lines.loc["collapsed", "agreement"] == pytest.approx(1 / 7)
    assert lines.loc["collapsed", "diversity"] == 0
    assert lines.loc["collapsed", "frechet"] > 10 * lines.loc["copies", "frechet"]
    assert set(found["class"]) == {*EMOTIONS, "all"}


JAX = """
from fer_helpers import bicogan
from fer_helpers.bicogan import training
bicogan.RECIPES["quick"]["corrected"] = bicogan.Recipe(batches=2, batch_size=4, width=4)
record = training.Job("corrected", "quick").train()
assert record["versions"]["backend"].startswith("jax "), record["versions"]
print(record["history"]["discriminator_loss"])
"""


@pytest.mark.slow
def test_it_trains_on_jax(tmp_path):
    pytest.importorskip("jax")
    folders = {"FER_STATE_DIR": str(tmp_path / "state"), "FER_RESULTS_DIR": str(tmp_path)}
    environment = os.environ | {"KERAS_BACKEND": "jax"} | folders
    command = [sys.executable, "-c", JAX]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert np.isfinite(json.loads(done.stdout)).all()

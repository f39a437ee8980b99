"""Landmarks and emotions trained together: two steps, each of which survives a kill, and what the record says."""

import shutil
from dataclasses import replace
from functools import partial, partialmethod

import keras
import numpy as np
import pytest

from fer_helpers import (
    architectures,
    checkpoints,
    datasets,
    doctor,
    freshness,
    landmarks,
    metrics,
    paths,
    study,
    training,
)
from fer_helpers.architectures import emotionaldan
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST, TRAINING
from fer_helpers.study.experiment import Recipe
from fer_helpers.training.alignment import AlignmentJob

RECIPE = Recipe(
    epochs=2, batch_size=32, learning_rate=1e-3, cosine=True, landmark_epochs=2, vary=0.5, training_images=64
)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Give a full job of 64 embedded faces and the narrowest net; `tiny()` makes it anew, as a new process would."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(doctor, "has_bfloat16", lambda: False)
    # building graphs takes longer than these few steps
    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))
    net = architectures.Net(partial(emotionaldan.emotional_dan, 48, width=2), 0, 0, "")
    monkeypatch.setitem(architectures.NETS, "emotionaldan.tiny", net)
    entry = replace(
        study.get("emotionaldan/dan_facekit"),
        id="emotionaldan/tiny",
        architecture="emotionaldan.tiny",
        recipe=RECIPE,
    )
    data = datasets.load("facekit")
    rows = [np.flatnonzero(data.splits == split)[:100] for split in ("Training", "PublicTest", "PrivateTest")]
    few = data.subset(np.concatenate(rows))
    monkeypatch.setattr(datasets, "load", lambda name: few)
    return lambda folder="results", **changes: training.job(
        replace(entry, **changes), "full", 0, tmp_path / folder
    )


@pytest.fixture
def killed(tiny, monkeypatch):
    """Record of a run that was stopped in the middle of both steps, and how far each start came."""
    write, files = checkpoints.write, []

    def stop_after_one(path, *arguments):
        write(path, *arguments)
        files.append(path.name.split("-full")[0])
        raise FerError("killed")

    with monkeypatch.context() as dying:
        dying.setattr(checkpoints, "write", stop_after_one)
        for _ in range(3):
            with pytest.raises(FerError, match="killed"):
                tiny().train()
    return tiny().train(), files


def test_a_killed_run_goes_on_in_either_step(tiny, killed, monkeypatch, tmp_path):
    resumed, files = killed
    assert files == ["emotionaldan-stage_1", "emotionaldan-stage_1", "emotionaldan-tiny"]
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "other"))
    whole = tiny("whole").train()
    for got, expected in (
        (resumed["history"], whole["history"]),
        (resumed["first_step"]["history"], whole["first_step"]["history"]),
    ):
        assert all(len(values) == 2 for values in expected.values())
        for name, values in expected.items():
            np.testing.assert_allclose(got[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    assert {"accuracy", "val_accuracy", "landmarks_loss", "val_emotion_loss"} < set(whole["history"])
    assert set(whole["first_step"]["history"]) == {"loss", "val_loss"}
    rates = whole["history"]["learning_rate"]
    np.testing.assert_allclose(rates, [1e-3, 5e-4])


def test_the_record_has_landmark_errors_of_both_stages_beside_the_accuracy(tiny):
    job = tiny()
    assert isinstance(job, AlignmentJob)
    assert job.train()["metrics"] == {}
    record = job.evaluate()
    assert record["parameters"]["trainable"] > 0.9 * record["parameters"]["total"]  # those of both steps

    net = job.best_net()
    test = job.data.split(PRIVATE_TEST)
    x = job.prepare(test.images)
    said = net.predict(x, verbose=0)
    first = emotionaldan.stage_1(net).predict(x, verbose=0)
    scores = record["metrics"][PRIVATE_TEST]
    assert scores["accuracy"] == np.mean(said["emotion"].argmax(axis=1) == test.labels)
    for stage, points in (("stage_1", first), ("stage_2", said["landmarks"])):
        errors = landmarks.normalised_error(points, test.landmarks)
        summary = scores["landmark_error"][stage]
        assert summary["n"] == len(test) and summary["mean"] == pytest.approx(errors.mean(), rel=1e-4)
        np.testing.assert_allclose(metrics.each_error(summary), errors, rtol=1e-3)


def test_runs_with_another_alpha_share_the_first_step(tiny, capfd):
    job = tiny()
    with_term = job.train()
    assert "landmark stage" in capfd.readouterr().err
    other = tiny(id="emotionaldan/tiny_0", loss_weights=(0.0, 0.6))
    without = other.train()
    assert "landmark stage" not in capfd.readouterr().err
    assert without["first_step"] == with_term["first_step"] and without["key"] != with_term["key"]
    nets = [each.best_net() for each in (job, other)]
    for mine, theirs in zip(nets[0].weights, nets[1].weights, strict=True):
        if mine.path.startswith("stage1_"):
            np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)
    offsets = [net.get_layer("stage2_offsets").get_weights()[0] for net in nets]
    assert not np.array_equal(*offsets)


def test_faces_that_dlib_misses_do_not_train_and_are_tested(tiny, monkeypatch):
    def attach(data, policy):
        points = data.landmarks.copy()
        points[::4] = np.nan
        return replace(data, landmarks=points)

    monkeypatch.setattr(landmarks, "attach", attach)
    job = tiny(landmarks="keep")
    assert np.isfinite(job.training.landmarks).all() and 0 < len(job.training) < 64
    assert "no face in 25.0% of Training, 25.0% of PublicTest" in job.data.notes[-1]
    job.train()
    scores = job.evaluate()["metrics"][PRIVATE_TEST]
    assert scores["n"] == 100 and scores["landmark_error"]["stage_2"]["n"] == 75


def test_the_key_follows_both_files_of_the_network_and_this_room(tiny, monkeypatch, tmp_path):
    package = shutil.copytree(paths.ROOT / "fer_helpers", tmp_path / "fer_helpers")
    monkeypatch.setattr(freshness, "PACKAGE", package)
    keys = [tiny().key]
    for room in ("architectures/emotionaldan", "architectures/face_alignment", "training/alignment"):
        with (package / f"{room}.py").open("a") as file:
            file.write("CHANGED = True\n")
        keys.append(tiny().key)
    assert len(set(keys)) == 4


def test_varied_pictures_keep_their_landmarks(tiny):
    """A white spot drawn on every face's nose stays under its landmark, whatever the pieces in which they vary."""
    job = tiny(recipe=replace(RECIPE, vary=1.0))
    points = job.data.split(TRAINING).landmarks
    grid = np.stack(np.meshgrid(np.arange(48), np.arange(48)), axis=-1)
    spots = np.exp(-(((grid - points[:, 30, None, None]) / 2) ** 2).sum(axis=-1))[..., None].astype("float32")
    emotions = np.eye(7, dtype="float32")[np.arange(len(points)) % 7]
    x, y = job._varied((spots, {"landmarks": points, "emotion": emotions}), [0, 0])
    assert y["emotion"].shape == emotions.shape and not np.array_equal(y["landmarks"], points)
    for spot, face in zip(x[..., 0], y["landmarks"], strict=True):
        if (np.abs(face[30] - 23.5) < 18).all():
            brightest = np.unravel_index(spot.argmax(), spot.shape)[::-1]
            assert np.linalg.norm(brightest - face[30]) < 1.5

"""Training that survives a kill, sees no test set, and runs again exactly when it must."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_helpers import checkpoints, datasets, freshness, labels, paths, records, study, training
from fer_helpers.errors import FerError
from fer_helpers.study.experiment import Recipe
from fer_helpers.training import jobs
from fer_helpers.training.alignment import AlignmentJob

RECIPE = Recipe(epochs=100, batch_size=32, learning_rate=0.01)


def flat(epochs: int) -> dict:
    """History with its best epoch first and `epochs` equal ones after it."""
    return {"val_accuracy": [0.5] * (epochs + 1)}


def test_learning_rate_halves_after_25_flat_epochs_down_to_a_floor():
    rates = {n: training.learning_rate(RECIPE, flat(n)) for n in (0, 24, 25, 49, 50, 1000)}
    assert rates == {0: 0.01, 24: 0.01, 25: 0.005, 49: 0.005, 50: 0.0025, 1000: 1e-4}
    assert training.learning_rate(RECIPE, {"val_accuracy": []}) == 0.01
    improved = {"val_accuracy": [0.5] * 25 + [0.6] + [0.5] * 24}  # 24 flat, better, 24 flat
    assert training.learning_rate(RECIPE, improved) == 0.01


def test_a_cosine_falls_from_the_rate_to_almost_nothing_whatever_the_accuracy():
    wave = replace(RECIPE, cosine=True, epochs=4)
    rates = [training.learning_rate(wave, {"loss": [1.0] * done, "val_accuracy": []}) for done in range(4)]
    np.testing.assert_allclose(rates, [0.01, 0.01 * (2 + 2**0.5) / 4, 0.005, 0.01 * (2 - 2**0.5) / 4])


def test_best_epoch_is_the_first_of_equals():
    assert training.best_epoch({"val_accuracy": [0.1, 0.7, 0.3, 0.7]}) == 1


def test_stopped_by():
    assert training.stopped_by(RECIPE, {"val_accuracy": []}, 100) is None
    assert training.stopped_by(RECIPE, flat(49), 100) is None
    assert training.stopped_by(RECIPE, flat(50), 100) == "patience"
    rising = {"val_accuracy": list(np.linspace(0, 1, 100))}
    assert training.stopped_by(RECIPE, rising, 100) == "recipe"
    assert training.stopped_by(RECIPE, {"val_accuracy": [0.1, 0.2]}, 2) == "limit"


# A kill of the real command


def start(folder: Path) -> subprocess.Popen:
    """Start `train uvic_cnn/medium_n` with results and state in `folder`; one thread, so that sums repeat."""
    environment = os.environ | {
        "FER_STATE_DIR": str(folder / "state"),
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [
        sys.executable,
        "-m",
        "fer_helpers",
        "train",
        "uvic_cnn/medium_n",
        "--results-dir",
        str(folder),
    ]
    return subprocess.Popen(command, cwd=paths.ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen, folder: Path) -> tuple[dict, str]:
    errors = process.communicate(timeout=400)[1]
    assert process.returncode == 0, errors
    return records.read(records.path(folder, "uvic_cnn/medium_n", 0)), errors


@pytest.fixture(scope="module")
def killed_and_whole(tmp_path_factory):
    """A run that was killed after two epochs and started again, with its messages; beside it an unbroken run."""
    killed, whole = (tmp_path_factory.mktemp(name) for name in ("killed", "whole"))
    unbroken, first = start(whole), start(killed)
    try:
        for line in first.stderr:
            if "epoch 2 of" in line:
                break
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert not records.path(killed, "uvic_cnn/medium_n", 0).exists()
        second = start(killed)
        return killed, finish(second, killed), finish(unbroken, whole)[0]
    finally:
        for process in (unbroken, first):
            process.kill()
            process.stderr.close()


def test_a_killed_run_goes_on_as_if_nothing_had_happened(killed_and_whole):
    _, (resumed, messages), whole = killed_and_whole
    done = int(re.search(r"going on after epoch (\d)", messages)[1])
    assert 2 <= done < 6 and f"epoch {done + 1} of 6" in messages and f"epoch {done} of" not in messages
    assert set(resumed["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    for name, values in whole["history"].items():
        assert len(values) == 6
        np.testing.assert_allclose(resumed["history"][name], values, rtol=1e-6, err_msg=name)
    assert resumed["epochs"] == whole["epochs"] and resumed["key"] == whole["key"]


def test_training_leaves_no_test_number_and_evaluate_adds_them(killed_and_whole, monkeypatch):
    folder, (record, _), _ = killed_and_whole
    assert record["metrics"] == {} and record["selection"]["split"] == "PublicTest"
    rows = record["dataset"].pop("rows")
    assert "PrivateTest" not in json.dumps(record) and set(rows) == {
        "Training",
        "selection",
        "PublicTest",
        "PrivateTest",
    }
    path = records.path(folder, "uvic_cnn/medium_n", 0)
    assert records.read_probabilities(path) == {}

    monkeypatch.setenv("FER_STATE_DIR", str(folder / "state"))
    evaluated = training.Job(study.get("uvic_cnn/medium_n"), "quick", 0, folder).evaluate()
    assert evaluated == records.read(path)
    assert set(evaluated["metrics"]) == {"PublicTest", "PrivateTest"}  # facekit is clean throughout
    data, probabilities = datasets.load("facekit"), records.read_probabilities(path)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        assert {archive[name].dtype for name in archive.files} == {np.dtype("float16")}
    for split, scores in evaluated["metrics"].items():
        labels = data.split(split).labels
        accuracy = np.mean(probabilities[split].argmax(axis=1) == labels)
        assert scores["n"] == len(labels) and scores["accuracy"] == pytest.approx(
            accuracy, abs=1 / len(labels)
        )
        assert scores["accuracy"] > 0.4  # trained weights: chance is about .25
    best = max(evaluated["history"]["val_accuracy"])  # the best epoch's weights, not the last one's
    assert evaluated["metrics"]["PublicTest"]["accuracy"] == pytest.approx(best, abs=1 / 500)
    assert evaluated["selection"]["accuracy"] == best


# The same in one process, small: 64 images, three epochs, flips, shifts and dropout


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Give a Job of 64 images; `tiny()` makes it anew, as a new process would."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    experiment = replace(
        study.get("uvic_cnn/medium_n_a"),
        id="uvic_cnn/tiny",
        quick=Recipe(3, 32, 1e-3, training_images=64),
    )
    monkeypatch.setitem(study.EXPERIMENTS, experiment.id, experiment)
    return lambda: training.Job(study.get(experiment.id), "quick", 0, tmp_path / "results")


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on(tiny, monkeypatch, tmp_path, capfd):
    job = tiny()
    job.train(epochs=1)
    kept = job.checkpoint_path.read_bytes()
    for module, name in ((os, "replace"), (np, "savez")):  # the disk fills while writing, or at the rename
        with monkeypatch.context() as broken:
            broken.setattr(module, name, no_space)
            with pytest.raises(FerError, match="No space left on device"):
                tiny().train()
        assert job.checkpoint_path.read_bytes() == kept
        assert list(job.checkpoint_path.parent.iterdir()) == [job.checkpoint_path]
    (job.checkpoint_path.parent / ".writing-x.npz").write_bytes(kept[:1000])  # what a kill would leave
    resumed = tiny().train()
    assert "going on after epoch 1" in capfd.readouterr().err

    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "other"))
    whole = tiny().train()
    for name, values in whole["history"].items():
        np.testing.assert_allclose(resumed["history"][name], values, rtol=1e-3, atol=1e-5, err_msg=name)


def test_run_trains_once_and_again_after_a_change(tiny, monkeypatch, tmp_path):
    trained = []
    train = training.Job.train
    monkeypatch.setattr(training.Job, "train", lambda job: (trained.append(job.key), train(job, 1))[1])
    folder = tmp_path / "results"
    first = study.run("uvic_cnn/tiny", results_dir=folder)
    assert study.run("uvic_cnn/tiny", results_dir=folder) == first and len(trained) == 1

    package = shutil.copytree(paths.ROOT / "fer_helpers", tmp_path / "fer_helpers")
    monkeypatch.setattr(freshness, "PACKAGE", package)
    assert study.run("uvic_cnn/tiny", results_dir=folder) == first and len(trained) == 1  # only bytes count
    network = package / "architectures" / "uvic_cnn.py"
    layers = network.read_text()
    assert "(64, 5)" in layers
    network.write_text(layers.replace("(64, 5)", "(65, 5)"))
    assert study.run("uvic_cnn/tiny", results_dir=folder)["key"] != first["key"]
    assert len(set(trained)) == 2


def test_the_key_depends_on_entry_data_and_each_room(tiny, monkeypatch, tmp_path):
    keys = [tiny().key]
    entry = study.get("uvic_cnn/tiny")
    monkeypatch.setitem(study.EXPERIMENTS, entry.id, replace(entry, augment=("flip",)))
    keys.append(tiny().key)
    data = datasets.load("facekit")
    monkeypatch.setattr(datasets, "load", lambda name: replace(data, labels=data.labels[::-1]))
    keys.append(tiny().key)
    package = shutil.copytree(paths.ROOT / "fer_helpers", tmp_path / "fer_helpers")
    monkeypatch.setattr(freshness, "PACKAGE", package)
    network = package / "architectures" / "uvic_cnn.py"
    network.write_text('"""Other words."""\n# a comment\n' + network.read_text().split('"""', 2)[2])
    assert tiny().key == keys[-1]
    for room in (*jobs.ROOMS, "architectures/uvic_cnn"):
        with (package / f"{room}.py").open("a") as file:
            file.write("CHANGED = True\n")
        keys.append(tiny().key)
    assert len(set(keys)) == len(keys) == 4 + len(jobs.ROOMS)


def test_explanations_are_not_hashed_and_any_code_is(monkeypatch, tmp_path):
    monkeypatch.setattr(freshness, "PACKAGE", tmp_path)

    def digest(code: str) -> str:
        (tmp_path / "room.py").write_text(code)
        return freshness.digest(["what"], ["room"])

    plain = digest("class A:\n    def f(self):\n        return 'text'\n")
    assert plain == digest(
        '"""A."""\nclass A:\n    """A."""\n\n    def f(self):\n        "F"\n        return "text"\n'
    )
    assert plain != digest("class A:\n    def f(self):\n        return 'other'\n")
    assert digest("def f():\n    'words'\n") == digest("def f():\n    'others'\n")


def test_every_module_of_training_is_in_the_key_of_what_runs_through_it(monkeypatch, tmp_path):
    from fer_helpers.bicogan import generated

    nothing = np.zeros((0, 48, 48), np.uint8), np.zeros(0, np.int64)
    monkeypatch.setattr(generated, "load", lambda *_: nothing)
    names = (
        "compact/net_60k",
        "data240/resnet50v2",
        "emotionaldan/dan_facekit",
        "ljmu/tuned_gan",
        "ljmu/mobilenet_v2",
    )
    rooms = {room for name in names for room in training.job(study.get(name), "quick", 0, tmp_path)._rooms()}
    folder = paths.ROOT / "fer_helpers" / "training"
    assert {f"training/{file.stem}" for file in folder.glob("*.py")} <= rooms
    assert "architectures/pretrained" in rooms


def test_each_entry_has_one_kind_of_training_and_impossible_ones_are_refused():
    for experiment in study.EXPERIMENTS.values():
        for profile in study.PROFILES:
            assert not experiment.loss_weights or training.kind(experiment, profile) is AlignmentJob
    dan, net = study.get("emotionaldan/dan_facekit"), study.get("compact/net_60k")
    for impossible, said in (
        (replace(dan, start="uvic_cnn/deep_n", class_weights=True), "take away class_weights and start"),
        (replace(net, start="uvic_cnn/deep_n"), "take away start"),
        (replace(net, selection=labels.PUBLIC_TEST), "go together"),
        (replace(study.get("uvic_cnn/deep_n"), selection=labels.CLEAN_PUBLIC_TEST), "go together"),
    ):
        with pytest.raises(FerError, match=f"{impossible.id}.*{said}"):
            training.job(impossible, "full", 0, paths.REPORTS)


def test_scores_are_float32_whatever_the_callers_precision(tiny):
    tiny().train(epochs=1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        job = tiny()
        assert {layer.compute_dtype for layer in job.best_net().layers} == {"float32"}
        assert keras.config.dtype_policy().name == "mixed_bfloat16"  # it is still the caller's
    finally:
        keras.config.set_dtype_policy(before)


def test_a_fifth_of_training_selects_where_both_tests_are_reported(tiny, tmp_path):
    experiment = replace(tiny().experiment, selection=labels.HELD_OUT)
    job = training.Job(experiment, "quick", 0, tmp_path)
    rows = job.data.split(labels.TRAINING)
    share = len(job.selection) / len(rows)
    assert 0.19 < share < 0.21
    kept = np.bincount(training.hold_out(rows, 0)[0].labels)
    assert kept.tolist() == [round(0.8 * n) for n in np.bincount(rows.labels)]
    held, again, other = (training.hold_out(rows, seed)[1].images for seed in (0, 0, 1))
    assert np.array_equal(held, again) and not np.array_equal(held, other)
    pictures = {image.tobytes() for image in job.training.images}
    assert not pictures & {image.tobytes() for image in job.selection.images}
    record = job.train() and job.evaluate()
    assert record["selection"]["split"] == labels.HELD_OUT
    sizes = {split: record["metrics"][split]["n"] for split in (labels.PUBLIC_TEST, labels.PRIVATE_TEST)}
    assert record["metrics"][labels.MERGED]["n"] == sum(sizes.values())


def test_a_full_record_is_never_replaced_by_surprise(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    data = datasets.load("facekit")
    monkeypatch.setattr(datasets, "load", lambda name: data)
    path = records.path(tmp_path, "uvic_cnn/medium_n", 0)

    def write(done: int, stopped_by: str, metrics: dict) -> bytes:
        epochs = {"done": done, "recipe": 60, "stopped_by": stopped_by}
        record = dict.fromkeys(records.REQUIRED, {}) | {"format": 1, "profile": "full", "key": "old code"}
        records.write(path, record | {"epochs": epochs, "metrics": metrics}, {})
        return path.read_bytes()

    def job() -> training.Job:
        return training.Job(study.get("uvic_cnn/medium_n"), "full", 0, tmp_path)

    for done, stopped_by in ((60, "recipe"), (51, "patience")):
        before = write(done, stopped_by, {"PrivateTest": {}})
        assert study.run("uvic_cnn/medium_n", "full", results_dir=tmp_path)["key"] == "old code"
        assert job().train()["key"] == "old code" and path.read_bytes() == before
        with pytest.raises(FerError, match="code have changed since"):
            job().evaluate()
    before = write(10, "limit", {})
    assert job().train(epochs=10)["epochs"]["done"] == 10
    with pytest.raises(FerError, match="cannot go on"):
        job().train()
    with pytest.raises(FerError, match="is a full run: choose another results folder"):
        training.Job(study.get("uvic_cnn/medium_n"), "quick", 0, tmp_path).train()
    assert path.read_bytes() == before


# Checkpoints that are none


def small(units: int) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def test_checkpoint_round_trip(tmp_path):
    model, other = small(2), small(2)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    best = [np.full(w.shape, 5.0) for w in model.get_weights()]
    checkpoints.write(tmp_path / "a.npz", model, {"history": {"loss": [1.5]}}, best)
    checkpoint = checkpoints.read(tmp_path / "a.npz")
    assert checkpoint.state == {"history": {"loss": [1.5]}}
    checkpoints.restore(other, checkpoint, tmp_path / "a.npz")
    for mine, restored in zip(checkpoints.variables(model), checkpoints.variables(other), strict=True):
        np.testing.assert_array_equal(mine, restored)
    checkpoints.restore_best(other, checkpoint, tmp_path / "a.npz")
    assert (other.get_weights()[0] == 5).all()


@pytest.mark.parametrize("damage", ["empty", "half", "text", "flipped bit", "no state", "state is no JSON"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    path, model = tmp_path / "a.npz", small(50)
    checkpoints.write(path, model, {}, model.get_weights())
    content = bytearray(path.read_bytes())
    if damage == "flipped bit":
        content[600] ^= 1
    altered = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "text": b"not a checkpoint",
        "flipped bit": content,
    }
    if damage in altered:
        path.write_bytes(altered[damage])
    else:
        np.savez(
            path, **({"state": np.zeros(3, "uint8")} if "JSON" in damage else {"variable_0000": np.zeros(3)})
        )
    with pytest.raises(FerError, match=r"checkpoint .*a\.npz is damaged.*Delete it"):
        checkpoints.read(path)


def test_weights_of_another_architecture_are_refused(tmp_path):
    theirs, mine = small(2), small(3)
    before = mine.get_weights()
    checkpoints.write(tmp_path / "a.npz", theirs, {}, theirs.get_weights())
    checkpoint = checkpoints.read(tmp_path / "a.npz")
    for restore in (checkpoints.restore, checkpoints.restore_best):
        with pytest.raises(FerError, match="belong to another architecture"):
            restore(mine, checkpoint, tmp_path / "a.npz")
    np.testing.assert_array_equal(mine.get_weights()[0], before[0])

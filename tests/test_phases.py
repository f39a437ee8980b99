"""A later phase: where it starts, what makes it new again, and what class weights do to its loss."""

from dataclasses import replace
from functools import partialmethod

import keras
import numpy as np
import pytest

from fer_helpers import checkpoints, class_weights, datasets, doctor, labels, records, study, training
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.study.experiment import Recipe
from fer_helpers.training import jobs, record
from fer_helpers.training.phases import PhaseJob

TINY = Recipe(epochs=1, batch_size=32, learning_rate=1e-3, training_images=64)


@pytest.fixture
def second(monkeypatch, tmp_path):
    """Give the job of a second phase of 64 images, made anew by each call; `changes` are those of the first phase."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    # building graphs takes longer than these few steps
    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))
    data = datasets.load("facekit")
    few = data.subset(np.concatenate([np.flatnonzero(data.splits == split)[:100] for split in labels.SPLITS]))
    monkeypatch.setattr(datasets, "load", lambda name: few)
    first = replace(
        study.get("data240/called_xception"), id="data240/first", rows=(), recipe=TINY, quick=TINY
    )
    after = replace(first, id="data240/second", start=first.id, class_weights=True)
    monkeypatch.setitem(study.EXPERIMENTS, after.id, after)

    def make(profile: str = "quick", **changes) -> training.Job:
        monkeypatch.setitem(study.EXPERIMENTS, first.id, replace(first, **changes))
        return training.job(after, profile, 0, tmp_path / profile)

    return make


def test_a_phase_goes_on_from_the_best_weights_of_the_one_before(second, tmp_path):
    job = second()
    assert isinstance(job, PhaseJob)
    start = job._initial_net().get_weights()
    before = training.job(study.get("data240/first"), "quick", 0, tmp_path / "quick")
    path = records.path(tmp_path / "quick", "data240/first", 0)
    assert PRIVATE_TEST in records.read(path)["metrics"]  # it was trained, and scored by itself
    written = path.stat().st_mtime_ns
    for mine, best in zip(start, before.best_net().get_weights(), strict=True):
        np.testing.assert_array_equal(mine, best)
    record = second().train()
    assert path.stat().st_mtime_ns == written  # once is enough
    (said,) = record["built_on"]
    assert (said["experiment"], said["key"], said["epochs"]["done"]) == ("data240/first", before.key, 1)
    assert not all(
        np.array_equal(*pair) for pair in zip(second().best_net().get_weights(), start, strict=True)
    )
    before.checkpoint_path.unlink()  # a quick start is trained again
    second()._initial_net()
    assert before.checkpoint_path.exists()


@pytest.mark.parametrize("trained_before", [False, True])
def test_training_the_phase_before_changes_neither_precision_nor_seed(second, monkeypatch, trained_before):
    """The first of two phases is trained now or long before: the second one is the same, and in bfloat16."""
    monkeypatch.setattr(doctor, "has_bfloat16", lambda: True)
    built, compiled = [], PhaseJob.compiled

    def spy(job, fresh=True):
        net, model = compiled(job, fresh)
        seeds = [keras.ops.convert_to_numpy(v) for v in model.variables if "seed" in v.path]
        built.append((net.layers[1].compute_dtype, seeds))
        return net, model

    monkeypatch.setattr(PhaseJob, "compiled", spy)
    job = second("full")
    if trained_before:
        study.run("data240/first", "full", 0, job.results_dir)
    assert job.train()["device"]["precision"] == "mixed_bfloat16"
    ((precision, seeds),) = built
    assert precision == "bfloat16" and keras.config.dtype_policy().name == "float32"
    job.compiled()  # with nothing trained in between
    assert len(seeds) >= 2
    np.testing.assert_array_equal(seeds, built[1][1])


def test_in_the_full_profile_start_and_key_are_those_of_the_record_whatever_the_code_is_now(
    second, monkeypatch, tmp_path
):
    job = second("full")
    job.train()
    monkeypatch.setattr(jobs, "ROOMS", jobs.ROOMS[1:])  # as an edit of the code would
    later = second("full")
    assert later.config["built_on"] == job.config["built_on"] and later.key != job.key
    later._initial_net()  # from the weights of the code that made them

    path = records.path(job.results_dir, "data240/first", 0)
    checkpoints.of(records.read(path)).unlink()
    with pytest.raises(FerError, match="weights of data240/first are not.*FER_RESULTS_DIR.*full --seed 0"):
        second("full")._initial_net()


def test_what_the_start_was_is_said_when_training_begins_and_a_run_goes_on_without_it(second, monkeypatch):
    longer = replace(TINY, epochs=2)
    job = second("full", recipe=longer)
    cut = training.job(study.get("data240/first"), "full", 0, job.results_dir)
    cut.train(1)
    cut.evaluate()
    after = replace(job.experiment, recipe=longer)
    begun = training.job(after, "full", 0, job.results_dir).train(1)
    assert records.epochs_cut(begun) == ["1 of 2 epochs", "1 of 2 epochs of data240/first"]

    cut.train()  # the start goes on
    cut.checkpoint_path.unlink()
    record = training.job(after, "full", 0, job.results_dir).train()
    assert records.epochs_cut(record) == ["1 of 2 epochs of data240/first"]


def test_a_cut_anywhere_in_the_chain_counts():
    def run(name: str, done: int, *built_on: dict) -> dict:
        epochs = {"done": done, "recipe": 50, "stopped_by": "recipe" if done == 50 else "limit"}
        return {"experiment": name, "epochs": epochs, "built_on": [record.origin(each) for each in built_on]}

    third = run("third", 50, run("second", 50, run("first", 10)))
    assert records.epochs_cut(third) == ["10 of 50 epochs of first"]
    assert records.epochs_cut(run("third", 50, run("second", 50))) == []
    old = {
        "experiment": "old",
        "epochs": {"done": 3, "recipe": 4, "stopped_by": "limit"},
    }  # nothing of a start
    assert records.epochs_cut(old) == ["3 of 4 epochs"]


def test_the_key_follows_the_phase_before(second):
    keys = {second().key, second(quick=replace(TINY, learning_rate=2e-3)).key, second(augment=()).key}
    assert len(keys) == 3


def test_class_weights_reach_the_loss(second):
    """One step of plain gradient descent, against the gradient by hand: weight times (probability - target)."""
    for job in (second(), training.job(study.get("data240/first"), "quick", 0, second().results_dir)):
        labels = job.training.labels
        n = len(labels)
        job.recipe = replace(job.recipe, batch_size=n)
        net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(7, activation="softmax")])
        net.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy")
        x, y = np.random.default_rng(0).normal(size=(n, 2)).astype("float32"), np.eye(7)[labels]
        error = net.predict(x, verbose=0) - y
        if job.experiment.class_weights:
            counts = np.maximum(np.bincount(labels, minlength=7), 1)
            error *= class_weights.balanced(counts)[labels][:, None]
        job.fit(net, (x, y), (x, y), 0)
        np.testing.assert_allclose(net.layers[-1].bias.numpy(), -error.mean(axis=0), atol=1e-6)

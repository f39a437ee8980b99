"""A later phase: where it starts, what makes it new again, and what class weights do to its loss."""

from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import class_weights, records, study, training
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.study.experiment import Recipe
from fer_helpers.training.phases import PhaseJob

TINY = Recipe(epochs=1, batch_size=32, learning_rate=1e-3, training_images=64)


@pytest.fixture
def second(monkeypatch, tmp_path):
    """Give the job of a second phase of 64 images, made anew by each call; `changes` are those of the first phase."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    first = replace(study.get("data240/called_xception"), id="data240/first", rows=(), quick=TINY)
    after = replace(first, id="data240/second", start=first.id, class_weights=True)
    monkeypatch.setitem(study.EXPERIMENTS, after.id, after)

    def make(**changes) -> training.Job:
        monkeypatch.setitem(study.EXPERIMENTS, first.id, replace(first, **changes))
        return training.job(after, "quick", 0, tmp_path / "results")

    return make


def test_a_phase_goes_on_from_the_best_weights_of_the_one_before(second, tmp_path):
    job = second()
    assert isinstance(job, PhaseJob)
    start = job._initial_net().get_weights()
    before = training.job(study.get("data240/first"), "quick", 0, tmp_path / "results")
    path = records.path(tmp_path / "results", "data240/first", 0)
    assert PRIVATE_TEST in records.read(path)["metrics"]  # it was trained, and scored by itself
    written = path.stat().st_mtime_ns
    for mine, best in zip(start, before.best_net().get_weights(), strict=True):
        np.testing.assert_array_equal(mine, best)
    record = second().train()
    assert path.stat().st_mtime_ns == written  # once is enough
    assert record["start"]["experiment"] == "data240/first" and record["start"]["epochs"]["done"] == 1
    assert not all(
        np.array_equal(*pair) for pair in zip(second().best_net().get_weights(), start, strict=True)
    )

    before.checkpoint_path.unlink()
    with pytest.raises(FerError, match="weights of data240/first.*Delete .*first-seed0.json"):
        second()._initial_net()


def test_the_key_follows_the_phase_before(second):
    keys = {second().key, second(quick=replace(TINY, learning_rate=2e-3)).key, second(augment=()).key}
    assert len(keys) == 3


def test_class_weights_reach_the_loss(second):
    given = []

    class Model:
        def train_on_batch(self, x, y, return_dict):
            given.append(y)
            return {"loss": 0.0}

        test_on_batch = train_on_batch

    job = second()
    arrays, selection = job._arrays(job.training), job._arrays(job.selection)
    job._fit(Model(), arrays, selection, 0)
    seen = np.concatenate(given)[: len(job.training)].sum(axis=0)
    counts = np.bincount(job.training.labels, minlength=7)
    np.testing.assert_allclose(seen, counts * class_weights.balanced(np.maximum(counts, 1)), rtol=1e-5)
    given.clear()
    training.job(study.get("data240/first"), "quick", 0, job.results_dir)._fit(Model(), arrays, selection, 0)
    np.testing.assert_allclose(np.concatenate(given)[: len(job.training)].sum(axis=0), counts)

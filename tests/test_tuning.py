"""Tuning: the paper's networks first, judged on Training alone; an interrupted search goes on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from fer_helpers import labels, tuning
from fer_helpers.architectures import NETS


class PretendedJob:
    """Trains at once: the accuracy is best at a learning rate of 2e-3 with four blocks. Can be interrupted."""

    key = "a" * 64
    left = None  # trials until Ctrl-C

    def __init__(self, values, profile, results_dir=None):
        self.values, self.profile = values, profile
        self.checkpoint_path = SimpleNamespace(unlink=lambda: None)

    def train(self, epochs=10):
        if epochs == tuning.FIRST_LOOK and PretendedJob.left is not None:
            PretendedJob.left -= 1
            if PretendedJob.left < 0:
                raise KeyboardInterrupt
        accuracy = 0.6 - abs(np.log10(self.values["learning_rate"] / 2e-3)) / 10
        accuracy -= abs(self.values["blocks"] - 4) / 100
        rows = {"selection": 5741}
        return {
            "parameters": {"total": 1},
            "epochs": {"done": epochs},
            "dataset": {"rows": rows},
            "history": {"val_accuracy": [accuracy * (1 - 1 / (1 + epoch)) for epoch in range(epochs)]},
            "seconds": 1.0,
            "selection": {"accuracy": accuracy},
            "metrics": {},
        }

    def evaluate(self):
        scores = {"accuracy": 0.5, "interval": [0.48, 0.52]}
        splits = (labels.PRIVATE_TEST, f"{labels.PRIVATE_TEST} clean", labels.MERGED)
        return self.train() | {"metrics": dict.fromkeys(splits, scores)}


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning, "trial_job", PretendedJob)
    monkeypatch.setattr(PretendedJob, "left", None)
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "whole"))


def proposed(study: optuna.Study) -> list[dict]:
    return [trial.params for trial in tuning._finished(study)]


def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(pretended, monkeypatch, tmp_path):
    whole = proposed(tuning.search("full", 9))
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "interrupted"))
    for trials in (1, 0, 6):  # until the next interruption; then the rest
        PretendedJob.left = trials
        with pytest.raises(KeyboardInterrupt):
            tuning.search("full", 9)
    PretendedJob.left = 2
    assert proposed(tuning.search("full", 9)) == whole
    PretendedJob.left = 0  # nothing is left to train
    assert proposed(tuning.search("full", 9)) == whole
    assert len({str(values) for values in whole}) == 9  # a seed for each trial: no proposal comes twice


def test_other_code_or_data_start_another_search(pretended, monkeypatch):
    tuning.search("full", 2)
    monkeypatch.setattr(PretendedJob, "key", "b" * 64)
    monkeypatch.setattr(PretendedJob, "left", 0)
    with pytest.raises(KeyboardInterrupt):  # it trains again
        tuning.search("full", 2)


def test_table_has_the_best_trial_first_and_the_papers_networks(pretended):
    table = tuning.measure("full")
    assert list(table.columns) == list(tuning.COLUMNS) and len(table) == tuning.TRIALS["full"]
    assert table["accuracy"].is_monotonic_decreasing and sorted(table["trial"]) == list(range(1, 25))
    known = table.set_index("trial")["origin"].sort_index()
    assert known[1] == "base CNN" and known[2] == "tuned CNN" and set(known[3:]) == {"search"}
    assert ((table["low"] < table["accuracy"]) & (table["accuracy"] < table["high"])).all()
    given_up = table["epochs"] == tuning.FIRST_LOOK
    assert not given_up[table["trial"] <= 2].any() and 5 < given_up.sum() < 20
    assert table.loc[given_up, "accuracy"].max() < table.loc[~given_up, "accuracy"].median()
    assert (table["private"].isna() == given_up).all()  # the test sets score what was trained to the end


def test_a_trial_trains_the_papers_networks_on_training_alone(monkeypatch):
    tiny = replace(tuning.RECIPES["quick"], epochs=1, training_images=64)
    monkeypatch.setitem(tuning.RECIPES, "quick", tiny)
    study = tuning.search("quick", 2)
    totals = [trial.user_attrs["parameters"] for trial in tuning._finished(study)]
    assert totals == [NETS["ljmu.base"].total, NETS["ljmu.tuned"].total]
    job = tuning.trial_job(tuning.KNOWN["base CNN"] | {"batch_size": 64, "learning_rate": 3e-3}, "quick")
    assert set(job.training.splits) == set(job.selection.splits) == {labels.TRAINING}
    assert (job.recipe.batch_size, job.recipe.learning_rate) == (64, 3e-3)
    assert not set(job.training.rows) & set(job.selection.rows)
    assert not job.checkpoint_path.exists()

"""The list of experiments, and that asking it costs nothing."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import architectures, augment, landmarks, paths, preprocess, published, records, study
from fer_helpers.errors import FerError


def test_every_experiment_names_things_that_exist():
    numbers = published.load()
    rows = set(zip(numbers["paper"], numbers["table"], numbers["row"], strict=True))
    assert study.EXPERIMENTS
    for name, experiment in study.EXPERIMENTS.items():
        assert name == experiment.id and name.split("/")[0] == experiment.paper
        assert experiment.architecture in architectures.NETS
        assert set(experiment.augment) <= set(augment.LAYERS)
        preprocess.fit(experiment.preprocess, np.zeros((2, 48, 48), "uint8"), np.zeros((2, 68, 2), "float32"))
        assert experiment.landmarks in ("", *landmarks.POLICIES)
        assert {(experiment.paper, *row) for row in experiment.rows} <= rows, name
        assert experiment.quick.epochs < experiment.recipe.epochs


def test_compared_pairs_are_experiments_of_their_paper():
    for paper, room in study.PAPERS.items():
        names = {experiment.id for experiment in room.EXPERIMENTS if experiment.seeds}
        for _, *pair in room.COMPARISONS:
            assert {f"{paper}/{name}" for name in pair} <= names and pair[0] != pair[1]


def test_get_and_check_profile():
    assert study.get("uvic_cnn/medium_n").title == "Medium+N"
    with pytest.raises(FerError, match="no experiment called 'medium'.*uvic_cnn/medium_n"):
        study.get("medium")
    assert [study.check_profile(name) for name in study.PROFILES] == ["quick", "full"]
    with pytest.raises(FerError, match="no profile called 'fast'.*quick, full"):
        study.check_profile("fast")


def test_planned(monkeypatch):
    two = replace(study.get("uvic_cnn/medium_n"), seeds=(0, 1))
    quick_only = replace(study.get("uvic_cnn/medium_n_a"), seeds=())
    monkeypatch.setattr(study, "_ALL", (two, quick_only))
    assert study.planned() == [("uvic_cnn/medium_n", 0), ("uvic_cnn/medium_n", 1)]


def test_reading_the_study_starts_no_network_library():
    script = (
        "import sys; from fer_helpers import study, cli, records, metrics, report, plots\n"
        "study.planned(); print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_run_of_one_profile_is_refused_as_one_of_the_other(tmp_path):
    source = paths.REPORTS / "full" / "runs" / "uvic_cnn" / "medium_n-seed0.json"
    path = records.path(tmp_path, "uvic_cnn/medium_n", 0)
    path.parent.mkdir(parents=True)
    path.write_text(source.read_text().replace('"profile": "full"', '"profile": "quick"'))
    for ask in (study.run, study.key):
        with pytest.raises(FerError, match="is a quick run: choose another results folder"):
            ask("uvic_cnn/medium_n", "full", 0, tmp_path)
    shutil.copy(source, path)
    assert study.run("uvic_cnn/medium_n", "full", 0, tmp_path)["profile"] == "full"
    with pytest.raises(FerError, match="is a full run"):
        study.run("uvic_cnn/medium_n", "quick", 0, tmp_path)

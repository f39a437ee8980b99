"""EmotionalDAN's landmarks beside dlib's."""

import numpy as np
import pytest

from fer_helpers import landmarks, metrics
from fer_helpers.datasets import load
from fer_helpers.errors import FerError
from fer_helpers.landmarks import networks


def run(alpha: float, errors: np.ndarray) -> dict:
    """The part of a record that is read: stage 1 errs by .02 more than stage 2."""
    stages = {
        "stage_1": metrics.summarise_errors(errors + 0.02),
        "stage_2": metrics.summarise_errors(errors),
    }
    return {
        "config": {"loss_weights": [alpha, 0.6]},
        "metrics": {"PrivateTest": {"landmark_error": stages}},
    }


def test_compare_on_the_faces_that_dlib_finds(monkeypatch):
    faces = load("facekit").split("PrivateTest")
    away = np.full((500, 1, 1), 1.0, "float32")  # dlib: every point one pixel to the right and down
    missed = np.arange(500) < 50
    seen = landmarks.Landmarks(faces.landmarks + away, ~missed, np.zeros((500, 4)))
    monkeypatch.setattr(networks, "find", lambda images: seen)
    dlib = landmarks.normalised_error(seen.points, faces.landmarks)
    wild = np.where(missed, 9.0, dlib)  # what happens on missed faces does not count
    table = networks.compare([run(0.4, wild - 0.01), run(0.4, wild - 0.03), run(0.0, wild + 0.01)])
    assert table["n"].eq(450).all() and table["runs"].tolist() == [0, 2, 2, 1, 1]
    assert table["mean"][0] == pytest.approx(dlib[~missed].mean())
    by_stage = table.set_index(["method", "alpha"])["difference"]
    assert by_stage["stage_2", 0.4] == pytest.approx(-0.02, abs=1e-4)
    assert by_stage["stage_1", 0.4] == pytest.approx(0.0, abs=1e-4)
    assert by_stage["stage_2", 0.0] == pytest.approx(0.01, abs=1e-4)
    with pytest.raises(FerError, match="no run of emotionaldan/dan_facekit yet"):
        networks.compare([])

"""Measurements: made now, written with where they came from, read back equal."""

import json

import pandas as pd
import pytest

from fer_helpers import measurements
from fer_helpers.errors import FerError


@pytest.fixture
def toy(monkeypatch):
    """A measurement whose function is one of this package."""
    table = pd.DataFrame({"class": ["angry", "fear"], "n": [3, 4], "share": [0.25, None]})
    monkeypatch.setattr("fer_helpers.metrics.toy", lambda profile: table, raising=False)
    toy = measurements.Measurement("A toy", "metrics.toy", quick=False)
    monkeypatch.setitem(measurements.MEASUREMENTS, "toy", toy)
    return table


def test_round_trip(toy, tmp_path):
    measurements.measure("toy", "full", tmp_path)
    pd.testing.assert_frame_equal(measurements.read("toy", "full", tmp_path), toy)
    record = json.loads(measurements.path("toy", tmp_path).read_text())
    assert record["profile"] == "full" and record["commit"] and record["versions"]["numpy"]


def test_refusals(toy, tmp_path):
    with pytest.raises(FerError, match="no measurement called 'tea'.*landmark_detection"):
        measurements.measure("tea", "quick", tmp_path)
    with pytest.raises(FerError, match="full profile only"):
        measurements.measure("toy", "quick", tmp_path)
    with pytest.raises(FerError, match="measure toy --profile full"):
        measurements.read("toy", "full", tmp_path)


def test_every_measurement_names_a_function():
    for measurement in measurements.MEASUREMENTS.values():
        module, function = measurement.function.rsplit(".", 1)
        assert callable(getattr(__import__(f"fer_helpers.{module}", fromlist=[function]), function))

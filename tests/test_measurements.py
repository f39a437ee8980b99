"""Measurements: made now, written with where they came from, read back equal."""

import inspect
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
    assert record["profile"] == "full" and record["commit"] and record["versions"]["keras"]


def test_a_measurement_of_runs_reads_those_beside_its_record(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "fer_helpers.metrics.toy", lambda profile, runs: pd.DataFrame({"from": [str(runs)]}), raising=False
    )
    toy = measurements.Measurement("A toy", "metrics.toy", runs=True)
    monkeypatch.setitem(measurements.MEASUREMENTS, "toy", toy)
    assert measurements.measure("toy", "quick", tmp_path)["from"].tolist() == [str(tmp_path)]
    for measurement in measurements.MEASUREMENTS.values():
        if measurement is not toy:
            module, function = measurement.function.rsplit(".", 1)
            made = getattr(__import__(f"fer_helpers.{module}", fromlist=[function]), function)
            parameters = list(inspect.signature(made).parameters)
            assert parameters[0] == "profile", measurement.function
            assert (parameters[1:2] == ["results_dir"]) == measurement.runs, measurement.function


def test_versions_are_those_of_what_is_installed(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(measurements, "PACKAGES", ("numpy", "no-such-package"))
    measurements.measure("toy", "full", tmp_path)
    record = json.loads(measurements.path("toy", tmp_path).read_text())
    assert list(record["versions"]) == ["numpy"]


def test_the_backends_belong_to_the_versions():
    assert {"keras", "tensorflow", "jax", "torch"} <= set(measurements.PACKAGES)


def test_refusals(toy, tmp_path):
    with pytest.raises(FerError, match="no measurement called 'tea'.*landmark_detection"):
        measurements.measure("tea", "quick", tmp_path)
    with pytest.raises(FerError, match="full profile only"):
        measurements.measure("toy", "quick", tmp_path)
    with pytest.raises(FerError, match="measure toy --profile full"):
        measurements.read("toy", "full", tmp_path)

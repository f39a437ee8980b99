"""Run records: written whole, read with suspicion."""

import json

import numpy as np
import pytest

from fer_helpers import paths, records
from fer_helpers.errors import FerError

RECORD = {
    "format": 1,
    "experiment": "uvic_cnn/medium_n",
    "profile": "quick",
    "seed": 0,
    "key": "k",
    "parameters": {},
    "epochs": {},
    "history": {},
    "metrics": {},
}


def test_round_trip_with_half_precision_probabilities(tmp_path):
    path = records.path(tmp_path, "uvic_cnn/medium_n", 3)
    assert path == tmp_path / "runs" / "uvic_cnn" / "medium_n-seed3.json"
    probabilities = np.array([[0.1, 0.9], [0.75, 0.25]], dtype="float32")
    records.write(path, RECORD, {"PrivateTest": probabilities})
    assert records.read(path) == RECORD
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        assert archive["PrivateTest"].dtype == np.float16
    read = records.read_probabilities(path)["PrivateTest"]
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, probabilities, atol=1e-3)


def test_half_precision_keeps_the_prediction(tmp_path):
    path = records.path(tmp_path, "uvic_cnn/medium_n", 0)
    close = np.array([[0.4, 0.40001, 0.2], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]], dtype="float32")
    assert (close.astype("float16").argmax(axis=1) != close.argmax(axis=1)).any()  # what rounding alone does
    records.write(path, RECORD, {"PrivateTest": close})
    read = records.read_probabilities(path)["PrivateTest"]
    np.testing.assert_array_equal(read.argmax(axis=1), close.argmax(axis=1))
    np.testing.assert_allclose(read, close, atol=1e-3)


def test_find_lists_records_only(tmp_path):
    for name, seed in (("b/second", 0), ("a/first", 1), ("a/first", 0)):
        records.write(records.path(tmp_path, name, seed), RECORD | {"experiment": name, "seed": seed}, {})
    (tmp_path / "runs" / "a" / ".writing-x.json").write_text("left over by a kill")
    assert [(r["experiment"], r["seed"]) for r in records.find(tmp_path)] == [
        ("a/first", 0),
        ("a/first", 1),
        ("b/second", 0),
    ]
    assert [r["experiment"] for r in records.find(tmp_path, "b")] == ["b/second"]
    assert list(records.find(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        "null",
        '"text"',
        "{}",
        json.dumps(RECORD | {"format": 2}),
        '{"format": 1}',
        "\udcff",
    ],
)
def test_damaged_and_foreign_records_are_named(tmp_path, text):
    path = tmp_path / "a-seed0.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FerError, match=r"a-seed0\.json .*Delete it"):
        records.read(path)


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_damaged_probabilities_are_named(tmp_path, keep):
    path = tmp_path / "a-seed0.json"
    records.write(path, RECORD, {"PrivateTest": np.random.default_rng(0).random((500, 7))})
    archive = path.with_suffix(".npz")
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(FerError, match="cannot be read.*Run it again"):
        records.read_probabilities(path)


def test_the_commit_is_unknown_outside_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert records.current_commit() is None

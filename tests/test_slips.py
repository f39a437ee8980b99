"""Each slip does to the images what it says, and only while training where it turns them."""

from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import slips


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path))
    tiny = replace(slips.RECIPES["quick"], epochs=1, training_images=64)
    monkeypatch.setitem(slips.RECIPES, "quick", tiny)


def test_the_misprint_makes_white_brighter_than_white():
    white = np.full((1, 48, 48), 255, np.uint8)
    values = {name: slips.slip_job(name, "quick").prepare(white).max() for name in slips.SLIPS}
    assert values.pop("divided_by_225") == pytest.approx(255 / 225)
    assert set(values.values()) == {1.0}


def test_turning_happens_in_training_only_and_degrees_are_no_turns():
    x = np.zeros((1, 48, 48, 1), "float32")
    x[0, 20:28, 4:12] = 1
    moved = {}
    for name in ("turned_by_degrees", "turned_by_turns"):
        layer = slips.slip_job(name, "quick")._net().layers[1]
        np.testing.assert_array_equal(layer(x, training=False), x)
        moved[name] = np.mean([np.abs(layer(x, training=True) - x).mean() for _ in range(20)])
    assert moved["turned_by_degrees"] < 0.1 * moved["turned_by_turns"]


def test_the_table_has_each_slip_and_the_mismatch(monkeypatch):
    monkeypatch.setattr(slips, "SLIPS", {name: slips.SLIPS[name] for name in ("none", "divided_by_225")})
    table = slips.measure("quick")
    assert table["slip"].tolist() == ["none", "divided by 225", slips.MISMATCH]
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()
    assert table["n"].nunique() == 1
    keys = {slips.slip_job(name, "quick").key for name in slips.SLIPS}
    assert len(keys) == 2

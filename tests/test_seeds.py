"""Means, intervals and gains over seeds, from handmade records."""

from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import metrics, plots, records, seeds, study
from fer_helpers.study.ljmu import IMPACT


def write(
    folder, name: str, seed: int, accuracy: float, stopped_by: str = "recipe", profile: str = "full"
) -> None:
    record = dict.fromkeys(records.REQUIRED, {}) | {
        "format": records.FORMAT,
        "experiment": f"ljmu/{name}",
        "profile": profile,
        "epochs": {"done": 3, "recipe": 15, "stopped_by": stopped_by},
        "selection": {"accuracy": accuracy},
        "dataset": {"rows": {"selection": 5741}},
    }
    records.write(records.path(folder, f"ljmu/{name}", seed), record, {})


def test_means_and_gains_are_paired_by_seed(tmp_path):
    for seed, accuracy in ((0, 0.50), (1, 0.54)):
        write(tmp_path, "base_none", seed, accuracy)
    for seed, accuracy in ((0, 0.53), (1, 0.58), (2, 0.60)):  # seed 2 has nothing to be compared with
        write(tmp_path, "base_shift", seed, accuracy)
    write(tmp_path, "base_flip", 1, 0.56)
    write(tmp_path, "base_zoom", 0, 0.9, stopped_by="limit")  # fewer epochs than the others: does not count
    write(tmp_path, "base_crop", 0, 0.9, profile="quick")  # nor does this
    table = seeds.selection_table(IMPACT, tmp_path)
    assert len(table) == len(IMPACT) and table.index[0] == "base_none"
    shift = table.loc["base_shift"]
    assert shift["seeds"] == 3 and shift["by_seed"] == (0.53, 0.58, 0.60)
    assert shift["accuracy"] == pytest.approx(1.71 / 3) and shift["gain"] == pytest.approx(0.035)
    assert (shift["low"], shift["high"]) == metrics.wilson_interval(round(1.71 / 3 * 5741), 5741)
    assert shift["gain_high"] - 0.035 == pytest.approx(
        12.706 * 0.005, rel=1e-3
    )  # t with one degree of freedom
    assert shift["gain_low"] == pytest.approx(0.035 - 12.706 * 0.005, rel=1e-3)
    flip = table.loc["base_flip"]
    assert flip["gain"] == pytest.approx(0.02) and np.isnan(flip["gain_low"])
    assert np.isnan(table.loc["base_none", "gain"])
    for empty in ("base_zoom", "base_crop"):
        assert table.loc[empty, "seeds"] == 0 and np.isnan(table.loc[empty, "accuracy"])
    (axis,) = plots.by_seed(table).axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels[0] == "base CNN, no augmentation" and "base CNN, crop: not run yet" in labels


def test_complete_are_the_seeds_that_all_have(tmp_path):
    none, shift, *_ = IMPACT
    for seed, accuracy in ((0, 0.50), (1, 0.54)):
        write(tmp_path, "base_none", seed, accuracy)
    write(tmp_path, "base_shift", 1, 0.6)
    table = seeds.complete((none, shift), tmp_path)
    assert table.to_dict("index") == {1: {"base_none": 0.54, "base_shift": 0.6}}
    assert seeds.complete(IMPACT, tmp_path).empty


def test_nothing_has_run(tmp_path):
    table = seeds.selection_table(IMPACT, tmp_path)
    assert (table["seeds"] == 0).all() and table["accuracy"].isna().all()
    assert len(plots.by_seed(table).axes) == 1


def test_other_seeds_do_not_count(tmp_path):
    write(tmp_path, "tuned", 5, 0.6)
    one = replace(study.get("ljmu/tuned"), seeds=(0,))
    assert seeds.selection_table([one], tmp_path)["seeds"].tolist() == [0]

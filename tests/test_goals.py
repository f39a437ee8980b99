"""Goals beside results: what is missing is named, what is missed stays missed."""

import numpy as np
import pytest

from fer_helpers import goals, metrics, records
from fer_helpers.study import compact


def write(folder, name: str, seed: int, right: int, **changes) -> None:
    """Write a record with `right` of 3,589 in every view."""
    labels = np.zeros(3589, int)
    scores = metrics.summarise(labels, np.eye(2)[(np.arange(3589) >= right).astype(int)])
    record = dict.fromkeys(records.REQUIRED) | {"format": records.FORMAT}
    record |= {"profile": "full", "epochs": {"done": 80, "recipe": 80, "stopped_by": "recipe"}}
    record |= {"parameters": {"total": 56_375}, "metrics": dict.fromkeys(goals.VIEWS.values(), scores)}
    records.write(records.path(folder, f"compact/{name}", seed), record | changes, {})


def test_without_records_every_network_has_its_goal_and_no_result(tmp_path):
    table = goals.table(tmp_path).set_index("network")
    assert set(table["goal"]) == set(compact.GOALS.values())
    assert "net_60k" in table.index and not table.index.str.startswith("ablation").any()
    assert table["verdict"].eq("not run yet").all() and table["clean, mirror-averaged"].eq("").all()
    assert table["parameters"].isna().all()
    assert table.loc["net_60k", "goal"] == compact.GOALS["compact.compact_60k"]
    assert table.loc["net_60k", "floor"] == compact.FLOORS["compact.compact_60k"]
    assert np.isnan(table.loc["net_900k", "floor"])


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (0.5, "missed"),
        (0.7, "reached"),
        (0.655, "missed"),
        (0.665, "missed, floor reached"),
        (0.68, "goal in the interval, floor reached"),
    ],
)
def test_verdicts(tmp_path, monkeypatch, share, verdict):
    monkeypatch.setitem(compact.GOALS, "compact.compact_60k", 0.685)
    monkeypatch.setitem(compact.FLOORS, "compact.compact_60k", 0.66)
    write(tmp_path, "net_60k", 0, round(share * 3589))
    row = goals.table(tmp_path).set_index("network").loc["net_60k"]
    assert row["verdict"] == verdict and row["seeds"] == 1 and row["parameters"] == 56_375
    low, high = metrics.wilson_interval(round(share * 3589), 3589)
    assert row["mirror-averaged"] == f"{round(share * 3589) / 3589:.4f} [{low:.3f}, {high:.3f}]"


def test_a_quick_run_is_no_result(tmp_path):
    write(tmp_path, "net_60k", 0, 3589, profile="quick")
    assert set(goals.table(tmp_path)["verdict"]) == {"not run yet"}


@pytest.mark.parametrize("own", [True, False])
def test_a_run_that_stopped_at_a_limit_reaches_no_goal(tmp_path, own):
    """The run itself, or the teacher that it builds on."""
    epochs = {"done": 12, "recipe": 80, "stopped_by": "limit"}
    teacher = {"experiment": "compact/net_200k", "epochs": epochs}
    write(tmp_path, "net_60k", 0, 3589, **({"epochs": epochs} if own else {"built_on": [teacher]}))
    row = goals.table(tmp_path).set_index("network").loc["net_60k"]
    words = "12 of 80 epochs" if own else "12 of 80 epochs of compact/net_200k"
    assert row["verdict"] == f"unfinished: {words}" and row["mirror-averaged"].startswith("1.0000")


def test_a_run_without_its_views_is_no_result(tmp_path):
    write(tmp_path, "net_60k", 0, 2500)
    path = records.path(tmp_path, "compact/net_60k", 0)
    record = records.read(path)
    records.write(path, record | {"metrics": {}}, {})
    assert goals.table(tmp_path)["seeds"].sum() == 0

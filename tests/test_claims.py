"""From handmade records to verdicts on what the papers conclude."""

import dataclasses

import numpy as np
import pytest

from fer_helpers import metrics, paths, records, study
from fer_helpers.errors import FerError
from fer_helpers.report import claims, numbers
from fer_helpers.report.conclusions import CONCLUSIONS
from fer_helpers.report.evidence import FAILED, HELD, MISSING, OPEN, All, Pair, Recalls, Row, within

ALL = [conclusion for conclusions in CONCLUSIONS.values() for conclusion in conclusions]
N = 1000
TRUTH = np.arange(N) % 7
SHALLOW, MEDIUM, DEEP = "uvic_cnn/shallow_n", "uvic_cnn/medium_n", "uvic_cnn/deep_n_a"


def scores(right: np.ndarray) -> dict:
    """Scores of a network that is right on these images of N, and takes the next class on the others."""
    return metrics.summarise(TRUTH, np.eye(7)[np.where(right, TRUTH, (TRUTH + 1) % 7)])


def add(folder, experiment: str, right: np.ndarray, seed: int = 0, stopped_by: str = "recipe") -> None:
    record = {
        "format": 1,
        "experiment": experiment,
        "profile": "full",
        "seed": seed,
        "key": "k",
        "parameters": {"total": 1},
        "epochs": {"done": 12 if stopped_by == "limit" else 60, "recipe": 60, "stopped_by": stopped_by},
        "history": {},
        "device": {"cores": 2, "gpu": None, "precision": "float32"},
        "metrics": {"PrivateTest": scores(right)},
    }
    records.write(records.path(folder, experiment, seed), record, {})


def first(count: int) -> np.ndarray:
    """Right on the first `count` of the N images."""
    return np.arange(N) < count


@pytest.mark.parametrize(
    ("interval", "claim", "verdict"),
    [
        ((0.01, 0.05), (0, 1), HELD),
        ((-0.05, -0.01), (0, 1), FAILED),
        ((-0.01, 0.05), (0, 1), OPEN),
        ((-0.04, -0.01), (-0.05, 1), HELD),  # "at most five points less"
        ((-0.09, -0.06), (-0.05, 1), FAILED),
        ((0.05, 0.15), (0.1, 0.1), HELD),  # "about ten points"
        ((0.02, 0.06), (0.1, 0.1), FAILED),
    ],
)
def test_within(interval, claim, verdict):
    assert within(*interval, *claim) == verdict


def test_a_pair_of_runs(tmp_path):
    pair = Pair(MEDIUM, SHALLOW)
    assert pair(tmp_path).verdict == MISSING
    add(tmp_path, SHALLOW, first(500))
    found = pair(tmp_path)
    assert (found.verdict, found.why) == (MISSING, "no record of uvic_cnn/medium_n")

    add(tmp_path, MEDIUM, first(560))
    found = pair(tmp_path)
    assert found.verdict == HELD
    assert found.measured.startswith(
        "Medium+N 0.5600, Shallow+N 0.5000: +6.0 points [+4.5, +7.5], p < 0.0001 (Holm)"
    )
    assert Pair(SHALLOW, MEDIUM)(tmp_path).verdict == FAILED
    assert Pair(MEDIUM, SHALLOW, at_least=0.1, at_most=0.1)(tmp_path).verdict == FAILED

    add(tmp_path, MEDIUM, first(503))  # three images more: p = .25
    found = pair(tmp_path)
    assert (found.verdict, found.why) == (OPEN, "may be chance") and "p = 0.25" in found.measured

    add(tmp_path, MEDIUM, first(560), stopped_by="limit")
    found = pair(tmp_path)
    assert (found.verdict, found.why) == (OPEN, "unfinished: 12 of 60 epochs")


def test_several_seeds_must_agree(tmp_path, monkeypatch):
    for name in (MEDIUM, SHALLOW):
        entry = dataclasses.replace(study.get(name), seeds=(0, 1, 2))
        monkeypatch.setitem(study.EXPERIMENTS, name, entry)
    for seed, count in enumerate((560, 500, 440)):  # large differences of both signs
        add(tmp_path, SHALLOW, first(500), seed)
        add(tmp_path, MEDIUM, first(count), seed)
    found = Pair(MEDIUM, SHALLOW)(tmp_path)
    assert found.verdict == OPEN and "3 seeds" in found.measured
    for seed, count in enumerate((560, 570, 565)):
        add(tmp_path, MEDIUM, first(count), seed)
    assert Pair(MEDIUM, SHALLOW)(tmp_path).verdict == HELD


def test_all_parts_must_hold(tmp_path):
    add(tmp_path, SHALLOW, first(500))
    add(tmp_path, MEDIUM, first(560))
    holds, fails, missing = Pair(MEDIUM, SHALLOW), Pair(SHALLOW, MEDIUM), Pair(DEEP, MEDIUM)
    assert All((holds, holds))(tmp_path).verdict == HELD
    assert All((holds, missing))(tmp_path).verdict == MISSING
    assert All((holds, missing, fails))(tmp_path).verdict == FAILED


def test_a_row_of_a_table(tmp_path):
    assert Row(DEEP)(tmp_path).verdict == MISSING
    for count, verdict in ((680, HELD), (750, HELD), (600, FAILED)):  # published .6823
        add(tmp_path, DEEP, first(count))
        assert Row(DEEP)(tmp_path).verdict == verdict
    add(tmp_path, DEEP, first(680), stopped_by="limit")
    found = Row(DEEP)(tmp_path)
    assert (found.verdict, found.why) == (OPEN, "no reproduction: 12 of 60 epochs")


def test_recalls(tmp_path):
    right = np.ones(N, bool)
    right[np.flatnonzero(TRUTH == 1)[:50]] = False  # disgust
    right[np.flatnonzero(TRUTH == 2)[:20]] = False  # fear
    claim = Recalls("uvic_cnn/medium_n_a", worst=("disgust",))
    assert claim(tmp_path).verdict == MISSING
    add(tmp_path, "uvic_cnn/medium_n_a", right)
    assert claim(tmp_path).verdict == HELD
    assert Recalls("uvic_cnn/medium_n_a", worst=("fear",))(tmp_path).verdict == FAILED
    add(tmp_path, "uvic_cnn/medium_n_a", ~right, seed=1)
    found = claim(tmp_path)
    assert found.verdict == OPEN and "as claimed in 1 of 2 runs" in found.measured


def parts(evidence) -> list:
    return (
        [each for part in evidence.parts for each in parts(part)] if isinstance(evidence, All) else [evidence]
    )


def test_every_conclusion_names_declared_experiments():
    """A misspelt experiment would stay "not run yet" for ever."""
    for conclusion in ALL:
        for part in parts(conclusion.evidence):
            for field in ("first", "second", "experiment"):
                name = getattr(part, field, None)
                assert name is None or name in study.EXPERIMENTS, (conclusion.claim, name)
    assert set(CONCLUSIONS) == set(study.PAPERS) - {"compact"}


def test_numbers_in_the_claims_are_published_ones():
    for paper, conclusions in CONCLUSIONS.items():
        for conclusion in conclusions:
            assert numbers.in_text(f"`{paper}` {conclusion.claim}. {conclusion.note}", "claim") == []


def test_without_records_nothing_is_decided_by_runs(tmp_path):
    table = claims.table(tmp_path)
    assert len(table) == len(ALL)
    decided = table[table["verdict"].isin([HELD, FAILED])]
    assert not decided["measured"].str.contains(r"p = |p < | points \[").any()
    assert set(decided["claim"]) < set(claims.table()["claim"])


def test_the_committed_records_decide(tmp_path):
    table = claims.table().set_index("claim")
    row = table.loc["Augmentation makes Medium more accurate"]
    assert row["verdict"] == HELD and "Medium+N 0.5578" in row["measured"]
    assert claims.count().to_numpy().sum() == len(ALL)
    text = claims.text(paper="uvic_cnn")
    assert "Augmentation makes Medium more accurate\n    HELD\n" in text and "ljmu" not in text
    with pytest.raises(FerError, match="no paper called 'nonsense'"):
        claims.text(paths.REPORTS / "full", "nonsense")

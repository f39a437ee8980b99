"""From handmade records to verdicts on what the papers conclude."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fer_helpers import measurements, metrics, paths, records, study
from fer_helpers.errors import FerError
from fer_helpers.report import claims, measured, numbers
from fer_helpers.report.conclusions import CONCLUSIONS
from fer_helpers.report.evidence import FAILED, HELD, MISSING, OPEN, All, Pair, Recalls, Row, within

ALL = [conclusion for conclusions in CONCLUSIONS.values() for conclusion in conclusions]
N = 1000
TRUTH = np.arange(N) % 7
SHALLOW, MEDIUM, DEEP = "uvic_cnn/shallow_n", "uvic_cnn/medium_n", "uvic_cnn/deep_n_a"


def scores(right: np.ndarray) -> dict:
    """Scores of a network that is right on these images of N, and takes the next class on the others."""
    return metrics.summarise(TRUTH, np.eye(7)[np.where(right, TRUTH, (TRUTH + 1) % 7)])


def add(
    folder, experiment: str, right: np.ndarray, seed: int = 0, stopped_by: str = "recipe", **changes
) -> None:
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
    records.write(records.path(folder, experiment, seed), record | changes, {})


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
        ((-0.01, 0.03), (0.01, 0.01), OPEN),  # "about one point", or none
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

    start = {"experiment": "p/start", "epochs": {"done": 2, "recipe": 30, "stopped_by": "limit"}}
    add(tmp_path, MEDIUM, first(560), built_on=[start])
    assert pair(tmp_path).why == "unfinished: 2 of 30 epochs of p/start"
    add(tmp_path, MEDIUM, first(560), config={"pretrained": "x"}, initial_weights="random: no file")
    found = pair(tmp_path)
    assert (found.verdict, found.why) == (OPEN, "random in place of ImageNet weights")
    add(tmp_path, MEDIUM, first(560), profile="quick")
    assert pair(tmp_path).verdict == MISSING


@pytest.mark.parametrize(
    ("better", "points_alone", "verdict"),
    [(560, FAILED, OPEN), (600, HELD, OPEN), (520, FAILED, FAILED)],  # 12 %, 20 % and 4 % of 500
)
def test_per_cent_may_be_points(tmp_path, better, points_alone, verdict):
    add(tmp_path, SHALLOW, first(500))
    add(tmp_path, MEDIUM, first(better))
    claim = {"at_least": 0.1, "at_most": 0.1}
    assert Pair(MEDIUM, SHALLOW, **claim)(tmp_path).verdict == points_alone
    found = Pair(MEDIUM, SHALLOW, **claim, ambiguous=True)(tmp_path)
    assert found.verdict == verdict and "in per cent of 0.5000: +" in found.measured
    if better == 560:
        assert found.why == "as points: did not hold; as per cent of the other accuracy: held"


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
    name, claim = "uvic_cnn/medium_n_a", Recalls("uvic_cnn/medium_n_a", worst=("disgust",))
    assert claim(tmp_path).verdict == MISSING

    def wrong(disgust: int, fear: int) -> np.ndarray:
        right = np.ones(N, bool)
        right[np.flatnonzero(TRUTH == 1)[:disgust]] = False
        right[np.flatnonzero(TRUTH == 2)[:fear]] = False
        return right

    for seed in (0, 1):
        add(tmp_path, name, wrong(50, 20), seed)
    assert claim(tmp_path).verdict == HELD
    assert Recalls(name, worst=("fear",))(tmp_path).verdict == FAILED
    assert Recalls(name, best=("happy",))(tmp_path).verdict == OPEN  # as good as the other four
    add(tmp_path, name, wrong(30, 20), 1)  # 30 and 20 of 143: a difference by chance
    found = claim(tmp_path)
    assert (found.verdict, found.why) == (OPEN, "may be chance")
    assert "as claimed in 2 of 2 runs" in found.measured
    add(tmp_path, name, wrong(20, 50), 1)
    assert claim(tmp_path).verdict == OPEN and "as claimed in 1 of 2 runs" in claim(tmp_path).measured


@pytest.mark.parametrize(
    ("angry", "fear", "verdict"), [(30, 10, HELD), (20, 15, OPEN), (10, 30, FAILED), (0, 0, OPEN)]
)
def test_what_disgust_is_taken_for(tmp_path, angry, fear, verdict):
    confusion = np.zeros((7, 7), int)
    confusion[1, [0, 1, 2]] = angry, 20, fear
    result = {"PrivateTest": scores(first(500)) | {"confusion": confusion.tolist()}}
    add(tmp_path, "uvic_cnn/medium_n_a", first(500), metrics=result)
    assert measured.disgust_is_taken_for_anger(tmp_path).verdict == verdict


@pytest.mark.parametrize(
    ("gap", "noise", "verdict"), [(0.05, 0.002, HELD), (0.005, 0.01, OPEN), (-0.05, 0.002, FAILED)]
)
def test_the_two_best_augmentations(tmp_path, gap, noise, verdict):
    """Translation and flip lie by `gap` above the rest; every run has noise of its own."""
    alone = [each for each in study.ljmu.IMPACT if len(each.augment) == 1]
    random = np.random.default_rng(0)
    for seed in (0, 1, 2):
        for each in alone:
            accuracy = 0.5 + 0.02 * seed + random.normal(0, noise)
            accuracy += gap if each.augment[0] in ("shift", "flip") else 0
            entry = {"split": "a fifth of Training", "accuracy": accuracy}
            rows = {"rows": {"selection": 5741}}
            add(tmp_path, each.id, first(500), seed, selection=entry, dataset=rows)
        if seed == 0:
            found = measured.shift_and_flip_are_best(tmp_path)
            assert (found.verdict, found.why) == (OPEN, "one seed says nothing of others")
    found = measured.shift_and_flip_are_best(tmp_path)
    assert found.verdict == verdict and "mean of 3 seeds" in found.measured
    for seed in (0, 1, 2):
        records.path(tmp_path, alone[3].id, seed).unlink()
    assert measured.shift_and_flip_are_best(tmp_path).why == "9 of 10 augmentations have a run"


def test_honest_difference_by_hand():
    """Residuals of 0.01 with two degrees of freedom; the studentised range of three means has 8.331 there."""
    values = np.array([[0.5, 0.5, 0.5], [0.6, 0.6, 0.6]]) + 0.01 * np.array([[1, -1, 0], [-1, 1, 0]])
    assert measured.honest_difference(values) == pytest.approx(8.331 * (4e-4 / 2 / 2) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("accuracy", "verdict"), [(0.61, FAILED), (0.9599, HELD), (0.958, HELD)])
def test_a_validation_accuracy_without_a_leak(tmp_path, accuracy, verdict):
    def run(suffix: str, accuracy: float) -> None:
        more = {"selection": {"accuracy": accuracy}, "dataset": {"rows": {"selection": 5741}}}
        add(tmp_path, f"ljmu/mobilenet_v2_gan{suffix}", first(500), **more)

    assert measured.leak_explains_validation(tmp_path).verdict == MISSING
    run("", accuracy)
    assert measured.leak_explains_validation(tmp_path).verdict == verdict
    run("_leaked", 0.97)
    found = measured.leak_explains_validation(tmp_path)
    assert found.verdict == verdict and "0.9700 where they are trained on" in found.measured


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((0.9, 0.1), (0.85, 0.9), HELD),  # recall of six common classes, and of a rare one
        ((0.9, 0.1), (0.85, 0.14), FAILED),  # macro recall falls
        ((0.9, 0.1), (0.85, 0.45), OPEN),  # it may rise by chance
        ((0.7, 0.1), (0.9, 0.9), FAILED),  # accuracy rises
    ],
)
def test_class_weights(tmp_path, before, after, verdict):
    counts = [1000] * 6 + [100]
    truth = np.repeat(np.arange(7), counts)
    share = np.concatenate([np.arange(count) / count for count in counts])
    names = "data240/resnet50v2_unweighted", "data240/resnet50v2_weighted"
    for name, (common, rare) in zip(names, (before, after), strict=True):
        right = share < np.where(truth == 6, rare, common)
        result = metrics.summarise(truth, np.eye(7)[np.where(right, truth, (truth + 1) % 7)])
        add(tmp_path, name, first(500), metrics={"PrivateTest": result})
    found = measured.class_weights(*names)(tmp_path)
    assert found.verdict == verdict, found


@pytest.mark.parametrize(("share", "verdict"), [(0.87, HELD), (0.6, OPEN), (0.2, FAILED)])
def test_an_answer_is_that_of_more_than_half_of_the_people(monkeypatch, tmp_path, share, verdict):
    rows = [
        {"net": "uvic_cnn/medium_n_a", "movement": movement, "weight": 1.0, "people": 30, "share": share}
        | {"predicted": "neutral", "difference": 0.5, "low": 0.3, "high": 0.7, "first": share}
        for movement in ("AU4", "AU22", "AU4+AU22")
    ]
    monkeypatch.setattr(measurements, "path", lambda *_: tmp_path)
    monkeypatch.setattr(measurements, "read", lambda *_: pd.DataFrame(rows))
    assert measured.one_action_unit_stays_neutral(tmp_path).verdict == verdict
    assert measured.two_action_units_are_anger(tmp_path).verdict == verdict


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

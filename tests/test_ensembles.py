"""Votes by hand, fits that cannot see the test set, and tables that are read back without pixels."""

import numpy as np
import pytest

from fer_helpers import datasets, ensembles, measurements, metrics, paths, records, study
from fer_helpers.architectures import data240_ensemble
from fer_helpers.ensembles import data240, tables
from fer_helpers.errors import FerError
from fer_helpers.labels import HELD_OUT, LEAKED, MERGED, PRIVATE_TEST, PUBLIC_TEST, TRAINING

# three members, two images, two classes: on the first image two weak votes for class 1 meet a sure one for class 0
P = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.4, 0.6], [0.3, 0.7]], [[0.45, 0.55], [0.8, 0.2]]])


def said(answers: np.ndarray, classes: int = 3, sure: float = 0.9) -> np.ndarray:
    """Probabilities (members, n, classes) of members that are `sure` of their answers (members, n)."""
    rest = (1 - sure) / (classes - 1)
    return np.where(np.eye(classes)[np.asarray(answers)] == 1, sure, rest)


def test_soft_and_hard_vote_by_hand():
    np.testing.assert_allclose(ensembles.soft_vote(P), [[1.75 / 3, 1.25 / 3], [1.7 / 3, 1.3 / 3]])
    np.testing.assert_allclose(ensembles.soft_vote(P, [0, 1, 1]), [[0.425, 0.575], [0.55, 0.45]])
    hard = ensembles.hard_vote(P)
    assert hard.argmax(axis=1).tolist() == [1, 0] and ensembles.soft_vote(P).argmax(axis=1).tolist() == [0, 0]
    np.testing.assert_allclose(hard.sum(axis=1), 1)
    assert ensembles.hard_vote(P[:2]).argmax(axis=1).tolist() == [0, 1]  # one vote each: the surer one wins


def test_weights_are_the_best_mixture():
    labels = np.random.default_rng(0).integers(0, 3, 400)
    noisy = [np.where(np.random.default_rng(k).random(400) < share, labels, (labels + 1) % 3)
             for k, share in ((1, 0.8), (2, 0.7))]  # fmt: skip
    p = np.concatenate([said(noisy), np.full((1, 400, 3), 1 / 3)])
    weights = ensembles.fit_weights(p, labels, steps=2000)
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)

    def fit(w: np.ndarray) -> float:
        return np.log(ensembles.soft_vote(p, w)[np.arange(400), labels]).mean()

    grid = [np.array([a, b, 1 - a - b]) for a in np.arange(0, 1, 0.02) for b in np.arange(0, 1 - a, 0.02)]
    assert fit(weights) >= max(map(fit, grid)) - 1e-9


def test_greedy_selection_finds_members_that_complete_each_other():
    labels = np.array([0, 0, 0, 1, 1, 1])
    # both are sure where they are right and doubtful where they are wrong; the third is always wrong
    of_class_0 = np.array([[0.9, 0.9, 0.9, 0.6, 0.6, 0.6], [0.4, 0.4, 0.4, 0.1, 0.1, 0.1], 1.0 * labels])
    p = np.stack([of_class_0, 1 - of_class_0], axis=2)
    weights = ensembles.fit_greedy(p, labels)
    assert weights.sum() == pytest.approx(1) and weights[2] == 0 and (weights[:2] > 0).all()
    assert (ensembles.soft_vote(p, weights).argmax(axis=1) == labels).all()
    assert ((p.argmax(axis=2) == labels).mean(axis=1) < 1).all()


def test_stacking_uses_a_member_that_is_always_wrong_in_the_same_way():
    labels = np.random.default_rng(0).integers(0, 3, 300)
    p = said([(labels + 1) % 3, np.zeros(300, int)])
    assert np.mean(ensembles.soft_vote(p).argmax(axis=1) == labels) < 0.5
    predict = ensembles.fit_stacking(p[:, :200], labels[:200])
    stacked = predict(p[:, 200:])
    assert stacked.shape == (100, 3) and (stacked.argmax(axis=1) == labels[200:]).all()


def test_agreement_and_oracle_by_hand():
    p = said([[0, 1, 2, 0], [0, 1, 1, 1], [2, 1, 1, 1]])
    np.testing.assert_allclose(ensembles.agreement(p), [[1, 0.5, 0.25], [0.5, 1, 0.75], [0.25, 0.75, 1]])
    assert ensembles.oracle(p.argmax(axis=2) == [0, 0, 2, 2]).tolist() == [True, False, True, False]


@pytest.fixture(scope="module")
def sets():
    """Six members, 150 images to fit on and 120 to test on, three classes."""
    random = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.integers(0, 3, n)
        right = [random.permutation(n) < share * n for share in (0.3, 0.8, 0.5, 0.6, 0.4, 0.7)]
        p = said(np.where(right, labels, (labels + random.integers(1, 3, n)) % 3))
        sure = random.uniform(0.3, 1, (6, n, 1))  # no two soft votes are equal
        return sure * p + (1 - sure) / 3, labels

    return draw(150), draw(120)


def test_the_table(sets):
    names, (selection, test) = list("abcdef"), sets
    clean = np.arange(120) < 100
    table = tables.compare(names, selection, test, clean)
    assert table["name"].tolist()[:6] == list(
        "bfdcea"
    )  # in the order of their accuracy where they are chosen
    assert table["name"].tolist()[6:] == [*(f"top-{k} soft vote" for k in (3, 4, 5)), *ensembles.METHODS,
                                          "at least one is right"]  # fmt: skip
    for row in table.to_dict("records"):
        right = metrics.right(row)
        assert (row["n"], row["clean_n"]) == (120, 100)
        assert row["accuracy"] == pytest.approx(right.mean())
        assert row["clean_accuracy"] == pytest.approx(right[clean].mean())
        assert row["low"] < row["accuracy"] < row["high"]
    best = table.set_index("name").loc["b"]
    assert best["macro_recall"] == pytest.approx(metrics.summarise(test[1], test[0][1])["macro_recall"])
    top = table.set_index("name").loc["top-3 soft vote"]
    assert top["weights"] == "f 0.33; d 0.33; b 0.33" and top["members"] == 3
    assert table.iloc[-1]["accuracy"] >= table["accuracy"].max()


def test_nothing_is_fitted_or_chosen_on_the_test_set(sets):
    names, (selection, (p, labels)) = list("abcdef"), sets
    fitted = ["name", "members", "fitted", "weights"]
    honest, shuffled = (
        tables.compare(names, selection, (p, truth))[fitted]
        for truth in (labels, np.random.default_rng(1).permutation(labels))
    )
    assert honest.equals(shuffled)


def test_paired_tests_from_the_table_alone(sets, tmp_path, monkeypatch):
    table = tables.compare(list("abcdef"), *sets)
    monkeypatch.setattr(tables, "measure", lambda profile, results_dir: table)
    measurements.measure("ensembles", "full", tmp_path)
    read = measurements.read("ensembles", "full", tmp_path)
    tests = tables.paired_tests(read)
    assert tests["claim"].tolist() == [claim for claim, *_ in tables.COMPARISONS]
    (p, labels), first = sets[1], tests.iloc[0]
    a, b = ensembles.soft_vote(p).argmax(axis=1) == labels, p[1].argmax(axis=1) == labels
    assert first["p"] == metrics.mcnemar(a, b) and first["only the first is right"] == np.sum(a & ~b)
    assert tests["p, Holm"].tolist() == metrics.holm(tests["p"])


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Write runs on FaceKit that claim to be on FER2013; the data set is FaceKit under that name."""
    faces = datasets.load("facekit")
    faces = datasets.replace(faces, name="fer2013")
    monkeypatch.setattr(datasets, "load", lambda name: faces)
    random = np.random.default_rng(0)

    tests = faces.subset(faces.splits != TRAINING)

    def write(
        name: str,
        share: float,
        split: str = PUBLIC_TEST,
        dataset: str = "fer2013",
        seed: int = 0,
        by: str = "recipe",
    ) -> None:
        random_answers = random.integers(0, 7, len(tests))
        answers = np.where(random.random(len(tests)) < share, tests.labels, random_answers)
        probabilities = {MERGED: said(answers, 7)}
        for test in (PUBLIC_TEST, PRIVATE_TEST):
            probabilities[test] = probabilities[MERGED][tests.splits == test]
        scores = metrics.summarise(faces.split(PRIVATE_TEST).labels, probabilities[PRIVATE_TEST])
        record = dict.fromkeys(records.REQUIRED, {}) | {
            "format": records.FORMAT,
            "experiment": name,
            "seed": seed,
            "initial_weights": "random",
            "epochs": {"done": 2, "recipe": 3, "stopped_by": by},
        }
        record |= {
            "dataset": {"name": dataset},
            "selection": {"split": split},
            "metrics": {PRIVATE_TEST: scores},
        }
        records.write(records.path(tmp_path, name, seed), record, probabilities)

    return write


def test_measure_takes_every_honest_run_on_fer2013(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(study.compact, "ABLATION", (study.get("compact/net_60k"),))
    stored("uvic_cnn/a", 0.5)
    with pytest.raises(FerError, match="two full runs"):
        measurements.measure("ensembles", "full", tmp_path)
    stored("ljmu/b", 0.7, HELD_OUT)
    stored("ljmu/leaked", 0.9, LEAKED)
    stored("ucf_keypoints/other", 0.9, dataset="ferplus")
    stored("compact/net_60k", 0.9)
    table = measurements.measure("ensembles", "full", tmp_path)
    assert table.query("kind == 'member'")["name"].tolist() == ["ljmu/b-seed0", "uvic_cnn/a-seed0"]
    assert (table["n"] == 500).all()


def test_probabilities_of_other_rows_are_refused(stored, tmp_path):
    stored("uvic_cnn/a", 0.5)
    stored("data240/called_xception", 0.5)
    path = records.path(tmp_path, "data240/called_xception", 0)
    probabilities = records.read_probabilities(path)
    records.write(path, records.read(path), {name: values[::-1] for name, values in probabilities.items()})
    for measure in (tables.measure, data240.measure):
        with pytest.raises(FerError, match="called_xception-seed0 was scored on other rows"):
            measure("full", tmp_path)


def test_the_votes_of_data240(stored, tmp_path):
    stored("ljmu/mobilenet_v2", 0.8, HELD_OUT)
    stored("ljmu/tuned", 0.6, HELD_OUT)
    stored("data240/resnet50v2", 0.7, HELD_OUT, by="limit")
    composed = data240.ensembles(tmp_path)  # a run that was cut gives its place to the next one
    assert [vote.run for vote in composed["top-3"][:2]] == ["ljmu/mobilenet_v2-seed0", "ljmu/tuned-seed0"]
    stored("data240/resnet50v2", 0.7, HELD_OUT)
    for seed in (0, 1):
        stored("data240/called_xception", 0.4, HELD_OUT, seed=seed)
    table = measurements.measure("votes_of_data240", "full", tmp_path).set_index("name")
    assert table.loc["top-5", "note"] == "not run yet: data240/called_xception-seed2"
    assert table.loc["top-4", "note"] == "not run yet: data240/simple_cnn-seed0"
    assert table.loc["top-5"].isna()["n"] and table.loc["top-3", "note"] == ""
    places = {"data240/called_xception-seed0": "", "ljmu/mobilenet_v2-seed0": "mobilenet_v2"}
    places["data240/resnet50v2-seed0"] = "features_inception_v3, inception_v3"
    assert table.loc[list(places), "stands_for"].to_dict() == places
    assert tables.paired_tests(table.reset_index(), data240.COMPARISONS).empty

    stored("data240/called_xception", 0.4, HELD_OUT, seed=2)
    stored("data240/mobilenet_v2", 0.9, HELD_OUT)  # the branch itself takes its place back
    names = ["data240/mobilenet_v2-seed0", "data240/resnet50v2-seed0"]
    names += [f"data240/called_xception-seed{seed}" for seed in (0, 1, 2)]
    measurements.measure("votes_of_data240", "full", tmp_path)
    table = measurements.read("votes_of_data240", "full", tmp_path).set_index("name")
    assert table.loc["top-5", "votes"].split(", ") == names and "ljmu/mobilenet_v2-seed0" not in table.index
    paths = [records.path(tmp_path, *name.rsplit("-seed", 1)) for name in names]
    p = {split: np.stack([records.read_probabilities(path)[split] for path in paths])
         for split in (PRIVATE_TEST, MERGED)}  # fmt: skip
    data = datasets.load("fer2013")
    labels = {PRIVATE_TEST: data.split(PRIVATE_TEST).labels, MERGED: data.labels[data.splits != TRAINING]}
    weights = {"top-3": [1, 1, 1, 0, 0], "top-5": [1] * 5, data240.ONE_VOTE: [1, 1, *[1 / 3] * 3]}
    for name, each in weights.items():
        for split, column in ((PRIVATE_TEST, "accuracy"), (MERGED, "merged_accuracy")):
            right = ensembles.soft_vote(p[split], each).argmax(axis=1) == labels[split]
            assert table.loc[name, column] == pytest.approx(right.mean(), abs=1e-6), (name, split)
    tests = tables.paired_tests(table.reset_index(), data240.COMPARISONS)
    assert tests["second"].tolist() == ["top-3", "top-5"]


def test_every_branch_of_data240_has_a_run_to_vote():
    branches = {
        build.__name__ for key in data240.ENSEMBLES.values() for build in data240_ensemble.MEMBERS[key]
    }
    assert branches == set(data240.RUNS)
    assert {run for runs in data240.RUNS.values() for run in runs} <= set(study.EXPERIMENTS)


def test_the_committed_table_is_of_committed_runs():
    table = measurements.read("ensembles")
    for row in table.query("kind == 'member'").to_dict("records"):
        experiment, _, seed = row["name"].rpartition("-seed")
        record = records.read(records.path(paths.REPORTS / "full", experiment, int(seed)))
        assert row["right"] == record["metrics"][PRIVATE_TEST]["right"], row["name"]

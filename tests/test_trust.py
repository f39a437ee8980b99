"""Trust: calibration by hand, what may be fitted on what, votes, disturbances with known answers, near-copies."""

import cv2
import numpy as np
import pytest
from scipy.special import softmax

from fer_helpers import datasets, metrics, records, trust
from fer_helpers.datasets import Dataset
from fer_helpers.errors import FerError
from fer_helpers.labels import MIRRORED, PRIVATE_TEST, PUBLIC_TEST, TRAINING
from fer_helpers.trust import annotators, near_duplicates, robustness, tables

# confidences .9 .9 .6 .6 of two classes; right are the first, the second and the third
P = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6]])
LABELS = np.array([0, 1, 0, 0])


def overconfident(n: int = 20_000, factor: float = 2.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels drawn from true probabilities (n, 4), these, and those of logits `factor` times as large."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(n, 4))
    p = softmax(logits, axis=1)
    labels = (p.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1)
    return labels, p, softmax(factor * logits, axis=1)


def faces(n: int = 40, test: int = 20, **changes) -> Dataset:
    """Smooth random pictures, the last `test` of them PrivateTest, two classes in turn."""
    small = np.random.default_rng(0).integers(0, 256, (n, 6, 6), dtype=np.uint8)
    images = np.stack([cv2.resize(image, (48, 48), interpolation=cv2.INTER_CUBIC) for image in small])
    entry = {
        "name": "toy",
        "images": images,
        "labels": np.arange(n) % 2,
        "classes": ("happy", "sad"),
        "splits": np.repeat([TRAINING, PRIVATE_TEST], [n - test, test]),
        "clean": np.ones(n, bool),
        "rows": np.arange(n),
    }
    return Dataset(**(entry | changes))


def test_reliability_and_calibration_error_by_hand():
    table = trust.reliability(LABELS, P, bins=4)
    assert table["from"].tolist() == [0.5, 0.75] and table["n"].tolist() == [2, 2]
    np.testing.assert_allclose(table["confidence"], [0.6, 0.9])
    np.testing.assert_allclose(table["accuracy"], [0.5, 1.0])
    assert trust.calibration_error(LABELS, P, bins=4) == pytest.approx((0.1 + 0.1) / 2)
    assert trust.reliability([0], np.array([[1.0, 0.0]]))["to"].tolist() == [1]  # a confidence of 1 has a bin
    assert trust.log_loss(LABELS, P) == pytest.approx(-np.log([0.9, 0.9, 0.6, 0.4]).mean())


def test_a_temperature_is_found_and_sets_right_what_is_too_sure():
    labels, true, sure = overconfident()
    temperature = trust.fit_temperature(labels, sure)
    assert temperature == pytest.approx(2.5, rel=0.05)
    after = trust.soften(sure, temperature)
    assert (after.argmax(axis=1) == sure.argmax(axis=1)).all()
    np.testing.assert_allclose(after.sum(axis=1), 1)
    chance = trust.error_by_chance(true)
    assert trust.calibration_error(labels, sure) > 0.2 > 0.02 > trust.calibration_error(labels, after)
    assert trust.calibration_error(labels, true) < 2 * chance < trust.error_by_chance(true[:500])


def test_abstention_chooses_on_one_set_and_counts_on_the_other():
    labels, true, _ = overconfident()
    selection, test = (labels[:10_000], true[:10_000]), (labels[10_000:], true[10_000:])
    table = trust.abstention(selection, test, (1.0, 0.5, 0.1))
    assert table["n"].iloc[0] == 10_000
    np.testing.assert_allclose(table["answered"], [1, 0.5, 0.1], atol=0.02)
    assert table["accuracy"].is_monotonic_increasing
    surer = trust.abstention(selection, (test[0], trust.soften(test[1], 0.5)), (0.5,))
    assert surer["least_confidence"].iloc[0] == np.quantile(selection[1].max(axis=1), 0.5)
    assert surer["answered"].iloc[0] > 0.7
    shuffled = test[0][np.random.default_rng(1).permutation(10_000)]
    again = trust.abstention(selection, (shuffled, test[1]), (1.0, 0.5, 0.1))
    assert again["least_confidence"].equals(table["least_confidence"])  # test labels choose nothing


def test_recalls_by_hand():
    p = np.eye(3)[[0, 0, 1, 1]]
    table = trust.class_recalls(np.array([0, 1, 1, 1]), p, ("happy", "sad", "fear")).set_index("class")
    assert table.loc["sad", ["n", "answers"]].tolist() == [3, 2]
    assert table.loc["sad", "recall"] == pytest.approx(2 / 3) and table.loc["happy", "precision"] == 0.5
    assert table.loc["sad", ["low", "high"]].tolist() == list(metrics.wilson_interval(2, 3))
    assert table.loc["fear"].isna().sum() == 4  # neither images nor answers: no number, no error


def test_the_commonest_vote_and_agreement():
    votes = np.array([[9, 1, 0], [0, 0, 10], [2, 5, 3], [10, 0, 0]], np.uint8)
    data = faces(4, 4, votes=votes, vote_names=("sad", "happy", "unknown"), labels=np.array([1, 0, 1, 1]))
    assert annotators.winner(data).tolist() == [1, -1, 0, 1]
    p = np.eye(2)[[1, 0, 0, 1]]
    table = annotators.by_agreement(data, p, least=2)
    assert table["agreeing"].tolist() == ["5-9", "10"] and table["n"].tolist() == [2, 2]
    assert table["accuracy"].tolist() == [0.5, 1] and table["winner_accuracy"].tolist() == [1, 0.5]
    assert table["label_is_winner"].tolist() == [0.5, 0.5]


def test_the_best_map_learns_what_the_commonest_vote_misses():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 400)
    votes = np.stack([np.full(400, 6), 4 * labels, 4 - 4 * labels], axis=1).astype(np.uint8)
    data = faces(400, 200, labels=labels, votes=votes, vote_names=("happy", "sad", "fear"))
    p = np.eye(2)[1 - labels[200:]]
    table = annotators.ceiling(data, p)
    assert table["accuracy"].tolist() == [(labels[200:] == 0).mean(), 1, 0]
    assert table["clean_n"].tolist() == [200, 200, 200]


def test_disturbances_do_what_they_say():
    image = np.zeros((4, 48, 48), np.uint8)
    image[:, 20:28, 20:28] = 200
    moved = robustness.shift(image, 3)
    for k, (x, y) in enumerate(robustness.DIRECTIONS):
        np.testing.assert_array_equal(moved[k], np.roll(image[k], (3 * y, 3 * x), axis=(0, 1)))
    np.testing.assert_array_equal(robustness.rotation(image, 90), image)  # a square in the middle
    brighter = robustness.brightness(image, 80)
    assert brighter.min() == 80 and brighter.max() == 255 and brighter.dtype == np.uint8
    blurred = robustness.blur(image, 2).astype(int)
    assert 0 < blurred[0, 18, 24] < 100 < blurred[0, 21, 24] < 200
    noisy = robustness.noise(np.full((4, 48, 48), 128, np.uint8), 10)
    assert abs(noisy.std() - 10) < 0.5 and (noisy[0] != noisy[1]).any()


def test_robustness_of_a_network_that_sees_the_mean_only():
    images = np.repeat(np.array([60, 180] * 150, np.uint8), 48 * 48).reshape(300, 48, 48)

    def classify(batch: np.ndarray) -> np.ndarray:
        return np.eye(2)[(batch.mean(axis=(1, 2)) > 100).astype(int)]

    table = robustness.table(classify, images, np.arange(300) % 2).set_index(["disturbance", "strength"])
    assert table["n"].eq(300).all() and table.loc[("blur", 2), "accuracy"] == 1
    assert table.loc[("brightness", 80), ["accuracy", "relative", "same_answer"]].tolist() == [0.5] * 3
    assert table.loc[("brightness", -40), "accuracy"] == 1


def test_a_compressed_copy_is_near_and_another_picture_is_far():
    images = datasets.load("facekit").images[:40].copy()
    _, file = cv2.imencode(".jpg", cv2.GaussianBlur(images[3], (0, 0), 0.7), [cv2.IMWRITE_JPEG_QUALITY, 40])
    images[20] = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
    images[21] = np.clip(images[5].astype(int) + 20, 0, 255)
    data = faces(images=images)
    hashes = near_duplicates.perceptual_hash(images)
    distance, index = near_duplicates.nearest(hashes[20:], hashes[:20])
    assert index[:2].tolist() == [3, 5] and distance[:2].max() <= 6 and distance[2:].min() > 10
    assert near_duplicates.likeness(images[20:21], images[3:4])[0] > 0.9
    table = near_duplicates.audit(data, np.eye(2)[np.arange(20) % 2]).set_index("kept")
    far = table.loc["clean, more than 6 bits away"]
    assert far["removed"] == 2 and far["n"] == 18 and far["by_chance"] == 0
    assert far["same_label"] == 0.5 and far["removed_accuracy"] == 1
    assert table.loc["all", "n"] == table.loc["clean", "n"] == 20
    seen = near_duplicates.audit(faces(images=images, clean=np.arange(40) != 3), np.eye(2)[np.arange(20) % 2])
    # a row that the networks have not seen is no copy of anything
    assert seen.set_index("kept").loc["clean, more than 6 bits away", "removed"] == 1


def test_answers_of_other_rows_and_missing_votes_are_refused():
    data = datasets.load("facekit")
    test = data.split(PRIVATE_TEST)
    p = {split: np.eye(7)[data.split(split).labels] for split in (PUBLIC_TEST, PRIVATE_TEST)}
    record = {
        "experiment": "a/b",
        "seed": 0,
        "parameters": {"total": 1},
        "metrics": {PRIVATE_TEST: metrics.summarise(test.labels, p[PRIVATE_TEST])},
    }
    (single,) = tables._views(data, record, p)
    assert single.run == "a/b-seed0" and len(single.clean[0]) == 500
    np.testing.assert_array_equal(single.selection[0], data.split(PUBLIC_TEST).labels)
    np.testing.assert_array_equal(single.selection[1], p[PUBLIC_TEST])  # nothing is fitted on what reports
    mirrored = {f"{split} {MIRRORED}": values for split, values in p.items()}
    both = record | {"metrics": record["metrics"] | dict.fromkeys(mirrored, record["metrics"][PRIVATE_TEST])}
    assert [view.run for view in tables._views(data, both, p | mirrored)] == [
        "a/b-seed0",
        "a/b-seed0 mirror-averaged",
    ]
    with pytest.raises(FerError, match="other rows"):
        tables._views(data, record, p | {PRIVATE_TEST: np.roll(p[PRIVATE_TEST], 1, axis=0)})
    with pytest.raises(FerError, match="fer2013new.csv"):
        tables._demand_votes(faces())


def test_a_full_measurement_needs_its_run(tmp_path):
    with pytest.raises(FerError, match="There is no full run of .* Train it"):
        tables.measure_reliability("full", tmp_path)


@pytest.mark.real_data
def test_what_ten_votes_say_of_fer2013():
    data = datasets.load("fer2013")
    table = annotators.ceiling(data, np.eye(7)[data.split(PRIVATE_TEST).labels]).set_index("who")
    assert table["n"].tolist() == [3589] * 3 and table["clean_n"].tolist() == [3252] * 3
    assert table["accuracy"].iloc[0] == pytest.approx(0.629 * 3546 / 3589, abs=1e-3)
    assert table["accuracy"].iloc[1] == pytest.approx(0.686, abs=0.004)


def test_the_quick_tables(monkeypatch, tmp_path):
    """All tables but that of robustness, from a record without a network."""
    data = datasets.load("facekit")
    random, p = np.random.default_rng(0), {}
    for split in (PUBLIC_TEST, PRIVATE_TEST):
        labels = data.split(split).labels
        p[split] = softmax(2 * np.eye(7)[labels] + random.normal(size=(len(labels), 7)), axis=1)
    record = dict.fromkeys(records.REQUIRED) | {"format": records.FORMAT, "dataset": {"name": "facekit"}}
    record |= {"experiment": "a/b", "seed": 0, "parameters": {"total": 1}}
    record["metrics"] = {PRIVATE_TEST: metrics.summarise(data.split(PRIVATE_TEST).labels, p[PRIVATE_TEST])}
    monkeypatch.setattr(tables.study, "run", lambda *arguments: record)
    monkeypatch.setitem(tables.NETWORK, "quick", "a/b")
    records.write(records.path(tmp_path, "a/b", 0), record, p)
    calibration = tables.measure_calibration("quick", tmp_path)
    assert calibration["n"].tolist() == [500] and 0.5 < calibration["accuracy"].iloc[0] < 0.95
    for name in (
        "reliability",
        "abstention",
        "class_recalls",
        "annotators",
        "label_ceiling",
        "near_duplicates",
    ):
        table = getattr(tables, f"measure_{name}")("quick", tmp_path)
        assert len(table) > 2 and table["run"].eq("a/b-seed0").all(), name
    kept = tables.measure_near_duplicates("quick", tmp_path).set_index("kept")
    kept = kept.loc["clean, more than 2 bits away"]
    assert kept["removed"] == 0  # of embedded people, nobody stands in two splits

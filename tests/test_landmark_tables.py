"""Tables on landmarks, by hand on stand-ins for dlib's answers, and the classifiers on the embedded faces."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import datasets, landmarks
from fer_helpers.landmarks import classifiers, tables


@pytest.fixture(scope="module")
def faces():
    return datasets.load("facekit")


@pytest.fixture
def known(monkeypatch):
    """Ten images of two classes, and what dlib is said to have found; each image's first pixel is its number."""
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0, 1, 1])
    found = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 1], bool)
    monkeypatch.setattr(
        tables, "find", lambda images: landmarks.Landmarks(None, found[images[:, 0, 0]], None)
    )
    images = np.zeros((10, 48, 48), np.uint8)
    images[:, 0, 0] = range(10)
    return datasets.Dataset(
        name="known",
        images=images,
        labels=labels,
        classes=("happy", "sad"),
        splits=np.array(["Training"] * 7 + ["PrivateTest"] * 3),
        clean=np.ones(10, bool),
        rows=np.arange(10),
    )


def test_detection_by_class_and_split(known):
    table = tables.detection_table(known).set_index(["split", "class"])
    assert list(table.index) == [(s, c) for s in ("Training", "PrivateTest") for c in ("happy", "sad", "all")]
    assert table["found"].tolist() == [3, 1, 4, 1, 1, 2] and table["n"].tolist() == [3, 4, 7, 1, 2, 3]
    row = table.loc["Training", "sad"]
    assert row["share"] == 0.25
    assert (row["low"], row["high"]) == pytest.approx((0.0456, 0.6994), abs=1e-4)  # Wilson, 1 of 4


def test_what_detection_tells_of_the_class(known):
    table = tables.leak_table(known).set_index("split")
    assert set(table["found_class"]) == {"happy"} and set(table["missed_class"]) == {"sad"}
    assert table["accuracy"].tolist() == pytest.approx([6 / 7, 2 / 3])
    assert table["majority"].tolist() == pytest.approx([4 / 7, 2 / 3])
    # phi of the table [[0, 3], [3, 1]], by hand
    assert table.loc["Training", "cramers_v"] == pytest.approx(9 / np.sqrt(3 * 4 * 3 * 4))
    assert table.loc["PrivateTest", "cramers_v"] == pytest.approx(1 / np.sqrt(1 * 2 * 1 * 2))


def test_no_leak_where_every_face_is_found(known, monkeypatch):
    monkeypatch.setattr(
        tables, "find", lambda images: landmarks.Landmarks(None, np.ones(len(images), bool), None)
    )
    table = tables.leak_table(known)
    assert (table["cramers_v"] == 0).all() and table["accuracy"].equals(table["majority"])
    assert set(table["missed_class"]) == {"sad"}  # Training's commonest


def test_both_data_sets_stand_in_one_table(monkeypatch, known):
    monkeypatch.setattr(tables, "load", lambda name: known)
    table = tables.measure_detection("full")
    assert table["data"].tolist() == ["fer2013"] * 6 + ["ferplus"] * 6
    assert table.index.tolist() == list(range(12))
    assert tables.measure_leak("quick")["data"].tolist() == ["facekit"] * 2


def test_error_of_points_that_are_wrong_by_a_known_amount(monkeypatch, faces):
    """dlib's box: all points 3 to the right, 4 down. Whole frame: the truth, with the jaw line off."""
    some = faces.subset(np.arange(6))
    some.landmarks[:, 36], some.landmarks[:, 45] = (10, 20), (30, 20)  # eye corners 20 pixels apart
    shifted = some.landmarks + np.float32([3, 4])
    jaw = some.landmarks.copy()
    jaw[:, :17] += np.float32([0, 10])
    found = np.array([1, 1, 1, 0, 1, 1], bool)
    answers = iter(jaw)
    monkeypatch.setattr(tables, "load", lambda name: some)
    monkeypatch.setattr(tables, "find", lambda images: landmarks.Landmarks(shifted, found, None))
    monkeypatch.setattr(tables, "predict", lambda image, box: next(answers))
    table = tables.error_table().set_index(["box", "points"])
    assert table["n"].tolist() == [5, 5, 6, 6]
    assert table["mean"].tolist() == pytest.approx([0.25, 0.25, 17 / 68 * 0.5, 0], abs=1e-6)
    assert table.loc[("dlib", "all 68"), ["right", "down"]].tolist() == pytest.approx([3, 4], abs=1e-5)


def test_the_classifiers_on_the_embedded_faces(monkeypatch, faces):
    few = np.flatnonzero(faces.splits != "PublicTest")
    few = faces.subset(
        np.r_[few[faces.splits[few] == "Training"][:800], few[faces.splits[few] == "PrivateTest"]]
    )
    monkeypatch.setattr(landmarks, "attach", lambda data, policy: data)  # the true landmarks: no search
    table = classifiers.distances_table(few, seed=0)
    pd.testing.assert_frame_equal(table, classifiers.distances_table(few, seed=0))
    assert table["size"].tolist() == [0, 8, 8, 136, 136, 100, 100] and (table["n"] == 500).all()
    by = table.set_index(["features", "model"])["accuracy"]
    assert by["none", "commonest class"] == pytest.approx(118 / 500)
    assert (by[table["size"].to_numpy() > 0] > 0.3).all()
    assert by["68 points", "logistic regression"] > by["8 distances", "logistic regression"] + 0.1
    assert ((table["low"] < table["accuracy"]) & (table["accuracy"] < table["high"])).all()


def test_nothing_is_learned_from_the_test_set(monkeypatch, faces):
    """Shuffled test labels must bring every model to chance, so none has seen the test set's."""
    training = np.flatnonzero(faces.splits == "Training")[:800]
    few = faces.subset(np.r_[training, np.flatnonzero(faces.splits == "PrivateTest")])
    few.labels[800:] = np.random.default_rng(0).permutation(few.labels[800:])
    monkeypatch.setattr(landmarks, "attach", lambda data, policy: data)
    table = classifiers.distances_table(few, seed=0)
    assert (table["macro_recall"] < 0.25).all()

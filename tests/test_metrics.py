"""Measures against published and hand-computed values."""

import numpy as np
import pytest

from fer_helpers import metrics


# Newcombe (1998), Statistics in Medicine 17, 857-872, Table I, method 3 (score, no continuity correction)
@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_as_published(correct, n, low, high):
    assert metrics.wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


# Newcombe (1998), Statistics in Medicine 17, 873-890, Table II, method 10 (score, no continuity correction)
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 20), 0.6791, 1.0)],
)
def test_difference_interval_as_published(counts, low, high):
    assert metrics.difference_interval(*counts) == pytest.approx((low, high), abs=5e-5)
    a, n, b, m = counts
    assert metrics.difference_interval(b, m, a, n) == pytest.approx((-high, -low), abs=5e-5)
    wider = metrics.difference_interval(*counts, confidence=0.99)
    assert wider[0] < low and wider[1] >= high - 5e-5


def test_mean_interval_by_hand():
    # t with two degrees of freedom: 4.3027; standard deviation .1
    assert metrics.mean_interval([0.4, 0.5, 0.6]) == pytest.approx(
        (0.5 - 4.3027 * 0.1 / 3**0.5, 0.5 + 4.3027 * 0.1 / 3**0.5), abs=1e-5
    )
    assert np.isnan(metrics.mean_interval([0.4])).all()


def test_mean_over_runs_has_the_interval_of_one_test_set():
    mean = metrics.mean_over_runs([{"n": 263, "accuracy": 80 / 263}, {"n": 263, "accuracy": 82 / 263}])
    assert mean["accuracy"] == pytest.approx(81 / 263)
    assert mean["interval"] == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert metrics.with_interval(mean) == "0.3080 [0.255, 0.366]" and metrics.with_interval(None) == ""


def test_summarise_a_hand_made_confusion():
    # true 0: predicted 0 0 1; true 1: predicted 1; true 2: predicted 0 0; class 3 has no images
    labels = np.array([0, 0, 0, 1, 2, 2])
    probabilities = np.eye(4)[[0, 0, 1, 1, 0, 0]] * 0.7 + 0.075
    scores = metrics.summarise(labels, probabilities)
    assert metrics.right(scores).tolist() == [True, True, False, True, False, False]
    assert scores["confusion"] == [[2, 1, 0, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]
    assert (scores["n"], scores["correct"], scores["accuracy"]) == (6, 3, 0.5)
    assert scores["recall"] == [pytest.approx(2 / 3), 1.0, 0.0, None]
    assert scores["macro_recall"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    # by hand: (.5 + z2/12) / (1 + z2/6) -+ z/(1 + z2/6) * sqrt(.25/6 + z2/144), z2 = 3.8415
    assert scores["interval"] == pytest.approx([0.1876, 0.8124], abs=1e-4)


def test_mcnemar_exact_by_hand():
    # only A right on 1 image, only B on 5: p = 2 * (C(6,0) + C(6,1)) / 2**6
    a = np.array([True] * 4 + [True] + [False] * 5 + [False] * 3)
    b = np.array([True] * 4 + [False] + [True] * 5 + [False] * 3)
    assert metrics.mcnemar(a, b) == metrics.mcnemar(b, a) == pytest.approx(2 * 7 / 64)
    assert metrics.mcnemar(a, a) == 1.0
    assert metrics.mcnemar(a[3:7], b[3:7]) == 1.0  # 1 against 2


def test_holm_by_hand():
    # sorted .005 .01 .03 .04 times 4 3 2 1: .02 .03 .06 .04, and never below an earlier one: .02 .03 .06 .06
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([0.6, 0.7]) == [1.0, 1.0]

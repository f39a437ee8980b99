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

"""The table of the live demonstration's speed, worked out by hand, and the plain loop on a rendered frame."""

import numpy as np
import pytest

from fer_helpers import datasets, trained
from fer_helpers.live import demonstration, timing
from fer_helpers.pictures import resize


def seconds(detect, forward=None):
    face = {} if forward is None else {"crop": 0.001, "forward": forward}
    return {"decode": 0.001, "detect": detect} | face


def test_median_and_ratio_by_hand():
    rows = [
        ("ours", 0, seconds(0.002, 0.001)),
        ("plain", 0, seconds(0.004, 0.034)),
        ("ours", 1, seconds(0.002, 0.001)),
        ("plain", 1, seconds(0.004, 0.014)),
        ("ours", 2, seconds(0.002)),  # no face found: the frame does not count, for neither
        ("plain", 2, seconds(0.004, 0.500)),
    ]
    table = timing.summary(rows).set_index(["loop", "stage"])
    assert list(table.index.unique(1)) == ["decode", "detect", "crop", "forward", "whole"]
    assert (table["frames"] == 2).all()
    assert table.loc[("ours", "whole"), "median_ms"] == pytest.approx(5)
    assert table.loc[("ours", "whole"), "frames_per_second"] == pytest.approx(200)
    assert table.loc[("plain", "whole"), "median_ms"] == pytest.approx((40 + 20) / 2)
    assert table.loc[("ours", "whole"), "ratio"] == pytest.approx((40 / 5 + 20 / 5) / 2)
    assert table.loc[("ours", "detect"), "ratio"] == pytest.approx(2)
    assert table.loc["plain", "ratio"].tolist() == [1] * 5
    assert table.loc[("plain", "forward"), "p95_ms"] == pytest.approx(33)


def test_the_plain_loop_finds_a_rendered_face_and_asks_the_network():
    face = datasets.load("facekit").split("PrivateTest").images[0]
    image = np.full((480, 640, 3), 128, np.uint8)
    image[100:300, 200:400] = np.kron(resize(face), np.ones((5, 5), np.uint8))[20:220, 20:220, None]

    class Model:
        asked = []

        def predict(self, x, verbose):
            self.asked.append(x.shape)
            return np.eye(7)[:1]

    classifier = trained.Classifier(("a",) * 7, lambda images: images[..., None], forward=None)
    plain = demonstration.plain_loop(classifier, Model())
    assert set(timing.time_plain(image, *plain)) == {"detect", "crop", "forward"}
    assert Model.asked == [(1, 48, 48, 1)]
    assert set(timing.time_plain(np.full_like(image, 128), *plain)) == {"detect"}

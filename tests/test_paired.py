"""Two experiments over several seeds."""

import numpy as np
import pytest

from fer_helpers import metrics, paired, records
from fer_helpers.errors import FerError

FIRST, SECOND = "emotionaldan/dan_facekit", "emotionaldan/dan_facekit_alpha_0"


def write(folder, name: str, seed: int, right: np.ndarray, test_set: str = "PrivateTest") -> None:
    """A record whose run is right on some of the images."""
    probabilities = np.eye(2)[np.where(right, 0, 1)]
    scores = {test_set: metrics.summarise(np.zeros(len(right), int), probabilities)}
    record = dict.fromkeys(records.REQUIRED, {}) | {"format": 1, "seed": seed, "metrics": scores}
    record["epochs"] = {"done": 1, "recipe": 1, "stopped_by": "recipe"}
    records.write(records.path(folder, name, seed), record, {})


def test_by_seed_and_pooled(tmp_path):
    """First run right on 80, 90, 70 of 100 images, second on the first 60, 80, 70 of them."""
    for seed, (a, b) in enumerate(((80, 60), (90, 80), (70, 70))):
        write(tmp_path, FIRST, seed, np.arange(100) < a)
        write(tmp_path, SECOND, seed, np.arange(100) < b)
    write(tmp_path, FIRST, 3, np.ones(100, bool))  # a seed that one experiment alone has does not count
    table = paired.by_seed(FIRST, SECOND, tmp_path)
    assert table["seed"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(table["difference"], [0.2, 0.1, 0.0])
    assert table["only_first"].tolist() == [20, 10, 0] and not table["only_second"].any()
    assert table["p"].tolist() == pytest.approx([2 * 0.5**20, 2 * 0.5**10, 1.0])
    assert table["p_holm"].tolist() == pytest.approx([6 * 0.5**20, 4 * 0.5**10, 1.0])

    both = paired.pooled(FIRST, SECOND, tmp_path).set_index("over")
    assert both["n"].tolist() == [3, 100] and both["difference"].tolist() == pytest.approx([0.1, 0.1])
    half = 4.302653 * 0.1 / 3**0.5  # quantile of t with two degrees of freedom; the three differ by .1
    assert both.loc["seeds", "high"] - 0.1 == pytest.approx(half) and both.loc["seeds", "p"] > 0.05
    per_image = np.repeat([1 / 3, 0, 1 / 3, 0], [20, 0, 10, 70])  # images 60-79, and 80-89
    half = 1.984217 * per_image.std(ddof=1) / 10
    assert 0.1 - both.loc["images", "low"] == pytest.approx(half) and both.loc["images", "p"] < 1e-6


def test_too_few_seeds(tmp_path):
    assert paired.by_seed(FIRST, SECOND, tmp_path).empty
    with pytest.raises(FerError, match="have 0 seeds in common"):
        paired.pooled(FIRST, SECOND, tmp_path)


def test_what_a_recipe_is_chosen_by_is_no_test_set(tmp_path):
    """Pairs of the ablation are tested on the clean PublicTest, the finished networks on PrivateTest."""
    for test_set, names in (
        ("PublicTest clean", ("ablation_base", "ablation_no_flip", "ablation_not_moved")),
        ("PrivateTest", ("net_60k_distilled", "net_60k")),
    ):
        for best, name in zip((60, 50, 52), names, strict=False):
            write(tmp_path, f"compact/{name}", 0, np.arange(100) < best, test_set)
    pairs = paired.declared("compact", tmp_path)
    claims = ["mirror images help", "moving the pictures helps", "a teacher helps"]
    assert [pair["claim"] for pair in pairs] == claims == paired.table("compact", tmp_path)["claim"].tolist()
    assert [pair["test_set"] for pair in pairs] == ["PublicTest clean"] * 2 + ["PrivateTest"]
    assert [pair["only_first"] for pair in pairs] == [10, 8, 10]
    # two tests of the ablation, one of the networks
    assert [pair["p_holm"] for pair in pairs] == pytest.approx([2 * 2 / 2**10, 2 / 2**8, 2 / 2**10])

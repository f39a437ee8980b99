"""What single action units do to a network: rendered faces that differ in AU4, AU22 or both, and in nothing else.

The paper uvic_cnn (section 6.1, Figure 6) had one person pull faces before the camera: AU4 alone and AU22 alone stayed
neutral with anger second, both together were angry. Here 30 rendered people, in none of the splits, hold everything
else still. The faces follow the recipe of facekit48 (data/facekit_card.md), where AU22 occurs with anger alone, so a
network trained there reads that recipe back; only a network trained on photographs says something about photographs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from fer_helpers import paths
from fer_helpers.errors import FerError
from fer_helpers.facekit import BROKEN
from fer_helpers.labels import EMOTIONS

if TYPE_CHECKING:
    import keras

PATH = paths.DATA / "facekit_probe48.npz"
TINY = 1e-30  # keeps the logarithm of a probability finite


def read(path: str | Path = PATH) -> dict[str, np.ndarray]:
    """Open the probe. Raises FerError when the file is missing, cut short or something else.

    Returns, with one row an image, images (510, 48, 48) uint8; people (510,) uint16, 30 numbers from 500 on;
    movements (510,) str, "none", "AU4", "AU22", "AU4+AU22" or "AU12"; weights (510,) float32, 0 for "none".
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            probe = {name: stored[name] for name in ("images", "people", "movements", "weights")}
        if len({len(column) for column in probe.values()}) != 1 or probe["images"].shape[1:] != (48, 48):
            raise ValueError("columns of different length")
    except BROKEN as error:
        what = "is missing" if not Path(path).exists() else "is not the complete action-unit probe"
        raise FerError(f"{path} {what}: restore it with `git checkout data/{PATH.name}`.") from error
    return probe


def log_odds(probabilities: np.ndarray, index: np.ndarray | int) -> np.ndarray:
    """Logarithm of p / (1 - p) of class `index`, one for all or one a row, in `probabilities` (n, classes).

    Returns float64 (n,). 1 - p is the sum of the other classes, which keeps its digits where p rounds to 1.
    """
    probabilities = np.asarray(probabilities, dtype="float64")
    chosen = np.zeros(probabilities.shape, bool)
    chosen[np.arange(len(chosen)), index] = True
    p, rest = (probabilities * chosen).sum(axis=1), (probabilities * ~chosen).sum(axis=1)
    return np.log(np.maximum(p, TINY)) - np.log(np.maximum(rest, TINY))


def responses(
    net: "keras.Model",
    prepare: Callable[[np.ndarray], np.ndarray],
    emotion: str = "angry",
    classes: Sequence[str] = EMOTIONS,
    probe: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """What `net` says to each image of the probe, after `prepare` (a preprocess.Preprocessor): one row an image.

    Columns: person, movement, weight, predicted (class), probability, rank (1: the most probable class) and log_odds
    of `emotion`, and difference: log_odds minus that of the same person at rest. Raises FerError when the network
    has no such class or does not give probabilities.
    """
    if emotion not in classes:
        raise FerError(f"The network has no class {emotion!r}: choose among {', '.join(classes)}.")
    probe, index = probe or read(), list(classes).index(emotion)
    scores = np.asarray(net.predict(prepare(probe["images"]), batch_size=256, verbose=0))
    if scores.shape[1:] != (len(classes),) or not np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        raise FerError(f"The network must give {len(classes)} probabilities an image: end it in a softmax.")
    table = pd.DataFrame(
        {
            "person": probe["people"],
            "movement": probe["movements"],
            "weight": probe["weights"].astype("float64"),
            "predicted": np.array(classes)[scores.argmax(axis=1)],
            "probability": scores[:, index],
            "rank": (scores > scores[:, [index]]).sum(axis=1) + 1,
            "log_odds": log_odds(scores, index),
        }
    )
    rest = table[table["movement"] == "none"].set_index("person")["log_odds"]
    table["difference"] = table["log_odds"] - table["person"].map(rest)
    return table


def action_unit_table(answers: pd.DataFrame) -> pd.DataFrame:
    """Summary of `responses` over the people: one row for each movement and weight.

    Columns: movement, weight, people; predicted (most frequent class) and its share; first and second, the shares of
    people for whom the emotion is the most or second most probable class; probability and log_odds (means); difference
    (mean) with its 95 % interval low to high; raised, the share of people whose log-odds are higher than at rest.
    """
    rows = []
    for (movement, weight), group in answers.groupby(["movement", "weight"], sort=False):
        low, high = mean_interval(group["difference"].to_numpy())
        predicted = group["predicted"].value_counts(normalize=True)
        rows.append(
            {
                "movement": movement,
                "weight": weight,
                "people": group["person"].nunique(),
                "predicted": predicted.index[0],
                "share": predicted.iloc[0],
                "first": (group["rank"] == 1).mean(),
                "second": (group["rank"] == 2).mean(),
                "probability": group["probability"].mean(),
                "log_odds": group["log_odds"].mean(),
                "difference": group["difference"].mean(),
                "low": low,
                "high": high,
                "raised": (group["difference"] > 0).mean(),
            }
        )
    return pd.DataFrame(rows)


def interaction_table(answers: pd.DataFrame) -> pd.DataFrame:
    """Do AU4 and AU22 add up? For each weight, the difference of both minus the sum of the single ones, in log-odds.

    Columns: weight, people, interaction (mean), and its 95 % interval low to high. Below 0 the two say the same
    thing twice; above 0 they need each other, which is what the paper's "only both together" claims.
    """
    wide = answers.pivot(index=["weight", "person"], columns="movement", values="difference")
    extra = (wide["AU4+AU22"] - wide["AU4"] - wide["AU22"]).dropna()
    rows = []
    for weight, values in extra.groupby(level="weight"):
        low, high = mean_interval(values.to_numpy())
        rows.append(
            {
                "weight": weight,
                "people": len(values),
                "interaction": values.mean(),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval (BCa) of the mean of `values` (people,): people are drawn, not images."""
    if np.ptp(values) == 0:  # at rest every difference is 0
        return float(values[0]), float(values[0])
    interval = bootstrap((values,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    return float(interval.low), float(interval.high)

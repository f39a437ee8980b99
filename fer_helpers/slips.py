"""What the slips of data240 cost: each alone, on the smallest of its networks, against the same without it.

The slides divide grey levels by 225 where they mean 255, and flip faces upside down. The notebook turns images by 0.3:
its old library takes that for degrees, a layer of today's Keras for turns. All are judged by a fifth of Training, so
that no test set is seen.
"""

import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras
import pandas as pd

from fer_helpers import preprocess, training
from fer_helpers.labels import HELD_OUT
from fer_helpers.study.data240 import MEMBER, MEMBER_QUICK
from fer_helpers.study.experiment import Experiment

WHITE, MISPRINT = 255.0, 225.0  # what the slides mean, and what they say
RECIPES = {
    "quick": replace(MEMBER_QUICK, epochs=5, training_images=1000),
    "full": replace(MEMBER, epochs=10, learning_rate=1e-3),
}
SEEDS = {"quick": (0,), "full": (0, 1, 2)}


@dataclass(frozen=True)
class Slip:
    """What is done to the images."""

    title: str
    divisor: float = WHITE  # of grey levels
    turn: float = 0.0  # at most, either way, as a share of a whole turn
    augment: tuple[str, ...] = ()  # beside mirroring and zoom


SLIPS = {
    "none": Slip("none"),
    "divided_by_225": Slip("divided by 225", divisor=MISPRINT),
    "vertical_flip": Slip("flipped upside down, too", augment=("vertical_flip",)),
    "turned_by_degrees": Slip("turned by up to 0.3 degrees", turn=0.3 / 360),
    "turned_by_turns": Slip("turned by up to 0.3 turns", turn=0.3),
}
MISMATCH = "divided by 255 in training, by 225 in use"


class SlipJob(training.Job):
    """The job of a slip: the preprocessing and the turning are its own."""

    def __init__(self, slip: Slip, *which) -> None:
        """Make the job of `slip`; `which` is what any job is told."""
        self.slip = slip
        super().__init__(*which)

    @cached_property
    def prepare(self) -> preprocess.Preprocessor:
        """What makes network input of images: the slip's own scaling."""
        return preprocess.Preprocessor(("unit",), 0.0, self.slip.divisor)

    def _net(self, **options) -> keras.Model:
        """Return the network behind a layer that turns, in training only."""
        net = super()._net(**options)
        if not self.slip.turn:
            return net
        inputs = keras.Input(net.input_shape[1:])
        turned = keras.layers.RandomRotation(self.slip.turn, fill_mode="nearest", dtype="float32")(inputs)
        return keras.Model(inputs, net(turned))

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "slips"]


def slip_job(name: str, profile: str, seed: int = 0, results_dir: Path = Path()) -> SlipJob:
    """The job that trains the network of 69,479 parameters with the slip called `name`."""
    slip = SLIPS[name]
    experiment = Experiment(
        id=f"data240/slip_{name}",
        title=slip.title,
        rows=(),
        dataset="fer2013",
        architecture="data240_ensemble.called_xception",
        preprocess=("unit",),
        augment=("flip", "zoom", *slip.augment),
        recipe=RECIPES["full"],
        quick=RECIPES["quick"],
        selection=HELD_OUT,
    )
    return SlipJob(slip, experiment, profile, seed, results_dir)


def measure(profile: str) -> pd.DataFrame:
    """Accuracy with each slip and seed: columns slip, seed, n, accuracy, low, high (95 % Wilson interval).

    It is that of the best epoch on the `n` held-out images, in float32. The last rows take the networks without a slip
    and images that are divided by 225. In the full profile a finished training is not done again after an interruption.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:  # the table is the record
        for seed in SEEDS[profile]:
            for name in SLIPS:
                job = slip_job(name, profile, seed, Path(folder))
                job.train()
                rows.append(_row(job.slip.title, job, job.best_net()))
            net = slip_job("none", profile, seed).best_net()
            rows.append(_row(MISMATCH, slip_job("divided_by_225", profile, seed), net))
    return pd.DataFrame(rows).sort_values("slip", kind="stable", key=_order, ignore_index=True)


def _row(title: str, job: SlipJob, net: keras.Model) -> dict:
    """How `net` answers to the held-out images as `job` prepares them."""
    scores = job.score(net, job.selection)[1]
    low, high = scores["interval"]
    row = {"slip": title, "seed": job.seed, "n": scores["n"]}
    return row | {"accuracy": scores["accuracy"], "low": low, "high": high}


def _order(titles: pd.Series) -> pd.Series:
    names = [*(slip.title for slip in SLIPS.values()), MISMATCH]
    return titles.map(names.index)

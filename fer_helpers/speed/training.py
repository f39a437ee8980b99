"""How long an epoch takes: networks in two precisions and on two backends, in turns, and what their input costs."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pandas as pd

from fer_helpers import doctor, paths
from fer_helpers.errors import FerError
from fer_helpers.speed.training_process import Trainer, seconds_of_an_image
from fer_helpers.speed.worker import worker

EPOCH = 28_709  # images: Training of FER2013
EXPERIMENTS = {
    "quick": ("compact/net_60k",),
    "full": ("compact/net_60k", "compact/net_200k", "compact/net_900k", "uvic_cnn/medium_n_a"),
}
BACKENDS = ("tensorflow", "jax", "torch")
ROUNDS = {"quick": 1, "full": 3}
SECONDS = {"quick": 0.2, "full": 0.7}  # of training in a turn


@contextmanager
def process(backend: str) -> Iterator[Trainer]:
    """Give a function as `seconds_of_an_image` that trains in another process, on `backend`."""
    command = [sys.executable, "-m", "fer_helpers.speed.training_process"]
    with worker(command, KERAS_BACKEND=backend, PYTHONPATH=str(paths.ROOT)) as ask:

        def train(*request) -> float:
            try:
                return float(ask(json.dumps(request).encode() + b"\n", 1)[0])
            except EOFError as error:
                raise FerError(
                    f"Training {request[0]} in {request[1]} on {backend} fails: {error}"
                ) from error

        yield train


def measure(profile: str) -> pd.DataFrame:
    """Time training as the experiments do it: one row an experiment, backend and precision. Wants an idle machine.

    Columns: experiment, backend, precision, epoch_seconds (28,709 images in the experiment's batches, varied and fed),
    ratio (to the first row of the same experiment in the same round: the median over the rounds), input_seconds (the
    same with a network that computes next to nothing) and input_share (of the epoch). `full`: every backend that is
    installed, some minutes; `quick`: this one, one experiment, float32.
    """
    policies = ["float32"]
    if profile == "full" and doctor.has_bfloat16():
        policies += ["mixed_bfloat16"]
    rows, seconds = [], SECONDS[profile]
    with ExitStack() as stack:
        trainers = {"this one": seconds_of_an_image}
        if profile == "full":
            installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
            trainers = {name: stack.enter_context(process(name)) for name in installed}
        for turn in range(ROUNDS[profile]):
            for backend, train in trainers.items():
                for experiment in EXPERIMENTS[profile]:
                    feeding = train(experiment, "float32", seconds, True)
                    for policy in policies:
                        whole = train(experiment, policy, seconds, False)
                        rows.append((turn, experiment, backend, policy, whole, feeding))
    return summary(rows)


def summary(rows: list[tuple]) -> pd.DataFrame:
    """Table of `measure` of rows (turn, experiment, backend, precision, seconds of an image, those of its input)."""
    turns = pd.DataFrame(rows, columns=["turn", "experiment", "backend", "precision", "whole", "input"])
    lines = []
    for experiment, group in turns.groupby("experiment", sort=False):
        kinds = {kind: part for kind, part in group.groupby(["backend", "precision"], sort=False)}
        first = next(iter(kinds.values())).set_index("turn")["whole"]
        for (backend, precision), part in kinds.items():
            seconds, feeding = EPOCH * part["whole"].median(), EPOCH * part["input"].median()
            ratio = (part.set_index("turn")["whole"] / first).median()
            lines.append((experiment, backend, precision, seconds, ratio, feeding, feeding / seconds))
    columns = ["experiment", "backend", "precision", "epoch_seconds", "ratio", "input_seconds", "input_share"]
    return pd.DataFrame(lines, columns=columns)

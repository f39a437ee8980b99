"""Trained networks ready for use: those that come with the course, and those that this computer has trained.

A network that comes with the course is two files in `weights/`: its weights (.npz; a .keras file of the same would be
over 1 MB) and its card (.json): architecture, classes, preprocessing, how its training images frame a face, and the run
that it comes from.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import paths, pictures, preprocess, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import TRAINING

if TYPE_CHECKING:
    import keras

FOLDER = Path(__file__).parent / "weights"
Prepare = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Classifier:
    """A trained network with all that is needed to use it on pictures of faces."""

    classes: tuple[str, ...]  # in the order of its outputs
    prepare: Prepare  # images (n, 48, 48) uint8 -> network input (n, 48, 48, channels) float32
    forward: Prepare  # network input -> probabilities (n, classes) float32
    frame: pictures.Frame = pictures.FRAMES["fer2013"]  # how its training images frame a face
    net: "keras.Model | None" = None  # the network itself, for those who look inside

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Give the probabilities (n, classes) float32 of crops (n, 48, 48) uint8."""
        return self.forward(self.prepare(crops))


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
    """Load a network that comes with the course, or the full run of an experiment that this computer has trained.

    Raises FerError when there is no such network, its files are damaged, its weights are not on this computer, or it
    needs landmarks beside the picture.
    """
    if name in shipped():
        return _load_shipped(name)
    if name not in study.EXPERIMENTS:
        raise FerError(
            f"There is no network {name!r}. With the course come {', '.join(shipped())}; the full runs of this "
            f"computer are called as in `python -m fer_helpers runs`."
        )
    experiment = study.EXPERIMENTS[name]
    if experiment.landmarks:
        raise FerError(f"{name} needs landmarks beside the picture; choose a network without them.")
    from fer_helpers import architectures, checkpoints, datasets

    record = records.read(records.path(Path(results_dir or paths.REPORTS / "full"), name, seed))
    path = checkpoints.path(name, "full", seed, record["key"])
    if not path.exists():
        raise FerError(
            f"The weights of {name} are not on this computer ({path}). Train it: "
            f"python -m fer_helpers train {name} --profile full --seed {seed} --results-dir FOLDER"
        )
    data = datasets.load(record["dataset"]["name"])
    net = architectures.build(experiment.architecture, len(data.classes))
    checkpoints.restore_best(net, checkpoints.read(path), path)
    prepare = preprocess.fit(experiment.preprocess, data.split(TRAINING).images)
    return Classifier(data.classes, prepare, keras_forward(net), pictures.frame_of(data.name), net)


def export(name: str, weights: str, seed: int = 0, results_dir: Path | str | None = None) -> Path:
    """Write the full run of experiment `name` as the network `weights` that comes with the course; give its path.

    Raises FerError when its preprocessing learns from the training images, which are not part of the course.
    """
    experiment = study.get(name)
    if "standardise" in experiment.preprocess:
        raise FerError(f"{name} standardises by its training images: choose a network that does not.")
    classifier = load(name, seed, results_dir)
    record = records.read(records.path(Path(results_dir or paths.REPORTS / "full"), name, seed))
    card = {
        "architecture": experiment.architecture,
        "classes": classifier.classes,
        "preprocess": experiment.preprocess,
        "frame": classifier.frame,
        "experiment": name,
        "seed": seed,
        "dataset": record["dataset"]["name"],
        "parameters": record["parameters"]["total"],
        "accuracy": {split: scores["accuracy"] for split, scores in record["metrics"].items()},
        "n": {split: scores["n"] for split, scores in record["metrics"].items()},
        "epochs": record["epochs"],
        "commit": record["commit"],
    }
    path = FOLDER / f"{weights}.npz"
    arrays = {f"weight_{i:04d}": value for i, value in enumerate(classifier.net.get_weights())}
    with paths.atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    with paths.atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return path


def card(name: str) -> dict:
    """The card of a network that comes with the course: where it comes from and how good it is."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def _load_shipped(name: str) -> Classifier:
    from fer_helpers import architectures

    path = FOLDER / f"{name}.npz"
    try:
        what = card(name)
        net = architectures.build(what["architecture"], len(what["classes"]))
        with np.load(path, allow_pickle=False) as weights:
            net.set_weights([weights[key] for key in sorted(weights.files)])
        prepare = preprocess.fit(tuple(what["preprocess"]), np.empty((0, 48, 48), np.uint8))
        frame = pictures.Frame(*what["frame"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FerError(
            f"{path} or its card is damaged ({error}); restore them with `git checkout -- fer_helpers/weights`."
        ) from error
    return Classifier(tuple(what["classes"]), prepare, keras_forward(net), frame, net)

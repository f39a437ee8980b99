"""Tables that are no training runs: what is measured on data, on a network or on this machine.

Each is one function of its own room, profile -> table. A full one is committed with where it came from; a quick one, on
the embedded data set, is measured again each time.
"""

import importlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from fer_helpers import doctor, paths, records
from fer_helpers.errors import FerError

PACKAGES = (  # on whose versions results depend
    *("numpy", "opencv-python-headless", "dlib-bin", "scikit-learn", "keras", "tensorflow", "jax", "torch"),
    *("optuna", "onnxruntime"),
)


@dataclass(frozen=True)
class Measurement:
    """A table: what it says, and the function that makes it, as "<module>.<function>" of this package."""

    title: str
    function: str
    quick: bool = True  # whether the embedded data set is enough for it
    runs: bool = False  # whether it reads run records; the function then takes their folder as well


MEASUREMENTS = {
    "landmark_detection": Measurement(
        "Share of faces that dlib finds, by split and class", "landmarks.tables.measure_detection"
    ),
    "landmark_leak": Measurement(
        "What a found or missed face alone tells of the class", "landmarks.tables.measure_leak"
    ),
    "landmark_error": Measurement(
        "Distance of dlib's landmarks from the true ones of the embedded data set",
        "landmarks.tables.measure_error",
    ),
    "landmark_networks": Measurement(
        "Landmark error of EmotionalDAN's stages beside dlib's, on the same embedded faces",
        "landmarks.networks.measure",
        runs=True,
    ),
    "landmark_classifiers": Measurement(
        "Emotions from eight distances, from 68 landmarks and from pixels, without a network",
        "landmarks.classifiers.measure",
    ),
    "across": Measurement("Networks on databases that they were not trained on", "across.measure", runs=True),
    "action_units": Measurement(
        "What rendered AU4, AU22, both, or AU12 do to the log-odds of anger",
        "interpret.tables.measure",
        runs=True,
    ),
    "action_unit_interaction": Measurement(
        "What AU4 and AU22 do together beyond the sum of each alone",
        "interpret.tables.measure_interaction",
        runs=True,
    ),
    "complexity": Measurement(
        "Layers, parameters, multiply-adds, size and relative time of every network",
        "complexity.measure",
        quick=False,
    ),
    "ensembles": Measurement(
        "Every full run on FER2013 beside their ensembles: fitted on clean PublicTest, reported on PrivateTest",
        "ensembles.tables.measure",
        quick=False,
        runs=True,
    ),
    "votes_of_data240": Measurement(
        "The members of data240's ensembles, or what stands in for them, and their votes of three, four and five",
        "ensembles.data240.measure",
        quick=False,
        runs=True,
    ),
    "slips": Measurement(
        "What slips of data240 cost its smallest network, on held-out training images", "slips.measure"
    ),
    "live_timing": Measurement(
        "Time of each stage of the live demonstration, beside a plain loop", "live.timing.measure"
    ),
    "gan_quality": Measurement(
        "What generated images are worth: label, likeness to the training images, diversity, Frechet distance",
        "bicogan.quality.measure",
        runs=True,
    ),
    "peers": Measurement(
        "Accuracy and time of a face beside the package fer, in turns on one thread",
        "speed.peers.measure",
        quick=False,
        runs=True,
    ),
    "training_speed": Measurement(
        "Seconds of an epoch by experiment, backend and precision, and the share of the input",
        "speed.training.measure",
    ),
    "tuning": Measurement("Search for hyper-parameters of ljmu's family of networks", "tuning.measure"),
    "pruning": Measurement(
        "Size, accuracy and time of ljmu's tuned CNN, pruned and rounded to 8 bits",
        "pruning.measure",
        runs=True,
    ),
    "calibration": Measurement(
        "Whether runs are as often right as they are sure, before and after a temperature",
        "trust.tables.measure_calibration",
        runs=True,
    ),
    "reliability": Measurement(
        "Accuracy by confidence, before and after a temperature",
        "trust.tables.measure_reliability",
        runs=True,
    ),
    "abstention": Measurement(
        "Accuracy of the answers that are left when unsure ones are withheld",
        "trust.tables.measure_abstention",
        runs=True,
    ),
    "class_recalls": Measurement(
        "Recall of each class, with intervals", "trust.tables.measure_class_recalls", runs=True
    ),
    "annotators": Measurement(
        "Accuracy by the number of annotators who agree", "trust.tables.measure_annotators", runs=True
    ),
    "label_ceiling": Measurement(
        "How well ten people's votes name the label, beside a network",
        "trust.tables.measure_label_ceiling",
        runs=True,
    ),
    "near_duplicates": Measurement(
        "Test images with a near-duplicate in Training, and accuracy without them",
        "trust.tables.measure_near_duplicates",
        runs=True,
    ),
    "robustness": Measurement(
        "Accuracy under blur, noise, brightness, shift and rotation",
        "trust.tables.measure_robustness",
        runs=True,
    ),
}


def path(name: str, results_dir: Path) -> Path:
    """Where the record of a measurement stands in `results_dir`."""
    return Path(results_dir) / "measurements" / f"{name}.json"


def measure(name: str, profile: str = "quick", results_dir: Path | str | None = None) -> pd.DataFrame:
    """Measure now, write the record into `results_dir` and return the table. Raises FerError for an unknown name.

    A measurement of runs takes those in `results_dir`, too.
    """
    if name not in MEASUREMENTS:
        known = ", ".join(MEASUREMENTS)
        raise FerError(f"There is no measurement called {name!r}. The measurements are: {known}.")
    measurement = MEASUREMENTS[name]
    if profile == "quick" and not measurement.quick:
        raise FerError(f"{name} exists in the full profile only.")
    folder = Path(results_dir or paths.results_dir(profile))
    module, function = measurement.function.rsplit(".", 1)
    make = getattr(importlib.import_module(f"fer_helpers.{module}"), function)
    table = make(profile, folder) if measurement.runs else make(profile)
    record = {
        "measurement": name,
        "title": measurement.title,
        "profile": profile,
        "device": {"processor": doctor.processor(), "cores": os.cpu_count()},
        "versions": _versions(),
        "commit": records.current_commit(),
        "finished": records.now(),
        "columns": list(table.columns),
        "rows": json.loads(table.to_json(orient="values", double_precision=6)),
    }
    with paths.atomic_write(path(name, folder)) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return table


def _versions() -> dict[str, str]:
    """Versions of what is installed of PACKAGES; Keras needs one of its backends only."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def read(name: str, profile: str = "full", results_dir: Path | str | None = None) -> pd.DataFrame:
    """Table of a measurement's record (default: the committed full one). Raises FerError when there is none."""
    folder = results_dir or (paths.REPORTS / "full" if profile == "full" else paths.results_dir(profile))
    file = path(name, folder)
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return pd.DataFrame(record["rows"], columns=record["columns"])
    except (OSError, ValueError, KeyError) as error:
        raise FerError(
            f"{file} cannot be read ({error}). Run: python -m fer_helpers measure {name} --profile {profile}"
        ) from error

"""What a training run puts down: its record (see `records`)."""

import importlib
import os
import platform
from typing import TYPE_CHECKING

import keras

from fer_helpers import architectures, doctor, records
from fer_helpers.labels import PRIVATE_TEST, PUBLIC_TEST, TRAINING
from fer_helpers.training.schedule import best_epoch

if TYPE_CHECKING:
    from fer_helpers.training.jobs import Job

ORIGIN = ("experiment", "seed", "key", "epochs", "selection", "initial_weights", "commit", "built_on")


def origin(record: dict) -> dict:
    """What a run says of another one whose weights it builds on."""
    return {name: record[name] for name in ORIGIN if name in record}


def describe(job: "Job", state: dict, net: keras.Model, limit: int, reason: str, precision: str) -> dict:
    """The record of a run that ended for `reason` after at most `limit` epochs; its test sets are not scored yet."""
    history = state["history"]
    best = best_epoch(history)
    return {
        "format": records.FORMAT,
        "experiment": job.experiment.id,
        "paper": job.experiment.paper,
        "title": job.experiment.title,
        "profile": job.profile,
        "seed": job.seed,
        "key": job.key,
        "config": job.config,
        "dataset": {
            "name": job.data.name,
            "fingerprint": job.data.fingerprint,
            "rows": {
                TRAINING: len(job.training),
                "selection": len(job.selection),
                PUBLIC_TEST: len(job.data.split(PUBLIC_TEST)),
                PRIVATE_TEST: len(job.data.split(PRIVATE_TEST)),
            },
            "notes": list(job.data.notes),
        },
        "parameters": architectures.count_parameters(net),
        "initial_weights": state["initial_weights"],
        "built_on": state["built_on"],
        "epochs": {
            "done": len(history["loss"]),
            "best": best + 1,
            "limit": limit,
            "recipe": job.recipe.epochs,
            "stopped_by": reason,
        },
        "selection": {"split": job.experiment.selection, "accuracy": history["val_accuracy"][best]},
        "history": history,
        **circumstances(state, precision),
        "metrics": {},
    }


def circumstances(state: dict, precision: str) -> dict:
    """How long a training took, of which `state` has "seconds" and "commit", on what, with what, and when it ended."""
    backend = importlib.import_module(keras.backend.backend())
    return {
        "seconds": round(state["seconds"], 1),
        "device": {
            "processor": doctor.processor(),
            "cores": os.cpu_count(),
            "gpu": next(iter(doctor.gpus()), None),
            "precision": precision,
        },
        "versions": {
            "python": platform.python_version(),
            "keras": keras.version(),
            "backend": f"{backend.__name__} {backend.__version__}",
        },
        "commit": state["commit"],
        "finished": records.now(),
    }

"""Checkpoints: one file with everything that the next epoch needs, so that a kill leaves the old one or the new one."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError


@dataclass
class Checkpoint:
    """State of a run after an epoch.

    `state` is the history and whatever else is plain JSON; `variables` are the weights, optimiser slots and seeds of
    the random layers as arrays; `best` are the network's weights after the best epoch so far; `average` is that of
    the weights over the steps, empty where none is taken.
    """

    state: dict
    variables: list[np.ndarray]
    best: list[np.ndarray]
    average: list[np.ndarray]


def path(experiment_id: str, profile: str, seed: int, key: str) -> Path:
    """Where the checkpoint of a run with this freshness key stands."""
    name = f"{experiment_id.replace('/', '-')}-{profile}-seed{seed}-{key[:12]}.npz"
    return paths.state_dir() / "checkpoints" / name


def of(record: dict) -> Path:
    """Where the checkpoint of a recorded run stands: that of the code that made it, whatever has changed since."""
    return path(record["experiment"], record["profile"], record["seed"], record["key"])


def find(record: dict) -> Path:
    """The checkpoint of a recorded run. Raises FerError when it is not on this computer."""
    if not of(record).exists():
        raise missing(record["experiment"], record["seed"])
    return of(record)


def missing(experiment_id: str, seed: int) -> FerError:
    """What to say where the weights of a full run are needed and are not here; a quick one is trained again."""
    return FerError(
        f"The weights of {experiment_id} are not on this computer. Set FER_RESULTS_DIR to a folder of your own, for "
        "this and for what needs them, because the committed record is never trained again. Then run: "
        f"python -m fer_helpers train {experiment_id} --profile full --seed {seed}"
    )


def variables(model: keras.Model) -> list[keras.Variable]:
    """Everything that an epoch changes in a compiled model whose optimiser is built."""
    return [*model.variables, *model.optimizer.variables]


def write(
    path: Path,
    model: keras.Model,
    state: dict,
    best: list[np.ndarray],
    average: Sequence[np.ndarray] = (),
) -> None:
    """Write the state of `model` to `path` (.npz)."""
    arrays = {f"variable_{i:04d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables(model))}
    arrays |= {f"best_{i:04d}": value for i, value in enumerate(best)}
    arrays |= {f"average_{i:04d}": value for i, value in enumerate(average)}
    with paths.atomic_write(path) as temporary:
        np.savez(temporary, state=np.frombuffer(json.dumps(state).encode(), dtype="uint8"), **arrays)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises FerError when the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            state, names = json.loads(archive["state"].tobytes()), sorted(archive.files)
            variables, best, average = (
                [archive[n] for n in names if n.startswith(kind)]
                for kind in ("variable_", "best_", "average_")
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FerError(
            f"The checkpoint {path} is damaged ({error}). Delete it to train from the start."
        ) from error
    return Checkpoint(state, variables, best, average)


def restore(model: keras.Model, checkpoint: Checkpoint, path: Path) -> None:
    """Set `model` to the checkpoint that was read from `path`. Raises FerError when it is another network's."""
    if [value.shape for value in checkpoint.variables] != [tuple(v.shape) for v in variables(model)]:
        raise _foreign(path)
    for variable, value in zip(variables(model), checkpoint.variables, strict=True):
        variable.assign(value)


def restore_best(net: keras.Model, checkpoint: Checkpoint, path: Path) -> None:
    """Give `net` the weights of the best epoch. Raises FerError when they are another network's."""
    try:
        net.set_weights(checkpoint.best)
    except ValueError as error:
        raise _foreign(path) from error


def _foreign(path: Path) -> FerError:
    return FerError(
        f"The weights in {path} belong to another architecture. Delete the file to train from the start."
    )

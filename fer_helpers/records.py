"""Run records: what one run did and found. A number in a report always comes from a record.

A record is `runs/<paper>/<experiment>-seed<k>.json` in a results folder. Beside it, under the same name, an .npz holds
the float16 probabilities of every image of the scored splits.
"""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError

FORMAT = 1
REQUIRED = {"format", "experiment", "profile", "seed", "key", "parameters", "epochs", "history", "metrics"}


def path(results_dir: Path, experiment_id: str, seed: int) -> Path:
    """Where the record of an experiment and seed stands in `results_dir`."""
    return Path(results_dir) / "runs" / f"{experiment_id}-seed{seed}.json"


def read(record_path: Path, profile: str | None = None) -> dict:
    """Read a record. Raises FerError when the file is damaged, no record of this course, or not of `profile`."""
    remedy = "Delete it, or take the committed one back with git checkout."
    try:
        record = json.loads(Path(record_path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise FerError(f"{record_path} cannot be read as a run record ({error}). {remedy}") from error
    missing = REQUIRED - set(record) if isinstance(record, dict) else REQUIRED
    if missing or record["format"] != FORMAT:
        raise FerError(f"{record_path} is not a run record of this course (format {FORMAT}). {remedy}")
    if profile and record["profile"] != profile:
        raise FerError(f"{record_path} is a {record['profile']} run: choose another results folder.")
    return record


def write(record_path: Path, record: dict, probabilities: dict[str, np.ndarray]) -> None:
    """Write a record and its probabilities, split -> (n, classes). The JSON goes last: it vouches for the rest."""
    halves = {split: _half(values) for split, values in probabilities.items()}
    with paths.atomic_write(record_path.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, **halves)
    with paths.atomic_write(record_path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _half(probabilities: np.ndarray) -> np.ndarray:
    """Round to float16, and keep the prediction where the two largest would become equal."""
    halves = probabilities.astype("float16")
    rows, winners = np.arange(len(halves)), probabilities.argmax(axis=1)
    changed = halves.argmax(axis=1) != winners
    halves[rows[changed], winners[changed]] = np.nextafter(halves[changed].max(axis=1), np.float16(2))
    return halves


def read_probabilities(record_path: Path) -> dict[str, np.ndarray]:
    """Probabilities of a record, split -> float32 (n, classes), in the order of the data set."""
    try:
        with np.load(Path(record_path).with_suffix(".npz"), allow_pickle=False) as archive:
            return {split: archive[split].astype("float32") for split in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FerError(
            f"The probabilities beside {record_path} cannot be read ({error}). Run it again."
        ) from error


def find(results_dir: Path, paper: str = "*") -> Iterator[dict]:
    """Every record in `results_dir`, or those of one paper, in the order of their names."""
    for record_path in sorted(Path(results_dir).glob(f"runs/{paper}/*-seed*.json")):
        yield read(record_path)


def lineage(record: dict) -> Iterator[dict]:
    """The record, and what it says of the runs whose weights it builds on: its start, its teachers, and theirs."""
    yield record
    for origin in record.get("built_on", []):
        yield from lineage(origin)


def epochs_cut(record: dict) -> list[str]:
    """How far this run, and those that it builds on, came that stopped at an epoch limit: "12 of 60 epochs"."""
    found = []
    for run in lineage(record):
        epochs, whose = run["epochs"], "" if run is record else f" of {run['experiment']}"
        if epochs["stopped_by"] == "limit":
            found.append(f"{epochs['done']} of {epochs['recipe']} epochs{whose}")
    return found


def now() -> str:
    """Give the time, in UTC, as a record has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def current_commit() -> str | None:
    """Commit of the work tree, with "+" when tracked files have changed since; None outside a git checkout."""
    try:
        command = [
            "git",
            "-C",
            str(paths.ROOT),
            "describe",
            "--always",
            "--abbrev=40",
            "--dirty=+",
            "--exclude=*",
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None

"""Makes data/facekit48.npz from ICT-FaceKit (needs numba): `python -m fer_helpers.facekit --model ICT-FaceKit`.

An image is a person (`people`), an expression (`expressions`) and a snapshot of both (`snapshot`), drawn by `renderer`.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_helpers import paths
from fer_helpers.facekit import LANDMARK_STEP, PATH
from fer_helpers.facekit.expressions import ACTION_UNITS, mean_weight, sample_expression, sample_gaze
from fer_helpers.facekit.model import FaceModel, Head, load_model
from fer_helpers.facekit.people import Person, build_head, sample_person
from fer_helpers.facekit.snapshot import photograph, sample_camera, sample_light
from fer_helpers.labels import EMOTIONS, SPLITS

IDENTITIES, SIZES = (400, 50, 50), (3500, 500, 500)  # per split
# Images per emotion: FER2013's shares; in the test splits disgust is raised to 30, so that it has a recall.
COUNTS = ((487, 53, 500, 880, 589, 387, 604), (66, 30, 68, 118, 80, 56, 82), (66, 30, 68, 118, 80, 56, 82))


def plan(seed: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Label and identity (n,) of every image of a split: labels in random order, people taking turns."""
    rng = np.random.default_rng([seed, split])
    labels = rng.permutation(np.repeat(np.arange(len(EMOTIONS)), COUNTS[split]))
    first = sum(IDENTITIES[:split])
    return labels, first + np.arange(len(labels)) % IDENTITIES[split]


def make_person(seed: int, identity: int) -> Person:
    """The person with this number; the generator's key does not collide with that of any image."""
    return sample_person(np.random.default_rng([seed, len(SPLITS), identity]))


def make_image(
    model: FaceModel, person: Person, head: Head, seed: int, split: int, index: int, label: int
) -> dict[str, np.ndarray]:
    """One row of the data set, drawn from `default_rng([seed, split, index])` alone."""
    rng = np.random.default_rng([seed, split, index])
    units, intensity, votes = sample_expression(rng, label)
    gaze, camera, light = sample_gaze(rng), sample_camera(rng), sample_light(rng)
    stream, landmarks = photograph(rng, model, person, head, units | gaze, camera, light)
    return {
        "jpeg": stream,
        "labels": np.uint8(label),
        "splits": np.uint8(split),
        "votes": votes.astype(np.uint8),
        "landmarks": np.rint(landmarks * LANDMARK_STEP).astype(np.int16),
        "action_units": np.array([mean_weight(units, unit) for unit in ACTION_UNITS], np.float16),
        "pose": np.array([camera.yaw, camera.pitch, camera.roll], np.float16),
        "intensity": np.float16(0 if EMOTIONS[label] == "neutral" else intensity),
        "light": np.array([light.azimuth, light.elevation], np.float16),
    }


def _portraits(job: tuple) -> list[tuple[int, dict]]:
    """All images of one person: (row, columns) pairs. Runs in a worker process."""
    folder, seed, split, identity, rows = job
    model, person = _model(folder), make_person(seed, identity)
    head, start, done = build_head(model, person), sum(SIZES[:split]), []
    for index, label in rows:
        image = make_image(model, person, head, seed, split, index, label)
        done.append((start + index, image | {"identities": np.uint16(identity)}))
    return done


@cache
def _model(folder: str | Path | None) -> FaceModel:
    cv2.setNumThreads(1)  # one thread a worker process
    return load_model(folder)


def generate(model_folder: str | Path | None, output: Path, seed: int = 0, workers: int = 2) -> None:
    """Render the whole set and write it to `output`; the result does not depend on `workers`."""
    load_model(model_folder)  # converts the OBJ files once, before the workers start
    jobs = []
    for split in range(len(SPLITS)):
        labels, people = plan(seed, split)
        for identity in np.unique(people):
            rows = [(int(i), int(labels[i])) for i in np.flatnonzero(people == identity)]
            jobs.append((model_folder, seed, split, int(identity), rows))
    rows: dict[int, dict] = {}
    with (
        ProcessPoolExecutor(workers) as pool,
        tqdm(total=sum(SIZES), unit="image", disable=not sys.stderr.isatty()) as bar,
    ):
        for done in pool.map(_portraits, jobs):
            rows.update(done)
            bar.update(len(done))
    ordered = [rows[k] for k in range(sum(SIZES))]
    columns = {name: np.stack([row[name] for row in ordered]) for name in ordered[0] if name != "jpeg"}
    with paths.atomic_write(output) as temporary:
        np.savez_compressed(
            temporary,
            jpeg_bytes=np.concatenate([row["jpeg"] for row in ordered]),
            jpeg_sizes=np.array([len(row["jpeg"]) for row in ordered], np.uint16),
            action_unit_names=np.array(list(ACTION_UNITS)),
            **columns,
        )


def main() -> None:
    """Read the command line and render the data set."""
    parser = argparse.ArgumentParser(description="Render the embedded face data set from ICT-FaceKit.")
    parser.add_argument("--model", help="folder of ICT-FaceKit (default: FER_FACEKIT_DIR)")
    parser.add_argument("--output", type=Path, default=PATH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    generate(options.model, options.output, options.seed, options.workers)

"""Your own pictures and classes: the network and recipe of an experiment, trained on a folder of class folders.

The folder is read as `datasets.image_folders` says: happy/1.jpg, or train/happy/1.jpg with validation and test beside
it. Records go to reports/own/<folder>/, apart from those of the course, and the finished network beside them, as two
files that `trained.load` takes.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import datasets, landmarks, paths, pictures, records, study, trained
from fer_helpers.errors import FerError
from fer_helpers.labels import HELD_OUT, IMAGE_SIZE, PRIVATE_TEST, PUBLIC_TEST, TRAINING

if TYPE_CHECKING:
    from fer_helpers import training

MANY = 200  # pictures that are enough to see how they frame a face
# dlib's box is 2.3 distances between the eyes wide, and its centre .205 widths below them: in FER2013 and in facekit.
BOX_WIDTH, BOX_BELOW_EYES = 2.3, 0.205


def results_dir(folder: Path) -> Path:
    """Where the records of a folder of pictures go: reports/own/<folder>/."""
    return paths.results_dir("own") / folder.resolve().name


def job(experiment: str, folder: Path, seed: int, results: Path) -> "training.Job":
    """The job of experiment `experiment` on the pictures in `folder`, with the recipe of the full profile.

    Raises FerError when a picture cannot be read, a class has fewer than 2 pictures to train on (3 where a fifth of
    them is held out), there is nothing to select or test by, the experiment needs more than pictures, or `results` has
    a run on other pictures.
    """
    chosen = study.get(experiment)
    more = {
        "landmarks": chosen.landmarks or chosen.loss_weights,
        "generated images": chosen.generated,
        "the weights of another run": study.needs(chosen, "full", seed),
        "annotators' votes": getattr(chosen.recipe, "votes", 0),
    }
    if lacking := [name for name, needed in more.items() if needed]:
        raise FerError(
            f"{experiment} needs more than pictures and classes: {' and '.join(lacking)}. Choose another experiment."
        )
    folder = folder.expanduser().resolve()
    data = datasets.load(folder)
    counts = data.counts()
    name, fewest = counts.loc[TRAINING].idxmin(), counts.loc[TRAINING].min()
    least = 3 if chosen.selection == HELD_OUT else 2  # one of three is held out, of two none
    if fewest < least:
        raise FerError(
            f"{folder}: training pictures of the class {name}: {fewest}; a class needs {least} at least."
        )
    for split, called in ((PUBLIC_TEST, "validation"), (PRIVATE_TEST, "test")):
        if not counts.loc[split].any():
            raise FerError(
                f"{folder} has no {called} pictures: add the folder {called} with class folders, or take the split "
                "folders away, and the splits are drawn by chance."
            )
    record = records.path(results, experiment, seed)
    if record.exists() and records.read(record)["dataset"]["fingerprint"] != data.fingerprint:
        raise FerError(
            f"{record} is a run on other pictures than {folder} has now: delete it, or choose another --results-dir."
        )
    from fer_helpers import training

    return training.job(replace(chosen, dataset=str(folder), rows=()), "full", seed, results)


def save(job: "training.Job") -> Path:
    """Write the network of a run, with what its record says of it, beside the record; give its folder."""
    if not job.checkpoint_path.exists():
        raise FerError(
            f"The weights behind {job.record_path} are not on this computer, or the code has changed since: delete it "
            "and train again."
        )
    folder = job.record_path.parents[2] / "networks" / job.experiment.paper / job.record_path.stem
    return trained.save(job, folder, frame(job.training.images))


def frame(images: np.ndarray) -> pictures.Frame:
    """How pictures (n, 48, 48) uint8 frame a face, so that `live` cuts faces as the network knows them.

    From the eyes that dlib finds in `MANY` of them; as FER2013 where it finds no face.
    """
    seen = landmarks.find(images[:: -(-len(images) // MANY)])
    if not seen.found.any():
        return pictures.FRAMES["fer2013"]
    left, right = seen.points[seen.found, 36:42].mean(axis=1), seen.points[seen.found, 42:48].mean(axis=1)
    apart = np.median(np.linalg.norm(right - left, axis=1))
    height = np.median((left + right)[:, 1] / 2) + 0.5
    width = BOX_WIDTH * apart
    up = BOX_BELOW_EYES - (IMAGE_SIZE / 2 - height) / width
    return pictures.Frame(round(float(IMAGE_SIZE / width - 1) / 2, 3), round(float(up), 3))

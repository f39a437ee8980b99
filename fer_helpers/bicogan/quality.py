"""What generated images are worth: do they show their label, do they look like the data, are they new, do they vary?

Each number stands beside the same one of real images that the GAN has not seen: the fifth of Training that
`training.hold_out` keeps back. The judge is a classifier of the course, which was trained on that fifth too, so on it
its agreement is an upper limit.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from fer_helpers import datasets, interpret, trained
from fer_helpers.bicogan import VARIANTS
from fer_helpers.bicogan.training import Job
from fer_helpers.labels import TRAINING
from fer_helpers.metrics import wilson_interval
from fer_helpers.training import hold_out

JUDGES = {"facekit": "small_facekit", "fer2013": "small_fer2013"}
COPY = 0.97  # correlation of two images' pixels from which they count as the same picture


def measure(profile: str, results_dir: Path | str | None = None, seed: int = 0) -> pd.DataFrame:
    """`table` of the real images held out and of each GAN that is trained in this profile.

    In the quick profile both variants are trained now if they are not; in the full one those are left out that are
    not on this computer. The second column, `batches`, says how many a GAN has seen.
    """
    sets, done = {}, {}
    for name in VARIANTS:
        job = Job(name, profile, seed, results_dir)
        if profile == "quick":
            job.train()
        elif not job.checkpoint_path.exists():
            continue
        sets[name], done[name] = like_held_out(job), job.done()
    data = datasets.load("facekit" if profile == "quick" else "fer2013")
    result = table(trained.load(JUDGES[data.name]), *hold_out(data.split(TRAINING), seed), sets)
    result.insert(1, "batches", result["images"].map(done))
    return result


def like_held_out(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 48, 48) and labels (n,) of a trained GAN, as many of each of its classes as were held out."""
    held_out = hold_out(job.data.split(TRAINING), job.seed)[1]
    numbers = [job.data.classes.index(name) for name in job.variant.classes]
    labels = np.searchsorted(numbers, held_out.labels[np.isin(held_out.labels, numbers)])
    return job.draw(job.generator(), labels, seed=1), np.array(numbers)[labels]


def table(
    judge: trained.Classifier,
    training: datasets.Dataset,
    held_out: datasets.Dataset,
    sets: dict[str, tuple[np.ndarray, np.ndarray]],
) -> pd.DataFrame:
    """Judge sets of images (n, 48, 48) with labels (n,); the first lines are the real images of `held_out`.

    A line for each set and class, and one for all classes. Columns: images, class, n; agreement: share that the
    judge gives the label they were made for, with low and high (95 % Wilson); likeness: median of the correlation with
    the most similar training image, and copies: the share above .97; diversity: spread of the judge's features
    relative to that of the training images of the class, 0 when all are the same; frechet: `frechet_distance` of the
    features from those of the training images.
    """
    look = features(judge)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(standardised(training.images))
    known = look(training.images)
    rows = []
    for name, (images, labels) in {"real, held out": (held_out.images, held_out.labels), **sets}.items():
        right = judge(images).argmax(axis=1) == labels
        distance = neighbours.kneighbors(standardised(images))[0][:, 0]
        likeness = 1 - distance**2 / 2  # of vectors of length 1
        seen = look(images)
        for k, group in [*enumerate(training.classes), (None, "all")]:
            chosen = labels == k if k is not None else np.ones(len(labels), bool)
            same = training.labels == k if k is not None else np.ones(len(training), bool)
            if not chosen.any():
                continue
            n, hits = int(chosen.sum()), int(right[chosen].sum())
            rows.append(
                {
                    "images": name,
                    "class": group,
                    "n": n,
                    "agreement": hits / n,
                    **dict(zip(("low", "high"), wilson_interval(hits, n), strict=True)),
                    "likeness": float(np.median(likeness[chosen])),
                    "copies": float(np.mean(likeness[chosen] > COPY)),
                    "diversity": spread(seen[chosen]) / spread(known[same]),
                    "frechet": frechet_distance(seen, known) if k is None else np.nan,
                }
            )
    return pd.DataFrame(rows)


def features(judge: trained.Classifier) -> Callable[[np.ndarray], np.ndarray]:
    """What the judge's last convolution is given, averaged over the image: a function, images -> (n, channels)."""
    layer = judge.net.get_layer(interpret.last_convolution(judge.net))
    trunk = keras.Model(judge.net.inputs, layer.input)

    def look(images: np.ndarray) -> np.ndarray:
        maps = trunk.predict(judge.prepare(images), batch_size=256, verbose=0)
        return maps.mean(axis=(1, 2)).astype("float64")

    return look


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Frechet distance of two normal distributions with the means and covariances of a and b (n, features).

    0 for equal ones (Heusel et al. 2017, with features of the Inception network). It falls with the number of images:
    compare only sets of about equal size.
    """
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # the trace of the root of first @ second, whose eigenvalues are not negative but for rounding
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0))
    return float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(first + second) - 2 * roots.sum())


def spread(points: np.ndarray) -> float:
    """Root of the mean squared distance of points (n, features) from their mean."""
    return float(np.sqrt(points.var(axis=0).sum()))


def standardised(images: np.ndarray) -> np.ndarray:
    """Images as vectors of mean 0 and length 1, float32 (n, pixels): brightness and contrast do not count."""
    flat = images.reshape(len(images), -1).astype("float32")
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)

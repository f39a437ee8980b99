"""Tables on dlib's landmarks: whom it finds, what that gives away, and how exact its points are."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats.contingency import association

from fer_helpers.datasets import Dataset, load
from fer_helpers.labels import SPLITS, TRAINING
from fer_helpers.landmarks import INNER, PADDING, THRESHOLD, detect, find, normalised_error, predict
from fer_helpers.metrics import wilson_interval

PARTS = {"all 68": slice(0, 68), "inner 51": INNER}
DATA = {"quick": ("facekit",), "full": ("fer2013", "ferplus")}  # whose detection a profile measures


def measure_detection(profile: str) -> pd.DataFrame:
    """`detection_table` of each of the profile's data sets, named in the first column, `data`."""
    return _of_each(detection_table, profile)


def measure_leak(profile: str) -> pd.DataFrame:
    """`leak_table` of each of the profile's data sets, named in the first column, `data`."""
    return _of_each(leak_table, profile)


def measure_error(profile: str) -> pd.DataFrame:
    """`error_table`: the same in every profile, because only the embedded data set has true landmarks."""
    return error_table()


def _of_each(table: Callable[[Dataset], pd.DataFrame], profile: str) -> pd.DataFrame:
    tables = {name: table(load(name)) for name in DATA[profile]}
    return pd.concat(tables, names=["data"]).reset_index("data").reset_index(drop=True)


def detection_table(data: Dataset) -> pd.DataFrame:
    """Share of faces that dlib finds, for each split and class and for "all" classes of a split.

    Columns: split, class, n, found, share, low, high (95 % Wilson interval).
    """
    found = find(data.images).found
    rows = []
    for split in SPLITS:
        for k, name in [*enumerate(data.classes), (None, "all")]:
            chosen = (data.splits == split) & (True if k is None else data.labels == k)
            n, hits = int(chosen.sum()), int(found[chosen].sum())
            if n:
                rows.append((split, name, n, hits, hits / n, *wilson_interval(hits, n)))
    return pd.DataFrame(rows, columns=["split", "class", "n", "found", "share", "low", "high"])


def leak_table(data: Dataset) -> pd.DataFrame:
    """What "dlib found a face, or not" alone tells of the class, for each split.

    The rule learned from Training answers with the commonest class of the faces found, and with that of those
    missed. Columns: split, n, found_class, missed_class (the two answers), accuracy (of the rule), low, high,
    majority (accuracy of always answering Training's commonest class), cramers_v (0: detection and class have
    nothing to do with each other; 1: one gives the other).
    """
    found, classes = find(data.images).found, len(data.classes)
    cells = found * classes + data.labels
    counts = {
        split: np.bincount(cells[data.splits == split], minlength=2 * classes).reshape(2, classes)
        for split in SPLITS
        if split in data.splits
    }
    learned = counts[TRAINING]  # lines: missed, found
    answers = (learned + 1e-9 * learned.sum(axis=0)).argmax(axis=1)  # no face missed: the commonest class
    rows = []
    for split, table in counts.items():
        n, right = int(table.sum()), int(table[[0, 1], answers].sum())
        used = table[np.ix_(table.any(axis=1), table.any(axis=0))]  # empty lines have no association
        low, high = wilson_interval(right, n)
        rows.append(
            {
                "split": split,
                "n": n,
                "found_class": data.classes[answers[1]],
                "missed_class": data.classes[answers[0]],
                "accuracy": right / n,
                "low": low,
                "high": high,
                "majority": table[:, learned.sum(axis=0).argmax()].sum() / n,
                "cramers_v": association(used, method="cramer") if min(used.shape) > 1 else 0.0,
            }
        )
    return pd.DataFrame(rows)


def error_table() -> pd.DataFrame:
    """Error of dlib's landmarks on the embedded data set, whose true landmarks are known (10 s the first time).

    With dlib's own box (faces found only), and with the whole frame as the box (all faces; what "whole_crop"
    does for the faces missed). Columns: box, points, n, mean, median, p90 (90th percentile) in outer eye-corner
    distances, right, down (shift of all points together, pixels).
    """
    faces = load("facekit")
    seen = find(faces.images)
    frame = np.array([-0.5, -0.5, 47.5, 47.5], np.float32)
    whole = np.stack([predict(image, frame) for image in faces.images])
    rows = []
    for box, points, truth in (
        ("dlib", seen.points[seen.found], faces.landmarks[seen.found]),
        ("whole frame", whole, faces.landmarks),
    ):
        right, down = np.median((points - truth).mean(axis=1), axis=0)
        for name, part in PARTS.items():
            error = normalised_error(points, truth, part)
            figures = error.mean(), np.median(error), np.percentile(error, 90)
            rows.append((box, name, len(error), *map(float, (*figures, right, down))))
    return pd.DataFrame(rows, columns=["box", "points", "n", "mean", "median", "p90", "right", "down"])


def facekit_report() -> str:
    """Measure detector and landmarks on the embedded data set, whose true landmarks are known (15 s)."""
    faces = load("facekit")
    plain = np.mean([detect(image, padding=0, scale=1, threshold=0) is not None for image in faces.images])
    strict = np.mean([detect(image, padding=4, threshold=0) is not None for image in faces.images])
    found = find(faces.images).found
    classes = [f"{name} {found[faces.labels == k].mean():.1%}" for k, name in enumerate(faces.classes)]
    errors = error_table()
    lines = [
        f"dlib on {len(faces):,} rendered faces of 48 pixels, share found",
        f"  as they are                                 {plain:6.1%}",
        f"  enlarged to 96, padded by 8                 {strict:6.1%}",
        f"  padded by {PADDING}, doubled, threshold {THRESHOLD} (used) {found.mean():6.1%}",
        f"    {', '.join(classes)}",
        "Distance of the landmarks from the true ones, in outer eye-corner distances",
    ]
    for row in errors.itertuples():
        lines.append(
            f"  box: {row.box:11}  {row.points:8}  mean {row.mean:.4f}, median {row.median:.4f}, "
            f"90th percentile {row.p90:.4f}"
        )
    shift = errors.iloc[0]
    lines.append(
        f"  shift of all points together: {shift.right:+.2f} pixels to the right, {shift.down:+.2f} down"
    )
    return "\n".join(lines)

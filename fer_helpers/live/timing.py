"""The table of the live demonstration's speed: each stage beside that of a plain loop, frame by frame in turns."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fer_helpers import live, trained
from fer_helpers.live import camera, demonstration, faces

NET = "compact_fer2013"
WARM_UP = 5  # frames in which libraries load and memory is taken
COLUMNS = ["loop", "stage", "frames", "median_ms", "p95_ms", "frames_per_second", "ratio"]


def measure(profile: str) -> pd.DataFrame:
    """Time both loops on the rendered film of 640x480, nearest face: one row a loop and stage.

    The stages are decode, detect, crop, forward (preparation and network, one face), and whole, their sum in each
    frame. Both loops share the decoded frame. *Plain* is Haar as in the paper's code (scale 1.3, 5 neighbours) on the
    whole picture and Keras's `model.predict` of the crop, *ours* is `live.readings` with ONNX Runtime, as the command
    `live` runs it. Columns: COLUMNS; `ratio` is the
    median over the frames of plain / ours in the same frame, which a busy computer changes less than the
    milliseconds. `profile` does not matter, since film and network come with the course.
    """
    classifier, in_keras = trained.light(NET), trained.load(NET)
    plain = demonstration.plain_loop(in_keras, in_keras.net)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        demonstration.demonstration_clip(film := Path(folder) / "film.mp4")
        for reading in live.readings(camera.open_source(film), classifier):
            rows += [("ours", reading.frame.index, reading.seconds)]
            seconds = time_plain(reading.frame.image, *plain)
            rows += [("plain", reading.frame.index, {"decode": reading.frame.decode} | seconds)]
    return summary([row for row in rows if row[1] >= WARM_UP])


def time_plain(image: np.ndarray, find: Callable, classify: trained.Classifier) -> dict[str, float]:
    """Seconds of each stage of the plain loop on one frame (h, w, 3) uint8; only detect where no face is found."""
    marks = [time.perf_counter()]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    boxes = find(grey)
    marks.append(time.perf_counter())
    if len(boxes):
        crops = faces.crop(grey, boxes[0], classify.frame)[np.newaxis]
        marks.append(time.perf_counter())
        classify(crops)
        marks.append(time.perf_counter())
    return dict(zip(("detect", "crop", "forward"), np.diff(marks), strict=False))


def summary(rows: list[tuple[str, int, dict[str, float]]]) -> pd.DataFrame:
    """COLUMNS of rows (loop, number of the frame, seconds of each stage), of the frames in which both found a face."""
    table = pd.DataFrame([seconds | {"loop": loop, "frame": frame} for loop, frame, seconds in rows])
    table = table.set_index(["frame", "loop"])
    table["whole"] = table.sum(axis="columns", skipna=False)
    table = 1e3 * table.unstack("loop").dropna()
    lines = []
    for loop in ("plain", "ours"):
        for stage in table.columns.unique(0):
            times = table[stage, loop]
            ratio = (table[stage, "plain"] / times).median()
            middle = times.median()
            lines.append((loop, stage, len(times), middle, times.quantile(0.95), 1e3 / middle, ratio))
    return pd.DataFrame(lines, columns=COLUMNS)

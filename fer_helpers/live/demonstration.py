"""What shows the live demonstration off: a rendered film to run it on, and what its choices gain."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from fer_helpers import datasets
from fer_helpers.labels import EMOTIONS, PRIVATE_TEST
from fer_helpers.live import camera, faces
from fer_helpers.trained import Classifier, Prepare

if TYPE_CHECKING:
    import keras

PEOPLE = ((200, 0.3, 0.5), (130, 0.75, 0.4))  # side in pixels, and middle as shares of width and height


def demonstration_clip(path: Path, rate: float = 25.0) -> pd.DataFrame:
    """Write a film of 7 s, 640x480, of two rendered people who drift and show one emotion a second.

    The faces are PrivateTest pictures of the embedded data set, enlarged, before an uneven wall; the annotators
    agree on them best. Returns the truth: one row a frame and person (0 is near, 1 far) with time in seconds,
    label, and left, top and side in pixels.
    """
    data = datasets.load("facekit").split(PRIVATE_TEST)
    clearness = data.votes[np.arange(len(data)), data.labels] - np.abs(data.pose).sum(1)
    clearest = {label: np.flatnonzero(data.labels == label) for label in range(len(EMOTIONS))}
    clearest = {label: rows[np.argsort(-clearness[rows])[:2]] for label, rows in clearest.items()}
    wall = np.random.default_rng(0).normal(140, 6, (12, 16)).astype(np.float32)
    wall = cv2.resize(wall, (640, 480), interpolation=cv2.INTER_CUBIC)
    truth = []
    with camera.video_writer(path, rate) as write:
        for index in range(round(rate * len(EMOTIONS))):
            picture, phase = wall.copy(), 2 * np.pi * index / (4 * rate)
            for person, (side, x, y) in enumerate(PEOPLE):
                label = (int(index / rate) + 3 * person) % len(EMOTIONS)
                left = round(640 * (x + 0.08 * np.sin(phase + person)) - side / 2)
                top = round(480 * (y + 0.05 * np.cos(phase)) - side / 2)
                _paste(picture[top : top + side, left : left + side], data.images[clearest[label][person]])
                truth.append((index, index / rate, person, EMOTIONS[label], left, top, side))
            grey = picture.round().clip(0, 255).astype(np.uint8)
            write(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), index / rate)
    return pd.DataFrame(truth, columns=["frame", "time", "person", "label", "left", "top", "side"])


def _paste(area: np.ndarray, face: np.ndarray) -> None:
    """Blend `face`, enlarged, into the square `area`; its edges are soft."""
    side = len(area)
    cover = np.zeros((side, side), np.float32)
    cover[side // 16 : -side // 16, side // 16 : -side // 16] = 1
    cover = cv2.GaussianBlur(cover, (0, 0), side / 40)
    area += cover * (cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC) - area)


def plain_loop(
    classifier: Classifier, model: "keras.Model"
) -> tuple[Callable[[np.ndarray], np.ndarray], Classifier]:
    """What one writes first: Haar as in the paper's code (scale 1.3, 5 neighbours), and `model.predict`.

    Gives the detector, grey (h, w) -> boxes (n, 4), and the classifier.
    """

    def find(grey: np.ndarray) -> np.ndarray:
        found = faces.cascade().detectMultiScale(grey, 1.3, 5)
        return np.array([[x, y, x + w, y + h] for x, y, w, h in found]).reshape(-1, 4)

    def forward(x: np.ndarray) -> np.ndarray:
        return model.predict(x, verbose=0)

    return find, replace(classifier, forward=forward)


def compare(
    images: Sequence[np.ndarray], classifier: Classifier, model: "keras.Model", longest: int = 320
) -> pd.DataFrame:
    """Time a plain loop and ours on the same `images` (each (h, w, 3) uint8), taking turns: one row a loop.

    Plain: `plain_loop` on the whole picture. Ours: `faces.detect` and the classifier's forward. Columns: frames
    with a face, median time of detection (ms), of crop and network (ms), of both, frames_per_second, and ratio
    (median over the frames of plain / ours).
    """
    loops = {
        "plain": plain_loop(classifier, model),
        "ours": (lambda grey: faces.detect(grey, longest=longest), classifier),
    }
    rows = []
    for number, image in enumerate((images[0], *images)):
        for name, (find, classify) in loops.items():
            began = time.perf_counter()
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            boxes = find(grey)
            found = time.perf_counter()
            if len(boxes):
                classify(faces.crop(grey, boxes[0], classify.frame)[None])
                times = 1e3 * np.array([found - began, time.perf_counter() - found])
                rows.append((number, name, *times, times.sum()))
    table = pd.DataFrame(rows, columns=["image", "loop", "detect_ms", "forward_ms", "whole_ms"])
    table = table[table["image"] > 0]  # the first one was compiled and loaded in
    whole = table.pivot(index="image", columns="loop", values="whole_ms")
    result = table.groupby("loop", sort=False)[["detect_ms", "forward_ms", "whole_ms"]].median()
    result.insert(0, "frames", table.groupby("loop").size())
    result["frames_per_second"] = 1e3 / result["whole_ms"]
    result["ratio"] = [(whole["plain"] / whole[name]).median() for name in result.index]
    return result.reset_index()


def compare_preparations(
    preparations: dict[str, Prepare], forward: Prepare, images: np.ndarray, labels: np.ndarray
) -> pd.DataFrame:
    """Score one network on images (n, 48, 48) uint8 under several preparations, the first being that of training.

    Columns: preparation, accuracy, changed (share of the images whose label is not that of the first).
    """
    answers = {name: forward(prepare(images)).argmax(1) for name, prepare in preparations.items()}
    first = next(iter(answers.values()))
    rows = [(name, (found == labels).mean(), (found != first).mean()) for name, found in answers.items()]
    return pd.DataFrame(rows, columns=["preparation", "accuracy", "changed"])

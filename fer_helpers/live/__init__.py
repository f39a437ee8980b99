"""The live demonstration: from a camera, video, picture or folder to labelled faces, with the time each stage takes.

The paper's application (uvic_cnn, section 6.1) ran at 10 frames a second: 100 ms for the detector, 5 ms for the
network on a GPU. It prepared each crop by the crop's own mean and deviation, and the training images by those of
each pixel over the training set; `demonstration.compare_preparations` shows what that costs.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import cv2
import numpy as np
from tqdm import tqdm

from fer_helpers.errors import FerError
from fer_helpers.labels import IMAGE_SIZE
from fer_helpers.live import camera, faces
from fer_helpers.trained import Classifier

if TYPE_CHECKING:
    import pandas as pd

STAGES = ("decode", "detect", "crop", "forward", "draw", "show")


def standardise_each(images: np.ndarray) -> np.ndarray:
    """Subtract each image's own mean and divide by its own deviation, as the paper's demonstration did.

    (n, 48, 48) uint8 -> (n, 48, 48, 1) float32.
    """
    mean, deviation = images.mean((1, 2), keepdims=True), images.std((1, 2), keepdims=True)
    return ((images - mean) / np.maximum(deviation, 1e-3)).astype(np.float32)[..., None]


@dataclass(frozen=True)
class Reading:
    """What was seen in a frame."""

    frame: camera.Frame
    faces: list[faces.Face]  # largest first
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage so far

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - began

    def as_json(self, classes: Sequence[str]) -> str:
        """One line of JSON; boxes are left, top, right, bottom in pixels, time is in seconds."""
        found = [
            {
                "face": face.number,
                "box": np.rint(face.box).astype(int).tolist(),
                "label": classes[face.probabilities.argmax()],
                "probabilities": {
                    name: round(float(share), 4)
                    for name, share in zip(classes, face.probabilities, strict=True)
                },
            }
            for face in self.faces
        ]
        moment = None if self.frame.time is None else round(self.frame.time, 3)
        what = {"source": self.frame.name, "frame": self.frame.index, "time": moment, "faces": found}
        return json.dumps(what, ensure_ascii=False)

    def as_text(self, classes: Sequence[str]) -> str:
        """One line a face: the classes with their probabilities, the most probable first."""
        if not self.faces:
            return f"{self.frame.name}: no face found; a picture that is one face needs the detector `whole`"
        lines = []
        for face in self.faces:
            order = np.argsort(-face.probabilities, kind="stable")
            lines.append(", ".join(f"{classes[k]} {face.probabilities[k]:.2f}" for k in order))
        return "\n".join(f"{self.frame.name}: {line}" for line in lines)


def readings(
    source: camera.Source,
    classifier: Classifier,
    detector: str = "haar",
    everyone: bool = False,
    memory: float = 0.3,
    longest: int | None = None,
) -> Iterator[Reading]:
    """Find and classify the nearest (largest) face, or everyone's, in each frame of `source`.

    `memory`: seconds over which a face's probabilities are averaged, in a video or camera. `longest`: see
    `faces.detect`; 320 pixels for a video or camera, 960 for single pictures, where time matters less.
    """
    moving = source.rate is not None
    longest = longest or (320 if moving else 960)
    classifier(np.zeros((1, IMAGE_SIZE, IMAGE_SIZE), np.uint8))  # compiles; would delay the first frame
    smoother = faces.Smoother(memory)
    for frame in source.frames:
        reading = Reading(frame, [], {"decode": frame.decode})
        with reading.timed("detect"):
            grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
            boxes = faces.detect(grey, detector, longest)[: None if everyone else 1]
        if len(boxes):
            with reading.timed("crop"):
                crops = np.stack([faces.crop(grey, box, classifier.frame) for box in boxes])
            with reading.timed("forward"):
                probabilities = classifier(crops)
            if not moving:
                smoother = faces.Smoother(0)
            reading.faces.extend(smoother(boxes, probabilities, frame.time or 0.0))
        yield reading


def timing_table(seconds: Sequence[dict[str, float]]) -> "pd.DataFrame":
    """Median and 95th percentile of each stage in ms, one dict a frame; "whole" is their sum in each frame.

    `frames_per_second` is what the median allows; a camera may be slower. Frames without a face have no crop
    and forward.
    """
    import pandas as pd  # here: `predict` starts without it

    table = pd.DataFrame(list(seconds), columns=STAGES).dropna(axis="columns", how="all")
    table["whole"] = table.sum(axis="columns")
    result = pd.DataFrame(
        {
            "frames": table.count(),
            "median_ms": 1e3 * table.median(),
            "p95_ms": 1e3 * table.quantile(0.95),
            "frames_per_second": 1 / table.median(),
        }
    )
    return result.rename_axis("stage").reset_index()


def run(
    source: int | str | Path | camera.Source,
    classifier: Classifier,
    output: Path | None = None,
    lines: TextIO | None = None,
    window: bool = True,
    limit: int | None = None,
    **how,
) -> "pd.DataFrame":
    """Annotate `source` in a window, in `output` (mp4; PNG for a picture; a folder for a folder), or both.

    `lines` gets an object of JSON a frame. Where there is no display and neither is asked for, `output` is
    <name>_annotated in the current folder. `limit` ends after so many frames; `how` goes to `readings`. Ctrl-C, q
    or closing the window ends it well. Returns `timing_table`; its attrs hold output, frames, faces and skipped.
    Raises FerError when the source fails; what was written until then is kept.
    """
    source = source if isinstance(source, camera.Source) else camera.open_source(source)
    moving, single = source.rate is not None, source.rate is None and not source.folder
    screen = camera.Window.open(source.name) if window else None
    if screen is None and output is None and lines is None:
        output = Path(f"{source.name}_annotated" + (".mp4" if moving else ".png" if single else ""))
    seconds, count, problem, started = [], 0, None, None
    with ExitStack() as stack:
        if screen:
            stack.callback(screen.destroy)
        write = stack.enter_context(camera.video_writer(output, source.rate)) if output and moving else None
        stack.callback(source.frames.close)
        progress = tqdm(total=source.total, unit="frame", disable=True if lines is sys.stdout else None)
        stack.callback(progress.close)
        try:
            for reading in readings(source, classifier, **how):
                with reading.timed("draw"):
                    drawn = faces.annotate(reading.frame.image, reading.faces, classifier.classes)
                with reading.timed("show"):
                    if write:
                        write(drawn, reading.frame.time)
                    elif output:
                        name = f"{Path(reading.frame.name).name}.png"
                        camera.write_picture(output if single else output / name, drawn)
                    if lines:
                        print(reading.as_json(classifier.classes), file=lines, flush=True)
                    if screen and moving:
                        screen.show(drawn)
                seconds.append(reading.seconds)
                count += len(reading.faces)
                progress.update()
                if screen and not moving:
                    screen.show(drawn, wait=True)
                elif screen:  # a film runs no faster than it was taken
                    started = started or time.perf_counter() - reading.frame.time
                    time.sleep(max(0.0, started + reading.frame.time - time.perf_counter()))
                if len(seconds) == limit or (screen and screen.closed):
                    break
        except KeyboardInterrupt:
            pass
        except FerError as error:
            if not seconds:
                raise  # inside: a file that stood there before is kept
            problem = error
    if problem and output:
        raise FerError(
            f"{str(problem).removesuffix('.')}; what came before ({len(seconds)}) is kept in {output}."
        ) from problem
    if problem:
        raise problem
    table = timing_table(seconds)
    table.attrs = {"output": output, "frames": len(seconds), "faces": count, "skipped": source.skipped}
    return table


def predict(
    files: Sequence[str | Path], classifier: Classifier, as_json: bool = False, **how
) -> Iterator[str]:
    """Classify the faces in pictures: text, or a line of JSON a picture. `how` goes to `readings`.

    Raises FerError at the end when a picture could not be read.
    """
    source = camera.stills(files)
    for reading in readings(source, classifier, **how):
        yield (reading.as_json if as_json else reading.as_text)(classifier.classes)
    if source.skipped:
        raise FerError(
            f"{len(source.skipped)} of {len(files)} pictures are left out; first: {source.skipped[0]}"
        )

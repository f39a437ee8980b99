"""Steps of training timed in a process of its own, so that its Keras can have another backend.

Run as a module it reads a line of JSON a request, {"net", "precision", "seconds"}, and answers with a line: the seconds
of a step.
"""

import functools
import json
import sys
import time

import keras
import numpy as np

from fer_helpers import architectures, datasets, preprocess
from fer_helpers.labels import TRAINING

BATCH = 128
LONGEST = 20  # steps in a turn, one more to start with
NOTHING = (
    "nothing"  # a network that computes next to nothing: what its steps take is getting the images to it
)


@functools.cache
def images() -> np.ndarray:
    """Embedded faces as network input, (2688, 48, 48, 1) float32: what they show does not matter."""
    faces = datasets.load("facekit").split(TRAINING).images[: (LONGEST + 1) * BATCH]
    return preprocess.fit(("symmetric",), faces)(faces)


@functools.cache
def compiled(net: str, precision: str) -> tuple[keras.Model, float]:
    """Build and compile a network, a key of `architectures.NETS` or NOTHING; with it, about the seconds of a step."""
    keras.config.set_dtype_policy(precision)
    try:
        model = _nothing() if net == NOTHING else architectures.build(net)
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.Adam(), "categorical_crossentropy", metrics=["accuracy"])
    train(model, 1)  # compiles
    return model, seconds_of(model, 1)


def _nothing() -> keras.Model:
    pool, answer = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(7, activation="softmax")
    return keras.Sequential([keras.Input((48, 48, 1)), pool, answer])


def train(model: keras.Model, steps: int) -> float:
    """Train so many batches of 128 as `training` does; give the seconds of all."""
    x = images()[: steps * BATCH]
    y = np.eye(7, dtype="float32")[np.arange(len(x)) % 7]
    began = time.perf_counter()
    model.fit(x, y, BATCH, shuffle=False, verbose=0)
    return time.perf_counter() - began


def seconds_of(model: keras.Model, steps: int) -> float:
    """Seconds of a step: how much longer so many and one more take than one, so that the start does not count."""
    return max(0.0, train(model, steps + 1) - train(model, 1)) / steps


def step_seconds(net: str, precision: str, seconds: float) -> float:
    """Time of a step of training, over about as many steps as `seconds` have, LONGEST at most."""
    model, about = compiled(net, precision)
    return seconds_of(model, min(LONGEST, max(2, round(seconds / max(about, 1e-3)))))


def main() -> None:
    """Answer until standard input ends. What libraries print goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(step_seconds(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()

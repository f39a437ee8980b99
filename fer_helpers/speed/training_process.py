"""Training timed, in a process of its own where wanted, so that its Keras can have another backend.

Run as a module it reads a line of JSON a request, the arguments of `seconds_of_an_image`, and answers with a float64.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer_helpers import study, training
from fer_helpers.training.jobs import precision

LONGEST = 20  # batches in a turn, one more to start with
Trainer = Callable[[str, str, float, bool], float]


def seconds_of_an_image(experiment: str, policy: str, seconds: float, empty: bool) -> float:
    """Time of an image in training by an experiment's recipe, in the precision that a dtype policy of Keras names.

    As many batches are timed as about `seconds` have, LONGEST at most: how much longer they and one more take than one,
    so that the start of an epoch does not count. `empty`: with a network that computes next to nothing in place of the
    experiment's, which leaves what its input costs: images drawn, varied and fed.
    """
    train, batch, about = prepared(experiment, policy, empty)
    steps = min(LONGEST, max(2, round(seconds / max(about, 1e-3))))
    return max(0.0, train(steps + 1) - train(1)) / (steps * batch)


@functools.cache
def prepared(name: str, policy: str, empty: bool) -> tuple[Callable[[int], float], int, float]:
    """Build and compile as an experiment does, for embedded faces: what they show does not matter.

    Gives a function, number of batches -> seconds of training on them, the images in a batch, and about the seconds of
    one.
    """
    entry = study.get(name)
    few = replace(entry.recipe, training_images=(LONGEST + 1) * entry.recipe.batch_size)
    job = training.job(replace(entry, quick=few), "quick", 0, Path())
    if empty:
        job._net = lambda: _nothing(len(job.data.classes))
    with precision(policy):
        _, model = job.compiled()
    x, y = job.training_arrays()
    validation = tuple(values[:0] for values in job.arrays(job.selection))

    def train(batches: int) -> float:
        images = batches * few.batch_size
        began = time.perf_counter()
        job.fit(model, (x[:images], y[:images]), validation, 0)
        return time.perf_counter() - began

    train(1)  # compiles
    return train, few.batch_size, train(2) - train(1)


def _nothing(classes: int) -> keras.Model:
    pool, answer = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(classes, activation="softmax")
    return keras.Sequential([keras.Input((48, 48, 1)), pool, answer])


def main() -> None:
    """Answer until standard input ends. What libraries print goes to stderr."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    for line in sys.stdin:
        answers.write(np.float64(seconds_of_an_image(*json.loads(line))).tobytes())
        answers.flush()


if __name__ == "__main__":
    main()

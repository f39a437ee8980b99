"""An epoch of training, and scores and answers of a network, batch by batch."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def one_epoch(
    model: keras.Model,
    x: np.ndarray,
    y: Any,
    batch_size: int,
    validation: tuple,
    after_step: Callable[[int], None] = lambda step: None,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """Train `model` on the batches of x and y in their order, then score `validation`; return all measures.

    `weights` (n,) multiply the images' losses. Targets must not be multiplied by them: TensorFlow's gradient of softmax
    and cross-entropy in one is right only for targets that add up to 1.

    It does what `fit` does for one epoch. But `fit` ends with a pause under TensorFlow 2.21: the tuner of its input
    pipeline sleeps for 10 ms, 20 ms, 40 ms and so on, and is waited for, which makes up to half of the time.
    """

    def step(number: int, *batch: Any) -> dict[str, float]:
        measures = model.train_on_batch(*batch, return_dict=True)
        after_step(number)
        return measures

    measures = _mean_over_batches(step, (x, y) if weights is None else (x, y, weights), batch_size)
    return measures | {f"val_{name}": value for name, value in score(model, *validation).items()}


def score(model: keras.Model, x: np.ndarray, y: Any, batch_size: int = 256) -> dict[str, float]:
    """Loss and metrics of a compiled `model` on x and y."""
    return _mean_over_batches(
        lambda _, *batch: model.test_on_batch(*batch, return_dict=True), (x, y), batch_size
    )


def predict(net: keras.Model, x: np.ndarray, batch_size: int = 256) -> Any:
    """What `net` answers to x, in its own structure; `Model.predict` without its pause (see `one_epoch`)."""
    parts = [net.predict_on_batch(x[start : start + batch_size]) for start in range(0, len(x), batch_size)]
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


def _mean_over_batches(step: Callable, arrays: tuple, batch_size: int) -> dict[str, float]:
    """Mean over all images of what `step` (number, *batch) measures on each batch of `arrays`, the first of images."""
    total: dict[str, float] = {}
    number_of_images = len(arrays[0])
    for number, start in enumerate(range(0, number_of_images, batch_size)):
        batch = keras.tree.map_structure(lambda a, start=start: a[start : start + batch_size], arrays)
        for name, value in step(number, *batch).items():
            total[name] = total.get(name, 0.0) + float(value) * len(batch[0])
    return {name: value / number_of_images for name, value in total.items()}

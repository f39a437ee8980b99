"""What a network looks for: images that maximise a filter or a class, as the paper uvic_cnn does it and better.

Section 5 and Figure 5 of the paper, with what its authors' code says: the loss of a filter is the mean of its map in
the last convolution; from noise around 128, gradient ascent takes 50 steps of size 1, along the gradient over its root
mean square. But the networks are trained on standardised images, whose values lie between about -4 and 4: the ascent
starts and ends far outside of all that they know. `regularised` starts at the mean face, stays among the values of
real inputs, shakes the image and prefers low frequencies (Olah, Mordvintsev and Schubert 2017, "Feature
Visualization", distill.pub).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from fer_helpers.interpret import class_score, feature_maps, input_gradient

BATCH = 64  # images that climb together
Score = Callable[[keras.KerasTensor], keras.KerasTensor]  # (n, height, width, channels) to (n,)
Ascent = Callable[[Score, int, np.random.Generator], np.ndarray]  # score, how many images -> the images


@dataclass(frozen=True, eq=False)
class Sheet:
    """Maximising images, the highest score first.

    `inputs` (k, height, width, channels) float32 as the network sees them, `names` (k,) filter or class numbers,
    `scores` (k,) what was reached, `images` (k, height, width) uint8 for the eye.
    """

    inputs: np.ndarray
    names: np.ndarray
    scores: np.ndarray

    @property
    def images(self) -> np.ndarray:
        """For the eye, as in the authors' code: each image shifted to mean .5 and scaled to standard deviation .1."""
        grey = self.inputs.mean(axis=-1)
        grey = grey - grey.mean(axis=(1, 2), keepdims=True)
        grey = grey / (grey.std(axis=(1, 2), keepdims=True) + 1e-5)
        return np.rint(np.clip(0.1 * grey + 0.5, 0, 1) * 255).astype("uint8")


def as_published(shape: tuple[int, int, int], steps: int = 50) -> Ascent:
    """The ascent of the authors' code on inputs of `shape`: uniform noise of 118 to 138, `steps` steps of size 1."""

    def climb(score: Score, n: int, rng: np.random.Generator) -> np.ndarray:
        x = (rng.random((n, *shape)) - 0.5) * 20 + 128
        slope = input_gradient(score)
        for _ in range(steps):
            _, gradient = slope(x)
            x += gradient / (_rms(gradient) + 1e-5)
        return x.astype("float32")

    return climb


def regularised(inputs: np.ndarray, steps: int = 100, jitter: int = 2, decay: float = 0.01) -> Ascent:
    """Ascent among values that real `inputs` (m, height, width, channels), prepared images, take.

    Starts at their mean with a little noise. At each step the image is shifted by up to `jitter` pixels, the
    gradient's spectrum is divided by the frequency (which is ascent in Fourier space), the step is .05 standard
    deviations of the inputs, and `decay` of the way back to the mean is gone. Values stay within the inputs' central
    99.8 %.
    """
    mean, std = inputs.mean(axis=0), inputs.std()
    low, high = np.quantile(inputs, [0.001, 0.999])
    height, width = mean.shape[:2]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    damping = 1 / np.maximum(frequency, 1 / max(height, width))[:, :, None]

    def climb(score: Score, n: int, rng: np.random.Generator) -> np.ndarray:
        x = mean + 0.1 * std * rng.standard_normal((n, *mean.shape))
        slope = input_gradient(score)
        for _ in range(steps):
            shift = tuple(rng.integers(-jitter, jitter + 1, 2))
            _, gradient = slope(np.roll(x, shift, (1, 2)))
            gradient = np.roll(gradient, (-shift[0], -shift[1]), (1, 2))
            gradient = np.fft.irfft2(damping * np.fft.rfft2(gradient, axes=(1, 2)), (height, width), (1, 2))
            x += 0.05 * std * gradient / (_rms(gradient) + 1e-12)
            x = np.clip(mean + (1 - decay) * (x - mean), low, high)
        return x.astype("float32")

    return climb


def _rms(gradient: np.ndarray) -> np.ndarray:
    return np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True))


def filter_sheet(
    net: keras.Model,
    ascent: Ascent,
    filters: Sequence[int] | None = None,
    layer: str | None = None,
    seed: int = 0,
) -> Sheet:
    """Maximise `filters` (default: all) of `layer` (default: the last convolution), each with its own image.

    Filters whose score does not rise above 0 are left out, as in the authors' code: they found nothing.
    """
    maps = feature_maps(net, layer)

    def score(x: keras.KerasTensor, numbers: np.ndarray) -> keras.KerasTensor:
        chosen = ops.one_hot(numbers, maps.output_shape[-1])
        return ops.sum(ops.mean(maps(x, training=False), axis=(1, 2)) * chosen, axis=-1)

    numbers = np.arange(maps.output_shape[-1]) if filters is None else np.asarray(filters)
    sheet = _climb(ascent, score, numbers, seed)
    found = sheet.scores > 0
    return Sheet(sheet.inputs[found], sheet.names[found], sheet.scores[found])


def class_sheet(net: keras.Model, ascent: Ascent, seed: int = 0) -> Sheet:
    """Maximise the log-odds of every class of `net`: what it would most surely call angry, and so on."""

    def score(x: keras.KerasTensor, targets: np.ndarray) -> keras.KerasTensor:
        return class_score(net(x, training=False), targets)

    return _climb(ascent, score, np.arange(net.output_shape[-1]), seed)


def _climb(ascent: Ascent, score: Callable, numbers: np.ndarray, seed: int) -> Sheet:
    rng, images, reached = np.random.default_rng(seed), [], []
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        images.append(ascent(lambda x, some=some: score(x, some), len(some), rng))
        reached.append(ops.convert_to_numpy(score(ops.convert_to_tensor(images[-1]), some)))
    scores = np.concatenate(reached)
    order = np.argsort(-scores, kind="stable")
    return Sheet(np.concatenate(images)[order], numbers[order], scores[order])

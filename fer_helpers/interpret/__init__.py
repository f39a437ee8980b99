"""Where a network looks: gradients with respect to the input, Grad-CAM and occlusion maps, on every backend.

A network is a keras.Model with one input and one output, a softmax over the classes; its score for a class is the
class's log-odds, ln p / (1 - p), which go on growing where p is nearly 1. What a network looks for:
`activation_maximisation`.
"""

import importlib
import logging
from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

from fer_helpers.errors import FerError
from fer_helpers.interpret.action_unit_probe import TINY, log_odds

logging.getLogger("tensorflow").setLevel("ERROR")  # each new function is compiled on purpose, not "retraced"
CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)


def input_gradient(
    function: Callable[[keras.KerasTensor], keras.KerasTensor],
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Compile the gradient of `function`, which maps a tensor (n, ...) to n values, row by row, with keras.ops.

    The result maps an array x (n, ...) to the values (n,) and the gradient (n, ...) of each value by its own row of
    x. Ask again after the weights have changed. Keras 3 has no gradient call, so this is the one place that knows the
    backends. Raises FerError for one that has no gradients.
    """
    name = keras.backend.backend()
    backend = importlib.import_module(name)
    # Each takes the gradient of the sum, which is each row's own, because rows do not mix.
    if name == "tensorflow":

        @backend.function
        def both(x):
            with backend.GradientTape() as tape:
                tape.watch(x)
                values = function(x)
            return values, tape.gradient(values, x)
    elif name == "jax":

        @backend.jit
        def both(x):
            values, pull_back = backend.vjp(function, x)
            return values, *pull_back(ops.ones_like(values))
    elif name == "torch":

        def both(x):
            x = x.detach().requires_grad_()
            values = function(x)
            return values, *backend.autograd.grad(values.sum(), x)
    else:
        raise FerError(f"The Keras backend {name} has no gradients: use tensorflow, jax or torch.")

    def on_arrays(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradient = both(ops.convert_to_tensor(x, "float32"))
        return ops.convert_to_numpy(values), ops.convert_to_numpy(gradient)

    return on_arrays


def last_convolution(net: keras.Model) -> str:
    """Name of the last convolution; where it lies in a network inside `net`, the name of that network.

    Raises FerError when there is none with a map as its output.
    """
    for layer in reversed(net.layers):
        if _has_convolution(layer) and len(_output(layer).shape) == 4:
            return layer.name
    raise FerError(f"The network {net.name} has no convolution, so there is no map to look at.")


def _has_convolution(layer: keras.Layer) -> bool:
    inside = getattr(layer, "layers", ())
    return isinstance(layer, CONVOLUTIONS) or any(_has_convolution(part) for part in inside)


def _output(layer: keras.Layer) -> keras.KerasTensor:
    """Output of a layer in the network it belongs to; a network inside a network would name its own tensor."""
    return keras.Operation.output.fget(layer)


def feature_maps(net: keras.Model, layer: str | None = None) -> keras.Model:
    """The part of `net` from the input to `layer`, by default the last convolution: (n, height, width, filters)."""
    return keras.Model(net.inputs[0], _output(net.get_layer(layer or last_convolution(net))))


def class_score(probabilities: keras.KerasTensor, targets: np.ndarray) -> keras.KerasTensor:
    """Log-odds (n,) of class targets (n,) in a tensor of probabilities (n, classes): `log_odds`, with a gradient."""
    chosen = ops.one_hot(targets, probabilities.shape[-1])
    p, rest = (ops.sum(probabilities * part, axis=-1) for part in (chosen, 1 - chosen))
    return ops.log(ops.maximum(p, TINY)) - ops.log(ops.maximum(rest, TINY))


def grad_cam(
    net: keras.Model,
    inputs: np.ndarray,
    targets: np.ndarray,
    layer: str | None = None,
    each_place: bool = False,
) -> np.ndarray:
    """Where the feature maps of `layer` (default: the last convolution) speak for a class: (n, height, width) float32.

    `inputs` (n, height, width, channels) are prepared images, `targets` (n,) class numbers. Selvaraju et al. 2017,
    section 3, with log-odds for the score: the maps, weighted by their mean gradient, summed, cut off at 0, enlarged
    to the input's size. The mean forgets where a map counts, which is exact before global average pooling and wrong
    before Flatten; `each_place` weights every place by its own gradient (HiResCAM, Draelos and Carin 2020). Each result
    is divided by its maximum, so colours do not compare between images; 0 everywhere: nothing speaks for the class.
    """
    targets = np.asarray(targets)
    maps = feature_maps(net, layer)
    # The input comes along for networks in which something by-passes the layer.
    head = keras.Model([maps.outputs[0], net.inputs[0]], net.outputs[0])
    x = ops.convert_to_tensor(inputs, "float32")
    activation = maps(x, training=False)
    _, weights = input_gradient(lambda a: class_score(head([a, x], training=False), targets))(activation)
    if not each_place:
        weights = weights.mean(axis=(1, 2), keepdims=True)
    cam = np.maximum((weights * ops.convert_to_numpy(activation)).sum(axis=-1, keepdims=True), 0)
    cam = ops.image.resize(cam.astype("float32"), inputs.shape[1:3], data_format="channels_last")
    cam = ops.convert_to_numpy(cam)[..., 0]
    return cam / np.maximum(cam.max(axis=(1, 2), keepdims=True), TINY)


def occlusion_map(
    net: keras.Model,
    prepare: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    targets: np.ndarray,
    patch: int = 8,
    stride: int = 4,
) -> np.ndarray:
    """How far the log-odds of a class fall when a place is covered: (n, height, width) float32.

    `images` (n, height, width) uint8 before `prepare`, `targets` (n,) class numbers. A square of `patch` pixels in the
    image's mean grey moves in steps of `stride` (Zeiler and Fergus 2014, section 4.2); a pixel gets the mean fall of
    all the squares that cover it. Positive: what was covered speaks for the class. The squares must reach all pixels.
    """
    images, targets = np.asarray(images), np.asarray(targets)
    n, height, width = images.shape
    if (height - patch) % stride or (width - patch) % stride or stride > patch:
        raise ValueError(f"Squares of {patch} in steps of {stride} do not cover {height} x {width} pixels.")
    corners = [
        (y, x) for y in range(0, height - patch + 1, stride) for x in range(0, width - patch + 1, stride)
    ]
    covered = np.repeat(images[:, np.newaxis], len(corners) + 1, axis=1)  # the last one stays as it is
    grey = np.rint(images.mean(axis=(1, 2))).astype("uint8")[:, np.newaxis, np.newaxis]
    for k, (y, x) in enumerate(corners):
        covered[:, k, y : y + patch, x : x + patch] = grey
    probabilities = net.predict(prepare(covered.reshape(-1, height, width)), batch_size=256, verbose=0)
    scores = log_odds(probabilities, np.repeat(targets, len(corners) + 1)).reshape(n, -1)
    total, times = np.zeros(images.shape), np.zeros((height, width))
    for k, (y, x) in enumerate(corners):
        place = (slice(y, y + patch), slice(x, x + patch))
        total[:, *place] += (scores[:, -1] - scores[:, k])[:, np.newaxis, np.newaxis]
        times[place] += 1
    return (total / times).astype("float32")

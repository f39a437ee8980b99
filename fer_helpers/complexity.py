"""What a network costs: layers, parameters, multiply-adds, size on disk, and time for one image."""

import math
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from fer_helpers import architectures

REFERENCE = "uvic_cnn.medium"  # times are given as multiples of this network's
ROUNDS = 21
KERNELS = (
    "kernel",
    "depthwise_kernel",
    "pointwise_kernel",
)  # what convolutions and dense layers multiply with


def kernels(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    """Shapes of a layer's kernels: one for a convolution or dense layer, two for a separable one, else none."""
    found = (getattr(layer, name, None) for name in KERNELS)
    return [tuple(kernel.shape) for kernel in found if kernel is not None]


def with_kernel(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Convolutions and dense layers of `model`, those of the models inside it too."""
    for layer in model.layers:
        layer = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
        if isinstance(layer, keras.Model):
            yield from with_kernel(layer)
        elif kernels(layer):
            yield layer


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds for one image: the sum of `layer_multiply_adds`, those of the models inside it too.

    Only kernels count, as is usual: no biases, normalisation, pooling, activation or resizing. For channels-last
    networks that use no layer twice.
    """
    return sum(map(layer_multiply_adds, with_kernel(model)))


def layer_multiply_adds(layer: keras.layers.Layer) -> int:
    """Each weight of the layer's kernels once for each place of the map that it makes.

    A transposed convolution counts the places of the map that it reads.
    """
    reads = isinstance(layer, keras.layers.Conv2DTranspose)
    places = math.prod((layer.input if reads else layer.output).shape[1:-1])
    return places * sum(map(math.prod, kernels(layer)))


def agreement(published: str, total: int, trainable: int) -> str:
    """How a printed count such as "2.4 m" or "69,479" fits: "total" or "trainable", or "no"; empty for none.

    A rounded one fits the total ("rounded"), or is what is left of it when further digits are cut off ("cut off").
    """
    if not published:
        return ""
    number, _, unit = published.partition(" ")
    if not unit:
        exact = int(re.sub(r"\D", "", number))
        return {trainable: "trainable", total: "total"}.get(exact, "no")
    scale = 10 ** len(number.partition(".")[2])
    printed, ours = round(float(number) * scale), total / 1e6 * scale
    return "rounded" if round(ours) == printed else "cut off" if math.floor(ours) == printed else "no"


def table(names: Iterable[str] = architectures.NETS) -> pd.DataFrame:
    """Build networks and count, one row a network; the same on every machine.

    `layers` counts convolutions and dense layers, `agrees` is `agreement` with the printed count, `equal` says whether
    total and trainable are what `architectures.NETS` expects.
    """
    rows = []
    for name in names:
        rows.append(_counts(name, architectures.build(name)))
        keras.utils.clear_session()  # the networks are too large to keep side by side
    return pd.DataFrame(rows)


def _counts(name: str, net: keras.Model) -> dict:
    known, counts = architectures.NETS[name], architectures.count_parameters(net)
    total, trainable = counts["total"], counts["trainable"]
    return {
        "net": name,
        "layers": sum(1 for _ in with_kernel(net)),
        "total": total,
        "trainable": trainable,
        "published": known.published,
        "agrees": agreement(known.published, total, trainable),
        "equal": (total, trainable) == (known.total, known.trainable),
        "multiply_adds": multiply_adds(net),
    }


def megabytes(net: keras.Model) -> float:
    """Size of the network as a `.keras` file, without an optimiser, in MB of 1,000,000 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        net.save(path)
        return path.stat().st_size / 1e6


def seconds(net: keras.Model) -> float:
    """Time of the compiled network for one image (noise)."""
    x = [np.zeros((1, *tensor.shape[1:]), tensor.dtype) for tensor in net.inputs]
    began = time.perf_counter()
    net.predict_on_batch(x if len(x) > 1 else x[0])
    return time.perf_counter() - began


def latency_ratio(net: keras.Model, reference: keras.Model, rounds: int = ROUNDS) -> float:
    """How many times as long as `reference` the network takes for one image: each one's fastest turn.

    Both take turns, so that a busy moment of the machine meets both; a slower turn was interrupted.
    """
    for model in (net, reference):
        seconds(model)  # compiles
    turns = np.array([(seconds(net), seconds(reference)) for _ in range(rounds)])
    fastest, fastest_reference = turns.min(axis=0)
    return float(fastest / fastest_reference)


def measure(profile: str) -> pd.DataFrame:
    """Everything of every network: `table`, and size and time on this machine. Takes minutes; wants an idle machine."""
    rows = []
    for name in architectures.NETS:
        reference, net = architectures.build(REFERENCE), architectures.build(name)
        measured = {"megabytes": megabytes(net), "latency_ratio": latency_ratio(net, reference)}
        rows.append(_counts(name, net) | measured)
        keras.utils.clear_session()
    return pd.DataFrame(rows)

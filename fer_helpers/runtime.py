"""Networks without Keras: written as ONNX, with 8-bit whole numbers if wanted, and run by ONNX Runtime.

ONNX Runtime starts in half a second and takes some 60 MB, where TensorFlow takes seconds and ten times the memory.
`to_onnx` writes a network with its weights, `to_graph` without them, for weights that are kept anyway. Only these need
Keras, and only `to_graph` and `to_int8` the package onnx.
"""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError

if TYPE_CHECKING:
    import keras


def to_onnx(net: "keras.Model", path: Path) -> None:
    """Write a network of one input, float32 (n, height, width, channels), to `path` (.onnx), for any n.

    Raises FerError when Keras's backend cannot write ONNX with what is installed.
    """
    with paths.atomic_write(path) as temporary:
        _export(net, [_images(net)], temporary)


def to_graph(net: "keras.Model", path: Path) -> None:
    """Write what such a network computes to `path` (.onnx, some 50 kB), without its weights: `forward` is given them.

    They are `net.get_weights()`, in this order, so that one file of weights serves Keras and ONNX Runtime.
    Raises FerError as `to_onnx`.
    """
    import keras
    import onnx

    class WeightsOutside(keras.Model):
        def call(self, inputs: list) -> object:
            images, *weights = inputs
            values = dict(zip(map(id, net.weights), weights, strict=True))
            state = (
                net.trainable_variables,
                net.non_trainable_variables,
            )  # seeds of random layers among them
            given = ([values.get(id(v), v.value) for v in variables] for variables in state)
            return net.stateless_call(*given, images, training=False)[0]

    names = _names(net.weights)
    weights = [keras.InputSpec("float32", v.shape, name=n) for n, v in zip(names, net.weights, strict=True)]
    outside = WeightsOutside()
    outside.built = True
    with paths.atomic_write(path) as temporary:
        _export(outside, [[_images(net), *weights]], temporary)
        model = onnx.load(temporary)
        inputs = {tensor.name: tensor for tensor in model.graph.input}
        for name, variable in zip(
            names, net.weights, strict=True
        ):  # a constant elsewhere, not an input of each call
            model.graph.input.remove(inputs[name])
            constant = model.graph.initializer.add(name=name, dims=variable.shape)
            constant.data_type, constant.data_location = onnx.TensorProto.FLOAT, onnx.TensorProto.EXTERNAL
            constant.external_data.add(key="location", value="weights")
        onnx.save(model, temporary)


def _names(weights: Sequence) -> list[str]:
    return [f"weight_{i:04d}" for i in range(len(weights))]


def _images(net: "keras.Model") -> "keras.InputSpec":
    import keras

    return keras.InputSpec("float32", (None, *net.input_shape[1:]), name="images")


def _export(net: "keras.Model", inputs: list, path: Path) -> None:
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of Keras's bridge to tf2onnx, about NumPy
            net.export(str(path), format="onnx", verbose=False, input_signature=inputs)
    except Exception as error:  # each backend writes by packages of its own, which raise what they like
        raise FerError(
            f"Keras cannot write ONNX from its backend {keras.backend.backend()} with what is installed ({error}): "
            "set KERAS_BACKEND=tensorflow, and install the versions of requirements.lock."
        ) from error


def to_int8(source: Path, target: Path, x: np.ndarray) -> None:
    """Write the network in `source` (.onnx) with 8-bit weights and activations to `target` (.onnx).

    Weights are rounded to 255 levels around zero, each output channel with its own scale, so that a weight of zero
    stays zero. The range of each activation is the one that the training images `x`, network input (n, ...), show.
    Layers that ONNX Runtime has no 8-bit form of, depthwise convolutions among them, still multiply in float32.
    """
    from onnxruntime import quantization

    class Calibration(quantization.CalibrationDataReader):
        batches = iter([{_session(source).get_inputs()[0].name: x}])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.batches, None)

    with paths.atomic_write(target) as temporary, tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"  # with the shape of every activation
        quantization.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(str(prepared), str(temporary), Calibration(), per_channel=True)


def forward(
    path: Path, threads: int = 1, weights: Sequence[np.ndarray] = ()
) -> Callable[[np.ndarray], np.ndarray]:
    """Load the network in `path` (.onnx): a function, network input (n, ...) float32 -> probabilities (n, classes).

    `weights`: those of a network that `to_graph` wrote. One thread serves a small network and a few faces best.
    Raises FerError when the file is damaged or the weights do not fit it.
    """
    session = _session(path, threads, weights)
    name = session.get_inputs()[0].name

    def run(x: np.ndarray, kept: Sequence = weights) -> np.ndarray:  # the session uses their memory
        return session.run(None, {name: x})[0]

    return run


def _session(path: Path, threads: int = 1, weights: Sequence[np.ndarray] = ()):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        if weights:
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights]
            options.add_external_initializers(_names(weights), values)
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own, which it does not publish
        raise FerError(f"{path} is no network that ONNX Runtime can read ({error}).") from error

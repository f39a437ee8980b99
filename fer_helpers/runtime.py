"""Networks without Keras: written as ONNX, with 8-bit whole numbers if wanted, and run by ONNX Runtime.

ONNX Runtime starts in half a second and takes some 60 MB, where TensorFlow takes seconds and ten times the memory.
Only `to_onnx` needs Keras, and only `to_int8` the package onnx.
"""

import tempfile
import warnings
from collections.abc import Callable
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
    import keras

    images = keras.InputSpec(shape=(None, *net.input_shape[1:]), dtype="float32", name="images")
    try:
        with paths.atomic_write(path) as temporary, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of Keras's bridge to tf2onnx, about NumPy
            net.export(str(temporary), format="onnx", verbose=False, input_signature=[images])
    except ImportError as error:
        raise FerError(
            f"Keras cannot write ONNX from its backend {keras.backend.backend()} ({error}): set "
            "KERAS_BACKEND=tensorflow."
        ) from error


def to_int8(source: Path, target: Path, x: np.ndarray) -> None:
    """Write the network in `source` (.onnx) with 8-bit weights and activations to `target` (.onnx).

    Weights are rounded to 255 levels around zero, each output channel with its own scale, so that a weight of zero
    stays zero. The range of each activation is the one that the training images `x`, network input (n, ...), show.
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


def forward(path: Path, threads: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Load the network in `path` (.onnx): a function, network input (n, ...) float32 -> probabilities (n, classes).

    One thread serves a small network and a few faces best. Raises FerError when the file is damaged.
    """
    session = _session(path, threads)
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def _session(path: Path, threads: int = 1):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own, which it does not publish
        raise FerError(f"{path} is no network that ONNX Runtime can read ({error}).") from error

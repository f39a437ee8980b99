"""Pruning: the smallest weights of all layers together go, and stay away while the rest learns."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from fer_helpers import labels, pruning, runtime, trained, training
from fer_helpers.architectures import ljmu


def small_net() -> keras.Model:
    """A convolution with large weights and a dense layer with small ones."""
    keras.utils.set_random_seed(0)
    net = ljmu.cnn((2,), 4, dropout=0.0)
    for variable in net.trainable_variables:
        scale = 10 if "conv" in variable.path else 1
        variable.assign(scale * np.random.default_rng(1).uniform(0.5, 1, variable.shape))
    return net


def test_the_smallest_weights_of_all_layers_together_go_and_biases_stay():
    net = small_net()
    before = [to_numpy(kernel) for kernel in pruning.kernels(net)]
    biases = [to_numpy(v) for v in net.trainable_variables if len(v.shape) == 1]
    pruning.prune(net, 0.5)
    after = [to_numpy(kernel) for kernel in pruning.kernels(net)]
    gone = np.concatenate([value.ravel() == 0 for value in after])
    sizes = np.concatenate([value.ravel() for value in before])
    assert gone.sum() == round(0.5 * len(sizes))
    assert sizes[gone].max() <= sizes[~gone].min()
    assert (after[0] == before[0]).all()  # the convolution has the larger weights, so it loses none
    for value, variable in zip(
        biases, (v for v in net.trainable_variables if len(v.shape) == 1), strict=True
    ):
        np.testing.assert_array_equal(value, variable)


def test_pruned_weights_stay_zero_while_the_rest_learns():
    keras.utils.set_random_seed(0)
    net = ljmu.cnn((2,), 4, dropout=0.0)
    net.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    pruning.prune(net, 0.8)
    before = [to_numpy(kernel) for kernel in pruning.kernels(net)]
    x = np.random.default_rng(0).random((32, *ljmu.IMAGE), "float32")
    net.fit(x, np.eye(7, dtype="float32")[np.arange(32) % 7], batch_size=8, verbose=0)
    for was, kernel in zip(before, pruning.kernels(net), strict=True):
        now = to_numpy(kernel)
        assert (now[was == 0] == 0).all()
    assert any((to_numpy(k) != was).any() for was, k in zip(before, pruning.kernels(net), strict=True))


def test_times_are_relative_to_the_first_network(monkeypatch):
    clock = iter(np.cumsum([0, 1, 0, 3] * 2))  # began, ended: 1 s for the first network, 3 s for the second
    monkeypatch.setattr(pruning.time, "perf_counter", lambda: next(clock))
    assert pruning.times([lambda x: x, lambda x: x], np.zeros((2, 1))) == [1, 3]


def test_the_table_in_the_quick_profile(monkeypatch, tmp_path):
    """Two sparsities of a briefly trained network; the selection comes from Training, the tests are whole."""
    monkeypatch.setattr(pruning, "SPARSITIES", (0.0, 0.9))
    few = replace(pruning.TRAINED_ON["quick"], epochs=1, training_images=128)
    monkeypatch.setitem(pruning.TRAINED_ON, "quick", few)
    net = ljmu.base()
    classifier = trained.Classifier(labels.EMOTIONS, None, None, net=net)
    monkeypatch.setattr(trained, "quick", lambda name, seed, results_dir: classifier)
    scored, load = [], runtime.forward

    def watched(path):
        forward = load(path)
        return lambda x: (scored.append(len(x)), forward(x))[1]

    monkeypatch.setattr(runtime, "forward", watched)
    table = pruning.measure("quick", tmp_path)
    assert list(zip(table["sparsity"], table["precision"], strict=True)) == [
        (0.0, "float32"),
        (0.0, "int8"),
        (0.9, "float32"),
        (0.9, "int8"),
    ]
    once = 700 + 500 + 500 + 1000  # selection, PrivateTest, its clean images, both tests
    assert sum(n for n in scored if n > 1) == 4 * once and max(scored) <= pruning.BATCH
    dense, dense_int8, sparse, sparse_int8 = table.itertuples()
    assert dense.weights > 319_000 and sparse.weights == pytest.approx(0.1 * 319_000, rel=0.02)
    assert sparse.file_kb == pytest.approx(
        dense.file_kb, rel=0.01
    )  # zeros take as much room as other numbers
    assert sparse.zipped_kb < dense.zipped_kb / 4 and dense_int8.file_kb < dense.file_kb / 3
    assert sparse_int8.zipped_kb < sparse.zipped_kb / 2
    assert dense.time == 1 and (table["time"] > 0).all()
    for name in ("selection", "private", "clean", "merged"):
        assert ((table[f"{name}_low"] < table[name]) & (table[name] < table[f"{name}_high"])).all()


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Makes the job that prunes a small network to a sparsity."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(training.Job, "_net", lambda self: ljmu.cnn((2,), 4, dropout=0.0))
    few = replace(pruning.TRAINED_ON["quick"], epochs=3, training_images=64)
    monkeypatch.setitem(pruning.TRAINED_ON, "quick", few)
    random = np.random.default_rng(0)
    shapes = [value.shape for value in ljmu.cnn((2,), 4, dropout=0.0).get_weights()]
    weights = [random.normal(0, 0.1, shape).astype("float32") for shape in shapes]
    return lambda sparsity: pruning.PrunedJob(sparsity, weights, "quick", tmp_path)


def zeros(net: keras.Model) -> float:
    return np.mean(np.concatenate([to_numpy(kernel).ravel() == 0 for kernel in pruning.kernels(net)]))


def test_every_sparsity_starts_from_the_trained_weights_and_has_its_own_checkpoint(job):
    for sparsity in (0.0, 0.5):
        pruned = job(sparsity)
        net = pruned._initial_net()
        assert zeros(net) == pytest.approx(sparsity, abs=0.001)
        for value, given in zip(net.get_weights(), pruned.weights, strict=True):
            np.testing.assert_array_equal(value, np.where(value == 0, 0, given))
    assert job(0.0).checkpoint_path != job(0.5).checkpoint_path
    other = job(0.5)
    other.weights = [value + 1 for value in other.weights]
    assert other._key(other.config) != other.key  # a network trained anew is pruned anew


def test_what_was_pruned_stays_away_after_an_interruption(job):
    whole = job(0.5)
    whole.train()
    expected = whole.best_net().get_weights()
    whole.checkpoint_path.unlink()
    job(0.5).train(1)
    interrupted = job(0.5)
    assert interrupted.train()["epochs"]["done"] == 3
    for value, wanted in zip(interrupted.best_net().get_weights(), expected, strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-6)
    assert zeros(interrupted.best_net()) >= 0.5 and (expected[0] != whole.weights[0]).any()

"""The networks and their training do not depend on the backend: an epoch on each, and a tiny run on JAX."""

import json
import math
import os
import subprocess
import sys

import pytest

from fer_helpers import paths

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path

class OnlyJax:  # as on a machine without the others
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "torch"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, OnlyJax)
from fer_helpers import study, training
from fer_helpers.study.experiment import QUICK
few = replace(study.get("uvic_cnn/medium_n_a"), quick=replace(QUICK, training_images=64))
job = training.Job(few, "quick", 0, Path(sys.argv[1]))
job.train(epochs=1)
job.evaluate()
"""

EPOCH = """
import keras
import numpy as np
from fer_helpers import training
from fer_helpers.architectures import ljmu

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
x, y = random.random((40, *ljmu.IMAGE), "float32"), np.eye(7, dtype="float32")[np.arange(40) % 7]
weights, found = None, []
for one_epoch in (True, False):
    net = ljmu.cnn((4, 8), 8, dropout=0.0)
    weights = weights or net.get_weights()
    net.set_weights(weights)
    net.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    if one_epoch:
        steps = []
        measures = training.one_epoch(net, x, y, 16, (x[:20], y[:20]), steps.append)
        assert steps == [0, 1, 2]
    else:
        history = net.fit(x, y, 16, validation_data=(x[:20], y[:20]), shuffle=False, verbose=0).history
        measures = {name: values[0] for name, values in history.items()}
    found.append((measures, net.get_weights(), training.predict(net, x, 16)))
(ours, after, answers), (theirs, expected, said) = found
assert ours.keys() == theirs.keys()
for name in ours:
    np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, err_msg=name)
for value, wanted, before in zip(after, expected, weights, strict=True):
    np.testing.assert_allclose(value, wanted, atol=1e-5)
    assert (value != before).any()
np.testing.assert_allclose(answers, said, atol=1e-5)
"""


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_an_epoch_does_what_fit_does(backend):
    """As on JAX, which the tiny run tests."""
    pytest.importorskip(backend)
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, "-c", EPOCH]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_tiny_run_on_jax(tmp_path):
    pytest.importorskip("jax")
    environment = os.environ | {"KERAS_BACKEND": "jax", "FER_STATE_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-c", SCRIPT + EPOCH, str(tmp_path)]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "runs" / "uvic_cnn" / "medium_n_a-seed0.json").read_text())
    assert record["versions"]["backend"].startswith("jax ")
    assert record["parameters"] == {"total": 2_440_615, "trainable": 2_438_311, "non_trainable": 2_304}
    assert math.isfinite(record["history"]["loss"][0]) and len(record["history"]["loss"]) == 1
    assert record["metrics"]["PrivateTest"]["n"] == 500

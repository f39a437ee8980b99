"""The networks and their training do not depend on the backend: a tiny run on JAX."""

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


def test_a_tiny_run_on_jax(tmp_path):
    pytest.importorskip("jax")
    environment = os.environ | {"KERAS_BACKEND": "jax", "FER_STATE_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "runs" / "uvic_cnn" / "medium_n_a-seed0.json").read_text())
    assert record["versions"]["backend"].startswith("jax ")
    assert record["parameters"] == {"total": 2_440_615, "trainable": 2_438_311, "non_trainable": 2_304}
    assert math.isfinite(record["history"]["loss"][0]) and len(record["history"]["loss"]) == 1
    assert record["metrics"]["PrivateTest"]["n"] == 500

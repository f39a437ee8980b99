"""What every test run shares: empty folders for results and state, a quiet backend, real data or a skip.

nbval runs load this file too (`make nbval`); their kernels inherit the environment that is set here.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from fer_helpers import paths  # noqa: E402


def pytest_configure(config):
    """Isolate the run before any kernel or test process starts."""
    config.fer_folder = Path(tempfile.mkdtemp(prefix="fer-tests-"))
    os.environ["FER_RESULTS_DIR"] = str(config.fer_folder / "results")
    os.environ["FER_STATE_DIR"] = str(config.fer_folder / "state")
    os.environ["PYTHONPATH"] = str(ROOT)  # kernels and subprocesses find fer_helpers wherever they start
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if config.getoption("nbval", False):  # stored outputs are those of a machine without FER2013
        os.environ["FER_DATA_DIR"] = str(config.fer_folder / "no-data")


def pytest_unconfigure(config):
    """Leave nothing behind."""
    shutil.rmtree(getattr(config, "fer_folder", ""), ignore_errors=True)


def pytest_collection_modifyitems(items):
    """Skip what needs FER2013 where it is absent."""
    if not any(paths.data_dir().glob("fer2013.csv*")):
        reason = f"FER2013 is not in {paths.data_dir()} (see data/README.md)"
        for item in items:
            if item.get_closest_marker("real_data"):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collectstart(collector):
    """Tell nbval what not to compare.

    TensorFlow writes to stderr at random, and the HTML of a table says the same as its text.
    """
    if collector.__class__.__name__ == "IPyNbFile":
        collector.skip_compare += ("stderr", "text/html")

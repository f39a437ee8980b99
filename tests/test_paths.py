"""Folders and files: what a kill, a full disk or a wrong folder leaves behind."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from fer_helpers import paths
from fer_helpers.errors import FerError


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    for variable, folder in (
        ("FER_DATA_DIR", paths.data_dir),
        ("FER_STATE_DIR", paths.state_dir),
        ("FER_RESULTS_DIR", lambda: paths.results_dir("quick")),
    ):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert folder() == tmp_path / variable
        monkeypatch.setenv(variable, "")
        assert tmp_path not in folder().parents
    assert paths.results_dir("quick") == paths.ROOT / "reports" / "quick"
    assert paths.ROOT not in paths.state_dir().parents  # caches never land in the work tree


def test_atomic_write_makes_folders_and_keeps_the_suffix(tmp_path):
    target = tmp_path / "new" / "folder" / "run-seed0.npz"
    with paths.atomic_write(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".npz"
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, error):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(error), paths.atomic_write(target) as temporary:
        temporary.write_text("hal")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_kill_during_a_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    script = (
        "import os, signal, sys; from pathlib import Path; from fer_helpers import paths\n"
        "with paths.atomic_write(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('hal')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(target)], cwd=paths.ROOT)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_a_full_disk_and_a_file_in_the_folders_place_are_explained(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FerError, match="Cannot write .*file/a.json"),
        paths.atomic_write(tmp_path / "file" / "a.json"),
    ):
        pass

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with (
        pytest.raises(FerError, match="No space left on device.*Free some disk"),
        paths.atomic_write(tmp_path / "a"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

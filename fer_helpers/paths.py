"""Where everything lives, and how a file is written: to a temporary name first, then renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from fer_helpers.errors import FerError

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"


def data_dir() -> Path:
    """Folder searched for FER2013 and FER+: `FER_DATA_DIR`, or `data/fer2013/` in the project."""
    return Path(os.environ.get("FER_DATA_DIR") or DATA / "fer2013").expanduser()


def state_dir() -> Path:
    """Folder for caches and checkpoints: `FER_STATE_DIR`, or the user's cache folder. Never the work tree."""
    return Path(os.environ.get("FER_STATE_DIR") or platformdirs.user_cache_dir("fer_course")).expanduser()


def results_dir(profile: str) -> Path:
    """Folder of a profile's run records and reports: `FER_RESULTS_DIR`, or `reports/<profile>/`."""
    return Path(os.environ.get("FER_RESULTS_DIR") or REPORTS / profile).expanduser()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    The temporary name keeps the suffix, because Keras and NumPy choose the format by it.
    Raises FerError when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=".writing-", suffix="".join(path.suffixes[-2:]), dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o644)  # mkstemp makes private files; records and reports are for everyone
        os.replace(temporary, path)
    except OSError as error:
        raise FerError(
            f"Cannot write {path}: {error.strerror or error}. Free some disk space or choose a folder you may write to."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)

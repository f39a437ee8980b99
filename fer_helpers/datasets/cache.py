"""Cache of data sets as they were read: parsing FER2013's 300 MB of text takes seconds, loading its array a
tenth.
"""

import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError
from fer_helpers.labels import IMAGE_SIZE

FORMAT = 1  # raise it when what is read or stored changes


def cached(path: Path, read: Callable[[Path], dict]) -> dict:
    """Call `read(path)`, or take its answer from the cache if no file at or below `path` has changed since.

    A changed path, size, modification time or FORMAT makes the cache stale; a damaged one is built again with
    a warning.
    """
    path = path.resolve()
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    stamps = [(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    key = sha256(repr((FORMAT, read.__module__, stamps)).encode()).hexdigest()
    cache = (
        paths.state_dir() / "datasets" / f"{path.stem[:40]}-{sha256(str(path).encode()).hexdigest()[:12]}.npz"
    )
    if cache.is_file():
        try:
            with np.load(cache, allow_pickle=False) as stored:
                if str(stored["key"]) == key:
                    content = {name: stored[name] for name in ("images", "labels", "splits")}
                    if content["images"].shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
                        raise ValueError("images of another size")
                    return content | {name: tuple(stored[name].tolist()) for name in ("classes", "notes")}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(f"The cache {cache} is damaged ({error}) and is built again.", stacklevel=2)
    content = read(path)
    content |= {name: tuple(content[name]) for name in ("classes", "notes")}
    try:
        with paths.atomic_write(cache) as temporary:
            np.savez(temporary, key=key, **content | {"notes": np.array(content["notes"], "U")})
    except FerError as error:
        warnings.warn(f"Without a cache each load takes as long as the first: {error}", stacklevel=2)
    return content

"""FER2013's CSV file, `fer2013.csv` or `icml_face_data.csv`, plain or packed, read row by row and checked."""

import csv
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, IMAGE_SIZE, SPLITS

PIXELS = IMAGE_SIZE * IMAGE_SIZE
NAMES = ("fer2013.csv", "icml_face_data.csv")
CUT_OFF = "the file is cut off or damaged, download it again."
PACKING_ERRORS = (
    OSError, EOFError, ValueError, csv.Error, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile
)  # fmt: skip
_LEVEL = {str(level): level for level in range(256)}  # a dictionary both parses and checks, and is fast
_LABEL = {str(label): label for label in range(len(EMOTIONS))}


def member_name(path: Path) -> str | None:
    """Name of the CSV inside a zip archive, None if it has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return next((name for name in archive.namelist() if Path(name).name in NAMES), None)
    except (OSError, zipfile.BadZipFile) as error:
        raise FerError(f"{path} is damaged or incomplete ({error}); download it again.") from error


@contextmanager
def _open(path: Path) -> Iterator[io.TextIOBase]:
    """Open a CSV, plain or packed, as text; name `path` in every error of the file or its packing."""
    try:
        with ExitStack() as stack:
            if path.suffix == ".zip":
                name = member_name(path)
                stream = name and stack.enter_context(zipfile.ZipFile(path)).open(name)
            elif path.name.endswith((".tar.gz", ".tgz")):
                archive = stack.enter_context(tarfile.open(path, "r:gz"))
                stream = next((archive.extractfile(m) for m in archive if Path(m.name).name in NAMES), None)
            else:
                stream = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)(path, "rb")
            if stream is None:
                raise FerError(
                    f"{path} holds none of {', '.join(NAMES)}; unpack it if it holds image folders."
                )
            yield io.TextIOWrapper(stack.enter_context(stream), encoding="utf-8-sig", newline="")
    except PACKING_ERRORS as error:
        raise FerError(
            f"{path} is damaged, incomplete or not a CSV file ({error}); download it again."
        ) from error


def content(images: np.ndarray, labels: list[int], splits: list[str], notes: list[str]) -> dict:
    """Put what a reader found into the form that all readers return."""
    return {
        "images": images,
        "labels": np.array(labels, np.int64),
        "splits": np.array(splits, "U11"),
        "classes": EMOTIONS,
        "notes": notes,
    }


def _pixels(text: str, where: str) -> bytes:
    tokens = text.split()
    if len(tokens) != PIXELS:
        raise FerError(f"{where}: {len(tokens):,} pixels instead of {PIXELS:,}; {CUT_OFF}")
    try:
        return bytes(map(_LEVEL.__getitem__, tokens))
    except KeyError as error:
        raise FerError(f"{where}: the pixel {error} is not a whole number from 0 to 255; {CUT_OFF}") from None


def read(path: Path) -> dict:
    """Read the CSV, plain or packed; columns `emotion`, `pixels`, `Usage` in any order.

    Returns images (n, 48, 48) uint8, labels (n,) int64, splits (n,) str, classes and notes. Raises FerError
    naming file, line and fault for a missing column, a row of another length, a bad pixel, label or split.
    """
    levels, labels, splits = bytearray(), [], []
    with _open(path) as stream:
        reader = csv.reader(stream)
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in ("emotion", "pixels", "Usage") if name.lower() not in header]
        if missing:
            raise FerError(
                f"{path}: the first line names no column {' or '.join(missing)}; use Kaggle's fer2013.csv."
            )
        emotion, pixels, usage = map(header.index, ("emotion", "pixels", "usage"))
        for row in filter(None, reader):  # a blank line is no row
            where = f"{path}, line {reader.line_num}"
            if len(row) != len(header):
                raise FerError(f"{where}: {len(row)} fields instead of {len(header)}; {CUT_OFF}")
            label, split = row[emotion].strip(), row[usage].strip()
            if label not in _LABEL:
                raise FerError(f"{where}: the label {label!r} is not a number from 0 to 6.")
            if split not in SPLITS:
                raise FerError(f"{where}: the split {split!r} is none of {', '.join(SPLITS)}.")
            levels += _pixels(row[pixels], where)
            labels.append(_LABEL[label])
            splits.append(split)
    if not labels:
        raise FerError(f"{path} has a header but no rows; download it again.")
    images = np.frombuffer(levels, np.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    return content(images, labels, splits, [])

"""facekit48, the embedded data set: 4,500 rendered faces with known action units, landmarks, pose and people.

`read` opens data/facekit48.npz; data/facekit_card.md says what the pictures are good for. `generate` made the file.
"""

import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError
from fer_helpers.labels import IMAGE_SIZE

PATH = paths.DATA / "facekit48.npz"
LANDMARK_STEP = 16  # landmarks are stored in sixteenths of a pixel
# Everything that NumPy, zip and OpenCV may raise at a file that is missing, cut short or something else.
BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError,
          zipfile.BadZipFile, zlib.error, cv2.error)  # fmt: skip


def read(path: str | Path = PATH) -> dict[str, np.ndarray]:
    """Open the data set. Raises FerError when the file is missing, cut short or something else.

    Returns images (n, 48, 48) uint8; labels (n,) int64 into EMOTIONS; splits (n,) int64 into SPLITS; votes
    (n, 7) uint8, columns as EMOTIONS; landmarks (n, 68, 2) float32, x then y in pixels, the centre of the
    first pixel at (0, 0); identities (n,) uint16; action_units (n, k) float32, mean of left and right, named
    by action_unit_names (k,); pose (n, 3) float32, yaw, pitch, roll in radians; intensity (n,) float32, 0 for
    neutral; light (n, 2) float32, azimuth and elevation of the key light in radians.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            data = {name: stored[name] for name in stored.files}
        stream, ends = data.pop("jpeg_bytes"), np.cumsum(data.pop("jpeg_sizes"), dtype=np.int64)
        images = [cv2.imdecode(piece, cv2.IMREAD_GRAYSCALE) for piece in np.split(stream, ends[:-1])]
        data["images"] = np.stack(images).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
        data["landmarks"] = data["landmarks"].astype(np.float32) / LANDMARK_STEP
        for name in ("labels", "splits"):
            data[name] = data[name].astype(np.int64)
        for name in ("action_units", "pose", "intensity", "light"):
            data[name] = data[name].astype(np.float32)
        if any(len(data[name]) != len(images) for name in ("labels", "votes", "identities", "landmarks")):
            raise ValueError("columns of different length")
    except BROKEN as error:
        what = "is missing" if not Path(path).exists() else "is not the complete face data set"
        raise FerError(f"{path} {what}: restore it with `git checkout data/facekit48.npz`.") from error
    return data

"""The 3-D face model of the rendered data set: ICT-FaceKit, read once from its OBJ files.

ICT-FaceKit (USC Institute for Creative Technologies, 2020, MIT licence) gives a neutral head, 100 identity
modes and 53 expression shapes. Lengths are centimetres, x to the subject's left (right in the picture), y up,
z to the camera.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError

# Vertex ranges of the parts (upstream README). What follows 24,591 is semi-transparent and left out.
PARTS = {
    "face": slice(0, 9409), "head": slice(9409, 11248), "skin": slice(0, 11248), "mouth": slice(11248, 13294),
    "sockets": slice(13294, 14062), "gums": slice(14062, 17039), "teeth": slice(17039, 21451),
    "left_sclera": slice(21451, 22221), "left_iris": slice(22221, 23021),
    "right_sclera": slice(23021, 23791), "right_iris": slice(23791, 24591),
}  # fmt: skip
VERTICES, MODES = 24591, 100


@dataclass(frozen=True, eq=False)
class FaceModel:
    """The mesh: `neutral` (v, 3); added to it `identity` (100, v, 3) and `shapes` (name -> (v, 3)).

    `triangles` (t, 3) and `landmarks` (68,) hold vertex numbers.
    """

    neutral: np.ndarray
    identity: np.ndarray
    shapes: dict[str, np.ndarray]
    triangles: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True, eq=False)
class Head:
    """One person with a neutral face, ready to be moved and drawn (made by people.build_head).

    `vertices` (v, 3); `paint` (v, 3): albedo, gloss, hair; `hair_shift` (v, 3) is added after the expression;
    `wrinkles`: action unit -> mask (v,) of the skin that it darkens by `wrinkle_depth`.
    """

    vertices: np.ndarray
    paint: np.ndarray
    hair_shift: np.ndarray
    wrinkles: dict[str, np.ndarray] = field(default_factory=dict)
    hair_phase: float = 0.0
    wrinkle_depth: float = 0.3


def load_model(path: str | Path | None = None) -> FaceModel:
    """Read ICT-FaceKit from its folder, or from the copy that an earlier call has cached.

    The 154 OBJ files (390 MB of text, 10 s) become one 45 MB file in the state folder. Without `path` the
    folder is `FER_FACEKIT_DIR`, or the cached copy alone. Raises FerError when a file is missing or broken.
    """
    cache = paths.state_dir() / "model.npz"
    folder = path or os.environ.get("FER_FACEKIT_DIR")
    if folder is not None:
        folder = Path(folder).expanduser()
        folder = folder / "FaceXModel" if (folder / "FaceXModel").is_dir() else folder
        _check_folder(folder)
    elif not cache.exists():
        raise _missing("no folder was given")
    if not cache.exists():
        with paths.atomic_write(cache) as temporary:
            np.savez(temporary, **_convert(folder))
    try:
        with np.load(cache, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        shapes = dict(zip(arrays["shape_names"].tolist(), arrays["shapes"], strict=True))
        rest = (arrays[name] for name in ("triangles", "landmarks"))
        return FaceModel(arrays["neutral"], arrays["identity"], shapes, *rest)
    except (OSError, ValueError, KeyError) as error:
        raise FerError(f"The cached face model {cache} is broken: delete it and run again.") from error


def _missing(what: str) -> FerError:
    return FerError(
        f"ICT-FaceKit is not complete ({what}): "
        "run `git clone https://github.com/ICT-VGL/ICT-FaceKit` and give its folder."
    )


def _shape_names(folder: Path) -> list[str]:
    try:
        return json.loads((folder / "vertex_indices.json").read_text())["expressions"]
    except (OSError, ValueError, KeyError) as error:
        raise _missing(f"{folder / 'vertex_indices.json'} cannot be read") from error


def _check_folder(folder: Path) -> None:
    names = ["generic_neutral_mesh", *(f"identity{k:03d}" for k in range(MODES)), *_shape_names(folder)]
    absent = [name for name in names if not (folder / f"{name}.obj").is_file()]
    if absent:
        raise _missing(f"{folder / absent[0]}.obj and {len(absent) - 1} more are not there")


def _convert(folder: Path) -> dict[str, np.ndarray]:
    """Parse the OBJ files; polygons become fans of triangles, the hidden iris meshes are left out."""

    def vertices(name: str) -> np.ndarray:
        lines = (folder / f"{name}.obj").read_text().splitlines()
        rows = [line.split()[1:4] for line in lines if line.startswith("v ")][:VERTICES]
        if len(rows) != VERTICES:
            raise _missing(f"{name}.obj has {len(rows)} of {VERTICES} vertices")
        return np.array(rows, np.float32)

    neutral, triangles = vertices("generic_neutral_mesh"), []
    hidden = [PARTS["left_iris"], PARTS["right_iris"]]
    for line in (folder / "generic_neutral_mesh.obj").read_text().splitlines():
        if line.startswith("f "):
            corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
            if max(corners) < VERTICES and not any(part.start <= corners[0] < part.stop for part in hidden):
                triangles += [(corners[0], b, c) for b, c in zip(corners[1:-1], corners[2:], strict=True)]
    names = _shape_names(folder)
    landmarks = json.loads((folder / "vertex_indices.json").read_text())["idx_to_landmark_verts"]
    return {
        "neutral": neutral,
        "identity": np.stack([vertices(f"identity{k:03d}") - neutral for k in range(MODES)]),
        "shapes": np.stack([vertices(name) - neutral for name in names]),
        "shape_names": np.array(names),
        "triangles": np.array(triangles, np.int32),
        "landmarks": np.array(landmarks, np.int32),
    }


def blend(base: np.ndarray, shapes: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """`base` (v, 3) plus the weighted shapes, added in the given order so that it repeats everywhere."""
    result = base.astype(np.float32, copy=True)
    for weight, shape in shapes:
        result += np.float32(weight) * shape
    return result

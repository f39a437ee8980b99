"""From a 3-D face to a grey picture: the ICT-FaceKit mesh, a numba z-buffer, a camera and lights.

ICT-FaceKit (USC Institute for Creative Technologies, 2020, MIT licence) gives a neutral head, 100 identity modes and 53
expression shapes. Lengths are centimetres, x to the subject's left (right in the picture), y up, z to the camera.
Nothing here depends on the order or the number of workers: no fast-math, no parallel sums.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fer_helpers import paths
from fer_helpers.errors import FerError

try:
    from numba import njit
except ImportError as error:
    raise FerError(
        "The face renderer needs numba, an optional extra: run `pip install numba`, or use data/facekit48.npz as it is."
    ) from error

# Vertex ranges of the parts (upstream README). What follows 24,591 is semi-transparent and left out.
PARTS = {
    "face": slice(0, 9409), "head": slice(9409, 11248), "skin": slice(0, 11248), "mouth": slice(11248, 13294),
    "sockets": slice(13294, 14062), "gums": slice(14062, 17039), "teeth": slice(17039, 21451),
    "left_sclera": slice(21451, 22221), "left_iris": slice(22221, 23021),
    "right_sclera": slice(23021, 23791), "right_iris": slice(23791, 24591),
}  # fmt: skip
VERTICES, MODES = 24591, 100
ALBEDO, GLOSS, HAIR, SHADOW, NORMAL, PLACE = 0, 1, 2, 3, slice(4, 7), slice(7, 10)  # columns of a vertex


@dataclass(frozen=True, eq=False)
class FaceModel:
    """The mesh: `neutral` (v, 3), `identity` (100, v, 3), `shapes` name -> (v, 3), `triangles` (t, 3), 68 `landmarks`."""

    neutral: np.ndarray
    identity: np.ndarray
    shapes: dict[str, np.ndarray]
    triangles: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True)
class Camera:
    """Pose of the head (`yaw`, `pitch`, `roll` in radians) and of the crop (`zoom` as a logarithm, `shift` in sides)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    distance: float = 70.0


@dataclass(frozen=True)
class Light:
    """Strengths of the ambient, key and fill light, direction of the key light (radians), and the exposure after it."""

    ambient: float = 0.36
    key: float = 0.75
    azimuth: float = 0.5
    elevation: float = 0.5
    fill: float = 0.15
    shadow: float = 0.7
    contrast: float = 1.25
    offset: float = 0.0


@dataclass(frozen=True, eq=False)
class Head:
    """One person with a neutral face: `vertices` (v, 3) and `paint` (v, 3: albedo, gloss, hair), see facekit_people."""

    vertices: np.ndarray
    paint: np.ndarray
    hair_shift: np.ndarray
    wrinkles: dict[str, np.ndarray] = field(default_factory=dict)
    hair_phase: float = 0.0
    wrinkle_depth: float = 0.3


def load_model(path: str | Path | None = None) -> FaceModel:
    """Read ICT-FaceKit from its repository or FaceXModel folder, or from the copy that an earlier call has cached.

    The 154 OBJ files (390 MB of text, 10 s) become one 45 MB file in the state folder. Without `path` the folder
    is `FER_FACEKIT_DIR`, or the cached copy alone. Raises FerError when a file is missing or broken.
    """
    cache = paths.state_dir() / "facekit_model.npz"
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
        return FaceModel(arrays["neutral"], arrays["identity"], shapes, arrays["triangles"], arrays["landmarks"])
    except (OSError, ValueError, KeyError) as error:
        raise FerError(f"The cached face model {cache} is broken: delete it and run again.") from error


def _missing(what: str) -> FerError:
    return FerError(
        f"ICT-FaceKit is not complete ({what}): run `git clone https://github.com/ICT-VGL/ICT-FaceKit` and give its folder."
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
    """Parse the OBJ files: vertices as they stand, polygons as fans of triangles without the hidden iris meshes."""

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
    """`base` (v, 3) plus the weighted sum of shapes, added in the given order so that it repeats on every machine."""
    result = base.astype(np.float32, copy=True)
    for weight, shape in shapes:
        result += np.float32(weight) * shape
    return result


@njit(cache=True)
def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (v, 3), the area-weighted mean of those of the triangles around each vertex."""
    normals = np.zeros_like(vertices)
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        u, w = vertices[b] - vertices[a], vertices[c] - vertices[a]
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            n = u[i] * w[j] - u[j] * w[i]
            normals[a, k] += n
            normals[b, k] += n
            normals[c, k] += n
    for v in range(len(normals)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        for k in range(3):
            normals[v, k] /= max(length, 1e-12)
    return normals


@njit(cache=True)
def rasterise(screen: np.ndarray, attributes: np.ndarray, triangles: np.ndarray, size: int):
    """Draw triangles into a z-buffer of `size` x `size` pixels.

    `screen` (v, 3): column, row (centre of the first pixel at 0, 0) and a depth that grows towards the camera.
    `attributes` (v, k) are interpolated. Triangles that turn their back (clockwise in a picture whose rows grow
    downwards show their front) are skipped. Returns depth (size, size), -1e9 where nothing is, and (size, size, k).
    """
    depth = np.full((size, size), np.float32(-1e9), np.float32)
    image = np.zeros((size, size, attributes.shape[1]), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        xa, ya, xb, yb, xc, yc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area >= -1e-9:  # rows grow downwards, so a counter-clockwise front has a negative area
            continue
        left, right = max(int(np.ceil(min(xa, xb, xc))), 0), min(int(np.floor(max(xa, xb, xc))), size - 1)
        top, bottom = max(int(np.ceil(min(ya, yb, yc))), 0), min(int(np.floor(max(ya, yb, yc))), size - 1)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wa = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) / area
                wb = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) / area
                wc = 1.0 - wa - wb
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                z = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    for k in range(attributes.shape[1]):
                        image[y, x, k] = wa * attributes[a, k] + wb * attributes[b, k] + wc * attributes[c, k]
    return depth, image


@njit(cache=True)
def _lit(screen: np.ndarray, depth: np.ndarray, bias: float) -> np.ndarray:
    """Share of the 3 x 3 light-map pixels around each vertex that are not clearly in front of it."""
    size, result = len(depth), np.ones(len(screen), np.float32)
    for v in range(len(screen)):
        x, y, free, seen = int(np.rint(screen[v, 0])), int(np.rint(screen[v, 1])), 0, 0
        for j in range(max(y - 1, 0), min(y + 2, size)):
            for i in range(max(x - 1, 0), min(x + 2, size)):
                seen += 1
                free += depth[j, i] < screen[v, 2] + bias
        if seen:
            result[v] = free / seen
    return result


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation matrix (3, 3): first roll about z, then pitch about x, then yaw about y."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    turn_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (turn_y @ turn_x @ turn_z).astype(np.float32)


class View:
    """The camera set up for one head: nasion to chin takes .57 of the side and is centred at .635 of the height."""

    def __init__(self, neutral_landmarks: np.ndarray, camera: Camera, size: int) -> None:
        """`neutral_landmarks` (68, 3) place the crop, so that an open mouth does not move it; `size` in pixels."""
        self.size, self.camera = size, camera
        self.turn = rotation(camera.yaw, camera.pitch, camera.roll)
        self.pivot = neutral_landmarks[[0, 16]].mean(0)  # the head turns about the point between the ears
        nasion, chin = ((neutral_landmarks[k] - self.pivot) for k in (27, 8))
        self.focal = 0.57 * np.exp(camera.zoom) * size * (camera.distance - nasion[2]) / (nasion[1] - chin[1])
        middle = self.turn @ ((nasion + chin) / 2)
        middle = middle[:2] * self.focal / (camera.distance - middle[2])
        self.centre = np.array([0.5 + camera.shift[0], 0.635 + camera.shift[1]]) * size - 0.5 - middle * (1, -1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) centimetres -> (n, 3) column, row and depth; the centre of the first pixel is (0, 0)."""
        turned = (points - self.pivot) @ self.turn.T
        scale = self.focal / (self.camera.distance - turned[:, 2])
        x, y = self.centre[0] + turned[:, 0] * scale, self.centre[1] - turned[:, 1] * scale
        return np.stack([x, y, turned[:, 2]], 1).astype(np.float32)


def draw(model: FaceModel, head: Head, vertices: np.ndarray, paint: np.ndarray, camera: Camera, light: Light, size: int):
    """Shade one face. `vertices` (v, 3) carry the expression, `paint` (v, 3) the wrinkled skin.

    Returns the brightness (size, size) before exposure, the mask of the face and the View that was used.
    """
    view = View(head.vertices[model.landmarks], camera, size)
    full = vertices + head.hair_shift
    attributes = np.empty((len(full), 10), np.float32)
    attributes[:, :3], attributes[:, PLACE] = paint, full - view.pivot
    attributes[:, NORMAL] = vertex_normals(full, model.triangles) @ view.turn.T
    attributes[:, SHADOW] = _shadows(model, (full - view.pivot) @ view.turn.T, light)
    depth, pixels = rasterise(view.project(full), attributes, model.triangles, size)
    mask = depth > -1e8
    return _shade(pixels, np.where(mask, depth, 0), mask, light, head.hair_phase), mask, view


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    x, y, z = np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)
    return np.array([x, y, z], np.float32)


def _shadows(model: FaceModel, turned: np.ndarray, light: Light, size: int = 128) -> np.ndarray:
    """Share of key light (v,) that reaches each vertex: a z-buffer seen from the light, 26 cm wide."""
    seen = turned @ rotation(light.azimuth, -light.elevation, 0.0)  # the transpose: the light looks along -z
    seen = seen * np.array([size / 26, -size / 26, 1], np.float32) + np.array([size / 2, size / 2, 0], np.float32)
    depth, _ = rasterise(seen, np.zeros((len(seen), 1), np.float32), model.triangles, size)
    return _lit(seen, depth, bias=0.45)


def _shade(pixels: np.ndarray, depth: np.ndarray, mask: np.ndarray, light: Light, phase: float) -> np.ndarray:
    """Phong shading with a crevice term (what lies deeper than its surroundings is darker) and streaks in the hair."""
    albedo, gloss, hair, lit = (pixels[..., k] for k in (ALBEDO, GLOSS, HAIR, SHADOW))
    normal = pixels[..., NORMAL] / np.maximum(np.linalg.norm(pixels[..., NORMAL], axis=-1, keepdims=True), 1e-6)
    key = _direction(light.azimuth, light.elevation)
    lit = 1 - light.shadow * (1 - lit)
    brightness = light.ambient * (0.75 + 0.25 * normal[..., 1])
    brightness += light.key * lit * np.maximum(normal @ key, 0)
    brightness += light.fill * np.maximum(normal @ _direction(-1.2 * np.sign(light.azimuth), 0.1), 0)
    half = key + np.array([0, 0, 1], np.float32)
    shine = np.maximum(normal @ (half / np.linalg.norm(half)), 0)
    radius = 0.035 * len(depth)
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), radius)
    around = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), radius) / np.maximum(weight, 1e-3)
    crevice = 1 - np.clip(0.45 * (around - depth), 0, 0.4)
    x, y, z = (pixels[..., PLACE][..., k] for k in range(3))
    angle = np.arctan2(x, z + 5) * 14 + 0.35 * np.sin(0.8 * y + phase)
    streaks = np.sin(angle + phase) + np.sin(2.3 * angle + 2 * phase) + np.sin(4.1 * angle + 0.6 * y)
    albedo = albedo * (1 + 0.16 * np.clip(hair, 0, 1) * streaks)
    return albedo * brightness * crevice + light.key * lit * gloss * (0.35 * shine**12 + 0.65 * shine**60)


def expose(brightness: np.ndarray, light: Light) -> np.ndarray:
    """Brightness -> grey value in 0..1: film-like shoulder, gamma 1/1.6, contrast about .6 and offset."""
    brightness = np.maximum(brightness, 0)
    grey = (1.25 * brightness / (1 + 0.45 * brightness)) ** (1 / 1.6)
    return (grey - 0.6) * light.contrast + 0.58 + light.offset

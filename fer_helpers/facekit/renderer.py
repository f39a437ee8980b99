"""From a 3-D face to a grey picture: a camera, lights, a numba z-buffer and Phong shading.

Nothing here depends on the order or the number of workers: no fast-math, no parallel sums.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fer_helpers.errors import FerError
from fer_helpers.facekit.model import FaceModel, Head

try:
    from numba import njit
except ImportError as error:
    raise FerError(
        "Drawing faces needs numba: run `pip install numba`, or use data/facekit48.npz as it is."
    ) from error

# Columns of what a vertex carries through the z-buffer.
ALBEDO, GLOSS, HAIR, SHADOW, NORMAL, PLACE = 0, 1, 2, 3, slice(4, 7), slice(7, 10)


@dataclass(frozen=True)
class Camera:
    """Pose of the head (`yaw`, `pitch`, `roll` in radians) and crop (`zoom` as a logarithm, `shift` in
    sides).

    A positive yaw turns the face to the right of the picture, a positive pitch down, a positive roll leans
    its top to the left of the picture. `distance` in centimetres.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    distance: float = 70.0


@dataclass(frozen=True)
class Light:
    """Strengths of ambient, key and fill light, direction of the key light in radians, and the exposure.

    A positive azimuth lights the picture from its right, a positive elevation from above.
    """

    ambient: float = 0.36
    key: float = 0.75
    azimuth: float = 0.5
    elevation: float = 0.5
    fill: float = 0.15
    shadow: float = 0.7
    contrast: float = 1.25
    offset: float = 0.0


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

    `screen` (v, 3): column, row (centre of the first pixel at 0, 0) and a depth that grows towards the
    camera. `attributes` (v, k) are interpolated. A triangle whose corners run clockwise as seen turns its
    back and is skipped. Returns depth (size, size), -1e9 where nothing is, and the attributes (size, size,
    k).
    """
    depth = np.full((size, size), np.float32(-1e9), np.float32)
    image = np.zeros((size, size, attributes.shape[1]), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        xa, ya, za = screen[a]
        xb, yb, zb = screen[b]
        xc, yc, zc = screen[c]
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
                if min(wa, wb, wc) < -1e-5:  # rounding must not open cracks between neighbours
                    continue
                z = wa * za + wb * zb + wc * zc
                if z > depth[y, x]:
                    depth[y, x] = z
                    for k in range(attributes.shape[1]):
                        value = wa * attributes[a, k] + wb * attributes[b, k]
                        image[y, x, k] = value + wc * attributes[c, k]
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
    """The camera set up for one head: nasion to chin takes .57 of the side, centred at .635 of the height."""

    def __init__(self, neutral_landmarks: np.ndarray, camera: Camera, size: int) -> None:
        """`neutral_landmarks` (68, 3) place the crop, so an open mouth does not move it; `size` in pixels."""
        self.size, self.camera = size, camera
        self.turn = rotation(camera.yaw, camera.pitch, camera.roll)
        self.pivot = neutral_landmarks[[0, 16]].mean(0)  # the head turns about the point between the ears
        nasion, chin = ((neutral_landmarks[k] - self.pivot) for k in (27, 8))
        self.focal = 0.57 * np.exp(camera.zoom) * size * (camera.distance - nasion[2]) / (nasion[1] - chin[1])
        middle = self.turn @ ((nasion + chin) / 2)
        middle = middle[:2] * self.focal / (camera.distance - middle[2])
        crop = np.array([0.5 + camera.shift[0], 0.635 + camera.shift[1]])
        self.centre = crop * size - 0.5 - middle * (1, -1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) centimetres -> (n, 3) column, row and depth; the centre of the first pixel is (0, 0)."""
        turned = (points - self.pivot) @ self.turn.T
        scale = self.focal / (self.camera.distance - turned[:, 2])
        x, y = self.centre[0] + turned[:, 0] * scale, self.centre[1] - turned[:, 1] * scale
        return np.stack([x, y, turned[:, 2]], 1).astype(np.float32)


def draw(
    model: FaceModel,
    head: Head,
    vertices: np.ndarray,
    paint: np.ndarray,
    camera: Camera,
    light: Light,
    size: int,
) -> tuple[np.ndarray, np.ndarray, View]:
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
    seen = seen * np.array([size / 26, -size / 26, 1], np.float32)
    seen += np.array([size / 2, size / 2, 0], np.float32)
    depth, _ = rasterise(seen, np.zeros((len(seen), 1), np.float32), model.triangles, size)
    return _lit(seen, depth, bias=0.45)


def _shade(pixels: np.ndarray, depth: np.ndarray, mask: np.ndarray, light: Light, phase: float) -> np.ndarray:
    """Phong shading, darker in crevices (deeper than what is around them), with streaks in the hair."""
    albedo, gloss, hair, lit = (
        pixels[..., k]
        for k in (  # Columns of what a vertex carries through the z-buffer.
            ALBEDO,
            GLOSS,
            HAIR,
            SHADOW,
        )
    )
    normal = pixels[..., NORMAL]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
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

"""From a face to a picture: `render` gives the plain view of an exact expression, `photograph` a snapshot.

Person, expression, camera and light are separate, so an experiment can move one and hold the others.
"""

import cv2
import numpy as np

from fer_helpers.facekit.expressions import mean_weight, shape_weights
from fer_helpers.facekit.model import FaceModel, Head, blend
from fer_helpers.facekit.people import Person, build_head
from fer_helpers.facekit.renderer import Camera, Light, draw, expose
from fer_helpers.labels import IMAGE_SIZE

OVERSAMPLING = 3  # pixels are drawn 3 x 3 times and averaged
PUPILS = 6.4  # centimetres from eye to eye, the yardstick of the glasses


def render(
    model: FaceModel,
    person: Person | Head,
    action_units: dict[str, float],
    camera: Camera | None = None,
    light: Light | None = None,
    size: int = IMAGE_SIZE,
) -> np.ndarray:
    """Picture (size, size) uint8 of a person with exactly these action units, on plain grey, without noise.

    `action_units` as in `expressions`, {"AU4": 1.0}. Without `camera` and `light` the view is frontal
    and the light fixed. Build the Head once (people.build_head) to draw one person often. Raises
    FerError for an action unit that has no shape.
    """
    head = build_head(model, person) if isinstance(person, Person) else person
    light = light or Light()
    picture, mask, _ = _draw(model, head, action_units, camera or Camera(), light, size)
    return _to_bytes(_shrink(np.where(mask, picture, 0.5)))


def _draw(
    model: FaceModel, head: Head, action_units: dict[str, float], camera: Camera, light: Light, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey values (3 size, 3 size) of the face, its mask, and the 68 landmarks in pixels of the picture."""
    weights = shape_weights(action_units)
    vertices = blend(head.vertices, [(weight, model.shapes[name]) for name, weight in weights.items()])
    paint = head.paint.copy()
    for unit, fold in head.wrinkles.items():
        depth = head.wrinkle_depth * min(mean_weight(action_units, unit), 1.3)
        paint[:, 0] *= 1 - np.float32(depth) * fold
    brightness, mask, view = draw(model, head, vertices, paint, camera, light, OVERSAMPLING * size)
    landmarks = (view.project(vertices[model.landmarks])[:, :2] + 0.5) / OVERSAMPLING - 0.5
    return expose(brightness, light), mask, landmarks


def _shrink(picture: np.ndarray) -> np.ndarray:
    size = len(picture) // OVERSAMPLING
    return picture.reshape(size, OVERSAMPLING, size, OVERSAMPLING).mean((1, 3))


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def sample_camera(rng: np.random.Generator) -> Camera:
    """Draw a pose and an uneven crop; every normal is cut off at 1.6 times the value named here."""

    def around(value: float) -> float:
        return float(np.clip(rng.standard_normal() * value / 1.5, -1.6 * value, 1.6 * value))

    yaw, pitch, roll, zoom = (around(value) for value in (0.20, 0.11, 0.09, 0.07))
    return Camera(yaw, pitch, roll, zoom, (around(0.03), around(0.03)), distance=rng.uniform(45, 110))


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a light and an exposure; the contrast, raised by three tenths, comes near FER2013's."""
    return Light(
        ambient=rng.uniform(0.25, 0.50),
        key=rng.uniform(0.5, 0.8),
        azimuth=rng.uniform(-0.83, 0.83),
        elevation=rng.uniform(-0.06, 0.76),
        fill=rng.uniform(0, 0.35),
        shadow=rng.uniform(0.3, 0.9),
        contrast=1.3 * rng.uniform(0.75, 1.15),
        offset=rng.uniform(-0.06, 0.06),
    )


def _background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Grey values (size, size): constant, gradient, soft noise or blocks."""
    kind, base = rng.integers(4), rng.uniform(0.05, 0.95)
    if kind == 0:
        return np.full((size, size), base)
    if kind == 1:
        angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9)
        across = np.linspace(-0.5, 0.5, size)
        return base + slope * (np.cos(angle) * across[None] + np.sin(angle) * across[:, None])
    cells = int(rng.integers(3, 9))
    grid = (base + rng.uniform(0.08, 0.3) * rng.standard_normal((cells, cells))).astype(np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC if kind == 2 else cv2.INTER_NEAREST)


def _glasses(picture: np.ndarray, landmarks: np.ndarray, half_width: float, dark: float) -> np.ndarray:
    """Frames over the eyes, the bridge of the nose and towards the ears; `half_width` of a lens in cm."""
    points = (landmarks + 0.5) * OVERSAMPLING - 0.5
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    across = left - right
    centimetre, angle = np.linalg.norm(across) / PUPILS, float(np.degrees(np.arctan2(across[1], across[0])))
    down = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    turn = cv2.getRotationMatrix2D((0, 0), -angle, 1)[:, :2]
    oval = cv2.ellipse2Poly((0, 0), (1000, 720), 0, 0, 360, 10) / 1000 * half_width * centimetre
    oval = np.sign(oval) * np.abs(oval) ** 0.75 * np.abs(oval).max() ** 0.25  # towards a rectangle
    canvas, thick = np.zeros(picture.shape, np.uint8), max(int(round(0.28 * centimetre)), 1)
    shift = 4  # sixteenths of a pixel
    for eye in (right, left):
        middle = eye + 0.25 * centimetre * down
        corners = np.rint((oval @ turn.T + middle) * 2**shift).astype(np.int32)
        cv2.polylines(canvas, [corners], True, 255, thick, cv2.LINE_AA, shift)
    half = across * half_width / PUPILS
    bridge = (right + half, left - half)
    arms = ((0.9 * points[0] + 0.1 * right, right - half), (0.9 * points[16] + 0.1 * left, left + half))
    for start, end in (bridge, *arms):
        a, b = (tuple(int(v) for v in np.rint(p * 2**shift)) for p in (start, end))
        cv2.line(canvas, a, b, 255, thick, cv2.LINE_AA, shift)
    cover = canvas / 255.0
    return picture * (1 - cover) + dark * cover


def _hand(rng: np.random.Generator, picture: np.ndarray, skin: float) -> np.ndarray:
    """Four fingers that come in from below and hide a part of the lower face."""
    size = len(picture)
    reach, x = rng.uniform(0.55, 0.85) * size, rng.uniform(0.15, 0.75) * size
    lean, width = rng.uniform(-0.3, 0.3), 0.10 * size
    out = picture.astype(np.float32)
    for finger in range(4):
        tip = (x + finger * width, reach + (0.06, 0.0, 0.02, 0.09)[finger] * size)
        foot = (tip[0] + lean * size * 0.4, 1.15 * size)
        for share in (1.0, 0.8, 0.6, 0.4, 0.2):  # brighter towards the middle, so that a finger looks round
            grey = float(skin ** (1 / 1.6) * (1.0 - 0.35 * share**3))
            ends = [tuple(int(v) for v in np.rint(p)) for p in (tip, foot)]
            cv2.line(out, *ends, grey, max(int(width * share), 1), cv2.LINE_AA)
    return out


def photograph(
    rng: np.random.Generator,
    model: FaceModel,
    person: Person,
    head: Head,
    action_units: dict[str, float],
    camera: Camera,
    light: Light,
) -> tuple[np.ndarray, np.ndarray]:
    """The face as a snapshot: background, glasses, a hand now and then, blur, noise and JPEG.

    Returns the JPEG stream (m,) uint8 and the landmarks (68, 2).
    """
    picture, mask, landmarks = _draw(model, head, action_units, camera, light, IMAGE_SIZE)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    picture = soft * picture + (1 - soft) * _background(rng, len(picture))
    if person.glasses:
        picture = _glasses(picture, landmarks, person.glasses, 0.5 * min(person.hair_colour, 0.3))
    if rng.random() < 0.06:
        picture = _hand(rng, picture, person.skin * (light.ambient + 0.6 * light.key))
    picture = cv2.GaussianBlur(picture, (0, 0), 0.3 + OVERSAMPLING * rng.uniform(0, 0.6))
    picture = _shrink(picture)
    picture = picture + rng.uniform(0, 0.02) * rng.standard_normal(picture.shape)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 96))]
    _, stream = cv2.imencode(".jpg", _to_bytes(picture), quality)
    return stream.ravel(), landmarks

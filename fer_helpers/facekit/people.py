"""People for the rendered data set: what a person looks like with a neutral face, painted on the vertices.

Paint moves with the skin, because every vertex carries its own. Distances are measured on the generic neutral
head, whose vertices mean the same place in every person.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from fer_helpers.facekit.model import MODES, PARTS, FaceModel, Head, blend

EYE_LOOPS = ([36, 37, 38, 39, 40, 41, 36], [42, 43, 44, 45, 46, 47, 42])
UPPER_LIDS, BROWS = ([36, 37, 38, 39], [42, 43, 44, 45]), ([21, 20, 19, 18, 17], [22, 23, 24, 25, 26])


@dataclass(frozen=True, eq=False)
class Person:
    """Everything that stays with a person: `identity` (100,) shape coefficients, and how they are painted."""

    identity: np.ndarray = field(default_factory=lambda: np.zeros(MODES, np.float32))
    skin: float = 0.68
    lips: float = 0.72
    iris: float = 0.22
    brow_width: float = 0.42
    brow_opacity: float = 0.85
    brow_drop: float = 0.25
    beard: float = 0.0
    wrinkles: float = 0.3
    hair: str = "short"  # bald, short, cap or long
    hair_colour: float = 0.08
    hair_depth: float = 0.7
    hairline: float = 0.32
    glasses: float = 0.0  # half width of a lens in centimetres, 0 for none
    phase: float = 0.0  # moves all the noise that is painted on this person


def sample_person(rng: np.random.Generator) -> Person:
    """Draw a person; the shape coefficients are standard normal, clipped at 2.2 standard deviations."""
    skin = rng.uniform(*[(0.62, 0.85), (0.45, 0.65), (0.25, 0.42)][rng.choice(3, p=[0.55, 0.27, 0.18])])
    colour = rng.uniform(*[(0.04, 0.12), (0.15, 0.30), (0.50, 0.75)][rng.choice(3, p=[0.65, 0.22, 0.13])])
    return Person(
        identity=np.clip(rng.standard_normal(MODES), -2.2, 2.2).astype(np.float32),
        skin=skin,
        lips=rng.uniform(0.58, 0.88),
        iris=rng.uniform(0.08, 0.40),
        brow_width=rng.uniform(0.30, 0.58),
        brow_opacity=rng.uniform(0.65, 0.95),
        brow_drop=rng.uniform(0.05, 0.40),
        beard=rng.uniform(0.25, 0.8) if rng.random() < 0.18 else 0.0,
        wrinkles=rng.uniform(0.15, 0.5),
        hair=str(rng.choice(["short", "cap", "long", "bald"], p=[0.42, 0.20, 0.28, 0.10])),
        hair_colour=min(colour, 0.9 * skin),
        hair_depth=rng.uniform(0.4, 1.2),
        hairline=rng.uniform(0.24, 0.40),
        glasses=rng.uniform(1.9, 2.3) if rng.random() < 0.10 else 0.0,
        phase=rng.uniform(0, 6.28),
    )


def distance_to_line(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (n,) of points (n, d) from a polyline (m, d), and where along it, 0 to 1, is the nearest."""
    best, along = np.full(len(points), np.inf), np.zeros(len(points))
    for k, (start, end) in enumerate(zip(line[:-1], line[1:], strict=True)):
        step = end - start
        share = np.clip((points - start) @ step / (step @ step), 0, 1)
        distance = np.linalg.norm(points - start - share[:, None] * step, axis=1)
        nearer = distance < best
        best[nearer], along[nearer] = distance[nearer], (k + share[nearer]) / (len(line) - 1)
    return best, along


def _soft(value: np.ndarray, width: float) -> np.ndarray:
    """0 below -width/2, 1 above width/2, straight between."""
    return np.clip(value / width + 0.5, 0, 1)


@lru_cache(maxsize=2)
def wrinkle_masks(model: FaceModel) -> dict[str, np.ndarray]:
    """Action unit -> mask (v,) of the skin folds that it deepens, such as frown lines and crow's feet."""
    points = model.neutral[PARTS["face"]]
    front = points[:, 2] > 5.5
    folds: dict[str, list] = {  # lines in the frontal plane, x >= 0; the other side is mirrored
        "AU4": [[(0.45, 4.4), (0.55, 5.2), (0.5, 6.0)]],
        "AU1": [[(0, y), (1.8, y + 0.05), (2.6, y - 0.15)] for y in (7.4, 8.5)],
        "AU2": [[(2.0, y), (3.5, y + 0.1), (5.0, y - 0.4)] for y in (7.9,)],
        "AU9": [[(1.15, 2.6), (0.5, 3.2), (0, 3.3)], [(0.9, 2.0), (0.3, 2.7)],
                [(1.7, -0.3), (2.5, -1.6), (3.0, -2.8)]],
        "AU10": [[(1.7, -0.4), (2.5, -1.5), (3.1, -2.6)]],
        "AU12": [[(1.75, -0.5), (2.7, -1.6), (3.5, -3.0), (3.6, -3.9)]],
        "AU6": [[(4.9, 3.5), (5.9, 4.0)], [(4.9, 3.2), (5.9, 3.1)], [(4.5, 2.3), (3.3, 1.9), (2.2, 2.2)]],
        "AU17": [[(0, -5.0), (1.2, -5.2)]],
    }  # fmt: skip
    masks = {}
    for unit, lines in folds.items():
        mask = np.zeros(len(model.neutral), np.float32)
        for line in lines:
            line = np.array(line, float)
            for side in (-1, 1):
                distance, along = distance_to_line(points[:, :2], line * (side, 1))
                fading = np.clip(4 * np.minimum(along, 1 - along) + 0.35, 0, 1)  # towards both ends
                fold = np.exp(-((distance / 0.21) ** 2)) * front * fading
                mask[PARTS["face"]] = np.maximum(mask[PARTS["face"]], fold)
        masks[unit] = mask
    return masks


@lru_cache(maxsize=2)
def _lip_distance(model: FaceModel) -> np.ndarray:
    """Signed distance (skin,) from the outer lip contour in the frontal plane, positive inside."""
    contour = model.neutral[model.landmarks[48:60], :2].astype(np.float32)
    points = model.neutral[PARTS["skin"]]
    inside = np.full(len(points), -9.0)
    near = (np.abs(points[:, 0]) < 4) & (np.abs(points[:, 1] + 3.4) < 3) & (points[:, 2] > 8)
    for index in np.flatnonzero(near):
        inside[index] = cv2.pointPolygonTest(contour, points[index, :2].tolist(), True)
    return inside


def build_head(model: FaceModel, person: Person) -> Head:
    """Shape and paint a person: the neutral head with skin, lips, brows, lashes, beard, eyes and hair."""
    vertices = blend(model.neutral, list(zip(person.identity, model.identity, strict=True)))
    generic, marks = model.neutral, model.neutral[model.landmarks]
    skin_points = generic[PARTS["skin"]]
    x, y, z = skin_points.T
    noise = np.zeros(len(x))  # smooth, about -4 to 4: a sum of waves across the head
    for k, a, b, c in ((0.9, 1, 0.4, 0.2), (1.3, -0.5, 1, 0.3), (2.1, 0.6, -0.8, 0.7), (3.4, 0.7, 0.9, -0.5)):
        noise += np.sin(k * (a * x + b * y + c * z) + person.phase * k)

    albedo = person.skin * (1 + 0.018 * noise)
    for side in (-1, 1):
        cheek = np.linalg.norm(skin_points - (side * 4.2, 0.2, 9.5), axis=1)
        orbit = np.linalg.norm(skin_points - (side * 3.2, 3.4, 9.2), axis=1)
        albedo *= (1 - 0.07 * np.exp(-((cheek / 1.6) ** 2))) * (1 - 0.14 * np.exp(-((orbit / 1.7) ** 2)))
    gloss = np.full(len(albedo), 0.10)

    below = _soft(-(y + 1.7) + 0.12 * noise, 2.0) * _soft(y + 11.5, 2.0) * _soft(z - 3.0 + 0.6 * noise, 2.5)
    beard = person.beard * below
    dark = min(person.hair_colour, 0.25 * person.skin + 0.05)
    albedo = albedo * (1 - beard) + beard * dark * (1 + 0.15 * noise)
    lip = _soft(_lip_distance(model), 0.25)
    albedo = albedo * (1 - lip) + lip * person.skin * person.lips * (1 - 0.25 * person.beard)
    gloss += 0.12 * lip - 0.06 * beard
    parting, _ = distance_to_line(skin_points, marks[[60, 61, 62, 63, 64]])
    albedo *= 1 - 0.35 * np.exp(-((parting / 0.14) ** 2))

    for brow, loop, lid in zip(BROWS, EYE_LOOPS, UPPER_LIDS, strict=True):
        distance, along = distance_to_line(skin_points[:, :2], marks[brow, :2] - (0, person.brow_drop))
        width = person.brow_width * (1.1 - 0.75 * along**1.5)
        cover = person.brow_opacity * _soft(width - distance, 0.22) * (z > 5)
        cover *= 1 + 0.08 * np.sin(9 * x + 5 * y)
        albedo = albedo * (1 - cover) + cover * min(dark, 0.4 * person.skin)
        around, _ = distance_to_line(skin_points, marks[loop])
        lash, _ = distance_to_line(skin_points, marks[lid])
        albedo *= (1 - 0.45 * np.exp(-((around / 0.12) ** 2))) * (1 - 0.6 * np.exp(-((lash / 0.16) ** 2)))

    paint = np.zeros((len(generic), 3), np.float32)
    paint[PARTS["skin"], 0], paint[PARTS["skin"], 1] = albedo, gloss
    inner = {"mouth": (0.04, 0), "sockets": (0.3 * person.skin, 0), "gums": (0.16 * person.skin + 0.04, 0.05),
             "teeth": (0.68, 0.12)}  # fmt: skip
    for part, (value, shine) in inner.items():
        paint[PARTS[part], 0], paint[PARTS[part], 1] = value, shine
    for side in ("left", "right"):
        # The iris mesh lies inside the sclera and is never seen: paint it on the sclera, which gaze turns.
        pole = generic[PARTS[f"{side}_iris"], :2].mean(0)
        white = generic[PARTS[f"{side}_sclera"]]
        distance = np.where(white[:, 2] > 8.4, np.linalg.norm(white[:, :2] - pole, axis=1), 9)
        rings, sclera = [0.20, 0.26, 0.50, 0.60, 0.72], 0.42 + 0.25 * person.skin
        colour = np.interp(distance, rings, [0.02, person.iris, person.iris, 0.5 * person.iris, sclera])
        paint[PARTS[f"{side}_sclera"], 0], paint[PARTS[f"{side}_sclera"], 1] = colour, 0.35

    hair_shift = np.zeros_like(generic)
    hair = _hair(person, skin_points, marks, noise)
    paint[PARTS["skin"], 0] = paint[PARTS["skin"], 0] * (1 - hair) + hair * person.hair_colour
    paint[PARTS["skin"], 1] = paint[PARTS["skin"], 1] * (1 - hair) + hair * 0.08
    paint[PARTS["skin"], 2] = hair
    hair_shift[PARTS["skin"]] = _push(person, skin_points, vertices[PARTS["skin"]], hair, noise)
    return Head(vertices, paint, hair_shift, wrinkle_masks(model), person.phase, person.wrinkles)


def _hair(person: Person, points: np.ndarray, marks: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Share of hair (skin,) on each vertex: above a line from the forehead past the temple to the nape."""
    if person.hair == "bald":
        return np.zeros(len(points), np.float32)
    x, y, z = points.T
    brow, chin = marks[[19, 24], 1].mean(), marks[8, 1]
    forehead = brow + person.hairline * (brow - chin)
    if person.hair == "cap":
        forehead = forehead - 0.25 * np.maximum(np.abs(x) - 3, 0)
    if person.hair == "long":  # over the ears, down to the shoulders
        side = np.interp(z, [3.9, 4.3, 4.5], [-11, 3.0, 5.0])
        ear = np.zeros(len(points), bool)
    else:
        side = np.interp(z, [-2.5, -1.5, 4.5], [-2.5, 4.5, 5.0])
        ear = (np.abs(x) > 7.7) & (z > -3.5) & (z < 4.6) & (y < 7.5)
    line = side + (forehead - 5.0) * np.clip((z - 4.5) / 2.5, 0, 1)
    return (_soft(y - line + 0.18 * noise, 0.5) * ~ear).astype(np.float32)


def _push(
    person: Person, points: np.ndarray, vertices: np.ndarray, hair: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Displacement (skin, 3) that gives the hair its volume, away from the middle of the head."""
    away = points - (0.0, 4.0, 1.0)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    away *= (person.hair_depth * (1 + 0.12 * noise))[:, None]
    if person.hair == "long":  # falls straight from the temples, hiding ears and neck
        x, y, _ = vertices.T
        width = np.maximum(8.0 + person.hair_depth + 0.1 * noise, np.abs(x)) * np.clip(np.abs(x) / 4, 0, 1)
        fall = _soft(7.0 - y, 4) * _soft(2.8 - points[:, 2], 0.6)  # behind the painted edge, to keep it sharp
        away[:, 0] += fall * (np.sign(x) * width - x - away[:, 0])
    return (away * hair[:, None]).astype(np.float32)

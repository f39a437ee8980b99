"""facekit48, the embedded data set: 4,500 rendered faces whose action units, landmarks, pose and people are known.

`read` opens data/facekit48.npz. The rest makes that file from ICT-FaceKit:
`python -m fer_helpers.facekit --model ICT-FaceKit --output data/facekit48.npz` (needs numba). data/facekit_card.md
says what the pictures are good for. An image is a person, an expression, a camera, a light and a photograph of them;
each is drawn apart from the others, and `render` takes them one by one for exact experiments.
"""

import argparse
import sys
import zipfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from fer_helpers import paths
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, IMAGE_SIZE, SPLITS

if TYPE_CHECKING:
    from fer_helpers.facekit_people import Person
    from fer_helpers.facekit_renderer import Camera, FaceModel, Head, Light

PATH = paths.DATA / "facekit48.npz"
IDENTITIES, SIZES = (400, 50, 50), (3500, 500, 500)  # per split
# Images per emotion: FER2013's shares of Training; in the test splits disgust is raised to 30, so that it has a recall.
COUNTS = ((487, 53, 500, 880, 589, 387, 604), (66, 30, 68, 118, 80, 56, 82), (66, 30, 68, 118, 80, 56, 82))
OVERSAMPLING = 3  # pixels are drawn 3 x 3 times and averaged
LANDMARK_STEP = 16  # landmarks are stored in sixteenths of a pixel

# Action unit -> expression shapes (upstream FACS table; AU10, 23, 25 and 26 are our additions) and their gain.
ACTION_UNITS = {
    "AU1": (("browInnerUp_L", "browInnerUp_R"), 1.0), "AU2": (("browOuterUp_L", "browOuterUp_R"), 1.0),
    "AU4": (("browDown_L", "browDown_R"), 1.5), "AU5": (("eyeWide_L", "eyeWide_R"), 1.0),
    "AU6": (("cheekSquint_L", "cheekSquint_R"), 1.0), "AU7": (("eyeSquint_L", "eyeSquint_R"), 1.0),
    "AU9": (("noseSneer_L", "noseSneer_R"), 1.0),
    "AU10": (("mouthShrugUpper", "mouthUpperUp_L", "mouthUpperUp_R"), 0.6),
    "AU12": (("mouthSmile_L", "mouthSmile_R"), 1.0), "AU14": (("mouthDimple_L", "mouthDimple_R"), 1.0),
    "AU15": (("mouthFrown_L", "mouthFrown_R"), 1.0), "AU17": (("mouthShrugLower",), 0.8),
    "AU18": (("mouthPucker",), 1.0), "AU20": (("mouthStretch_L", "mouthStretch_R"), 1.0),
    "AU22": (("mouthFunnel",), 1.0), "AU23": (("mouthRollLower", "mouthRollUpper"), 0.45),
    "AU24": (("mouthPress_L", "mouthPress_R"), 1.0),
    "AU25": (("mouthLowerDown_L", "mouthLowerDown_R", "mouthUpperUp_L", "mouthUpperUp_R"), 0.45),
    "AU26": (("jawOpen",), 0.30), "AU27": (("jawOpen",), 0.75),
    "AU33": (("cheekPuff_L", "cheekPuff_R"), 1.0), "AU43": (("eyeBlink_L", "eyeBlink_R"), 1.0),
}  # fmt: skip
CAPS = {"browDown_L": 1.8, "browDown_R": 1.8, "jawOpen": 1.0}  # all other shapes: 1.4

# Emotion -> action unit: (probability, lowest, highest weight). Neutral has none.
RECIPE = {
    "angry": {"AU4": (1, 0.7, 1.3), "AU5": (0.6, 0.3, 0.9), "AU7": (0.9, 0.5, 1), "AU23": (0.45, 0.4, 1),
              "AU24": (0.5, 0.5, 1), "AU22": (0.3, 0.4, 0.9), "AU25": (0.35, 0.4, 1), "AU9": (0.3, 0.2, 0.5)},
    "disgust": {"AU9": (1, 0.7, 1.2), "AU10": (0.85, 0.5, 1), "AU4": (0.5, 0.2, 0.6), "AU7": (0.5, 0.3, 0.8),
                "AU15": (0.6, 0.3, 0.9), "AU17": (0.5, 0.3, 0.8), "AU25": (0.4, 0.3, 0.7)},
    "fear": {"AU1": (1, 0.6, 1.1), "AU2": (0.8, 0.4, 0.9), "AU4": (0.8, 0.3, 0.7), "AU5": (1, 0.6, 1.2),
             "AU20": (0.9, 0.5, 1.1), "AU26": (0.7, 0.3, 1), "AU25": (0.6, 0.4, 0.9)},
    "happy": {"AU12": (1, 0.6, 1.1), "AU6": (0.9, 0.5, 1), "AU25": (0.65, 0.4, 1.1), "AU26": (0.35, 0.2, 0.7)},
    "sad": {"AU1": (1, 0.7, 1.2), "AU4": (0.8, 0.3, 0.7), "AU15": (1, 0.6, 1.2), "AU17": (0.6, 0.3, 0.9),
            "AU7": (0.3, 0.2, 0.5), "AU43": (0.4, 0.1, 0.35)},
    "surprise": {"AU1": (1, 0.6, 1.1), "AU2": (1, 0.7, 1.2), "AU5": (0.9, 0.5, 1.1), "AU26": (0.6, 0.6, 1.2),
                 "AU27": (0.4, 0.5, 1)},
    "neutral": {},
}  # fmt: skip
# Movements that mean nothing (speech, a blink, a habit), in any image: (probability, highest weight).
NUISANCE = {
    "AU1": (0.04, 0.25), "AU2": (0.05, 0.3), "AU4": (0.03, 0.2), "AU5": (0.04, 0.3), "AU6": (0.05, 0.4),
    "AU7": (0.06, 0.5), "AU12": (0.04, 0.25), "AU14": (0.075, 0.6), "AU15": (0.03, 0.2), "AU17": (0.05, 0.4),
    "AU18": (0.05, 0.4), "AU24": (0.06, 0.5), "AU25": (0.06, 0.5), "AU26": (0.07, 0.6), "AU33": (0.025, 0.4),
    "AU43": (0.06, 0.5),
}  # fmt: skip

# What annotators say (columns) when they see an emotion (rows), both in the order of EMOTIONS.
CONFUSION = np.array([
    [0.80, 0.08, 0.03, 0.00, 0.03, 0.01, 0.05],
    [0.14, 0.74, 0.02, 0.01, 0.05, 0.01, 0.03],
    [0.02, 0.02, 0.70, 0.01, 0.07, 0.15, 0.03],
    [0.00, 0.01, 0.00, 0.93, 0.00, 0.02, 0.04],
    [0.03, 0.03, 0.05, 0.00, 0.78, 0.01, 0.10],
    [0.01, 0.00, 0.12, 0.03, 0.01, 0.80, 0.03],
    [0.04, 0.01, 0.01, 0.03, 0.06, 0.02, 0.83],
])  # fmt: skip
VOTERS = 10


# ---- reading -------------------------------------------------------------------------------------------------------


def read(path: str | Path = PATH) -> dict[str, np.ndarray]:
    """Open the data set. Raises FerError when the file is missing, cut short or something else.

    Returns images (n, 48, 48) uint8; labels (n,) int64 into EMOTIONS; splits (n,) int64 into SPLITS; votes (n, 7)
    uint8; landmarks (n, 68, 2) float32, x then y in pixels, the centre of the first pixel at (0, 0); identities (n,)
    uint16; action_units (n, k) float32, mean of left and right, named by action_unit_names (k,); pose (n, 3) float32,
    yaw, pitch, roll in radians; intensity (n,) float32; light (n, 2) float32, azimuth and elevation in radians.
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
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error, cv2.error) as error:
        raise FerError(
            f"{path} is missing or not the complete face data set: restore it with `git checkout data/facekit48.npz`."
        ) from error
    return data


# ---- one image -----------------------------------------------------------------------------------------------------


def render(
    model: "FaceModel",
    person: "Person | Head",
    action_units: dict[str, float],
    camera: "Camera | None" = None,
    light: "Light | None" = None,
    size: int = IMAGE_SIZE,
) -> np.ndarray:
    """Picture (size, size) uint8 of a person with exactly these action units, on plain grey, without any noise.

    A key is an action unit ("AU4") or one side of it ("AU4_L", the subject's left); a weight of 1 is a full movement.
    Raises FerError for an action unit that has no shape.
    """
    from fer_helpers.facekit_people import Person, build_head
    from fer_helpers.facekit_renderer import Camera, Light

    head = build_head(model, person) if isinstance(person, Person) else person
    light = light or Light()
    picture, mask, _ = _draw(model, head, action_units, camera or Camera(), light, size)
    return _to_bytes(_shrink(np.where(mask, picture, 0.5)))


def _draw(model, head, action_units, camera, light, size):
    """Grey values (3 size, 3 size) of the face, its mask, and the 68 landmarks in pixels of the final picture."""
    from fer_helpers.facekit_renderer import blend, draw, expose

    vertices = blend(head.vertices, [(weight, model.shapes[name]) for name, weight in shape_weights(action_units).items()])
    paint = head.paint.copy()
    for unit, fold in head.wrinkles.items():
        paint[:, 0] *= 1 - np.float32(head.wrinkle_depth * min(mean_weight(action_units, unit), 1.3)) * fold
    brightness, mask, view = draw(model, head, vertices, paint, camera, light, OVERSAMPLING * size)
    landmarks = (view.project(vertices[model.landmarks])[:, :2] + 0.5) / OVERSAMPLING - 0.5
    return expose(brightness, light), mask, landmarks


def mean_weight(action_units: dict[str, float], unit: str) -> float:
    """Mean of the left and right weight of an action unit, 0 where it is at rest."""
    both = action_units.get(unit, 0.0)
    return both + (action_units.get(f"{unit}_L", 0.0) + action_units.get(f"{unit}_R", 0.0)) / 2


def shape_weights(action_units: dict[str, float]) -> dict[str, float]:
    """Weight of every expression shape for these action units, capped where the mesh would fold over itself."""
    weights: dict[str, float] = {}
    for key, weight in action_units.items():
        unit, _, side = key.partition("_")
        if unit == "gaze":  # not an action unit of the recipe: (key "gaze_right" or "gaze_up"), as shapes of both eyes
            names = {"right": ("eyeLookOut_R", "eyeLookIn_L"), "left": ("eyeLookOut_L", "eyeLookIn_R"),
                     "up": ("eyeLookUp_L", "eyeLookUp_R"), "down": ("eyeLookDown_L", "eyeLookDown_R")}[side]  # fmt: skip
            gain, side = 1.0, ""
        elif unit in ACTION_UNITS:
            names, gain = ACTION_UNITS[unit]
        else:
            raise FerError(f"There is no shape for {key}: choose among {', '.join(ACTION_UNITS)}.")
        for name in names:
            if not side or name.endswith(f"_{side}"):
                weights[name] = weights.get(name, 0.0) + gain * weight
            elif name[-2:] not in ("_L", "_R"):  # a shape without sides follows the mean of both
                weights[name] = weights.get(name, 0.0) + gain * weight / 2
    return {name: min(weight, CAPS.get(name, 1.4)) for name, weight in weights.items()}


def _shrink(picture: np.ndarray) -> np.ndarray:
    size = len(picture) // OVERSAMPLING
    return picture.reshape(size, OVERSAMPLING, size, OVERSAMPLING).mean((1, 3))


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


# ---- sampling ------------------------------------------------------------------------------------------------------


def sample_expression(rng: np.random.Generator, emotion: int) -> tuple[dict[str, float], float, np.ndarray]:
    """Draw an expression: action units by side, its intensity, and the ten votes (7,) of the simulated annotators."""
    intensity = 0.4 + 0.9 * rng.beta(1.6, 1.1)
    second, share = emotion, 0.0
    if rng.random() < 0.20:
        second, share = int(rng.integers(len(EMOTIONS))), rng.uniform(0.10, 0.35)
    units: dict[str, float] = {}
    for index, part in ((emotion, 1 - share), (second, share)):
        for unit, (probability, low, high) in RECIPE[EMOTIONS[index]].items():
            if rng.random() < probability:
                units[unit] = units.get(unit, 0.0) + intensity * part * rng.uniform(low, high)
    for unit, (probability, high) in NUISANCE.items():
        if rng.random() < probability:
            units[unit] = units.get(unit, 0.0) + rng.uniform(0, high)
    sides = {f"{unit}_{side}": weight * max(1 + 0.15 * rng.standard_normal(), 0)
             for unit, weight in units.items() for side in "LR"}  # fmt: skip

    seen = np.zeros(len(EMOTIONS))
    seen[emotion] += 1 - share
    seen[second] += share
    clarity = 1 / (1 + np.exp(-(intensity - 0.38) / 0.10))
    seen *= clarity
    seen[EMOTIONS.index("neutral")] += 1 - clarity
    return sides, intensity, rng.multinomial(VOTERS, seen @ CONFUSION)


def sample_gaze(rng: np.random.Generator) -> dict[str, float]:
    """Draw where the eyes look, about a quarter of their range to any side."""
    across, up = rng.normal(0, 0.25, 2)
    return {"gaze_left" if across > 0 else "gaze_right": abs(across), "gaze_up" if up > 0 else "gaze_down": abs(up)}


def sample_camera(rng: np.random.Generator) -> "Camera":
    """Draw a pose and an uneven crop; every normal is cut off at 1.6 times the value named here."""
    from fer_helpers.facekit_renderer import Camera

    def around(value: float) -> float:
        return float(np.clip(rng.standard_normal() * value / 1.5, -1.6 * value, 1.6 * value))

    return Camera(around(0.20), around(0.11), around(0.09), around(0.07), (around(0.03), around(0.03)), rng.uniform(45, 110))


def sample_light(rng: np.random.Generator) -> "Light":
    """Draw a light and an exposure; the contrast is raised by three tenths, which brings it near FER2013's."""
    from fer_helpers.facekit_renderer import Light

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
    """Frames drawn over the eyes and the bridge of the nose; they turn with the landmarks."""
    scale = OVERSAMPLING
    points = (landmarks + 0.5) * scale - 0.5
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    across = left - right
    centimetre, angle = np.linalg.norm(across) / 6.4, float(np.degrees(np.arctan2(across[1], across[0])))
    down = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    canvas, thick = np.zeros(picture.shape, np.uint8), max(int(round(0.28 * centimetre)), 1)
    shift = 4  # sixteenths of a pixel
    for eye in (right, left):
        middle = eye + 0.25 * centimetre * down
        oval = [cv2.ellipse2Poly((0, 0), (1000, 720), 0, 0, 360, 10) / 1000 * half_width * centimetre][0]
        oval = np.sign(oval) * np.abs(oval) ** 0.75 * np.abs(oval).max() ** 0.25  # towards a rectangle
        turn = cv2.getRotationMatrix2D((0, 0), -angle, 1)[:, :2]
        corners = np.rint((oval @ turn.T + middle) * 2**shift).astype(np.int32)
        cv2.polylines(canvas, [corners], True, 255, thick, cv2.LINE_AA, shift)
    ends = [right + across * k / 6.4 for k in (half_width, 6.4 - half_width)]
    outer = [points[0] + 0.1 * (right - points[0]), right - across * half_width / 6.4]
    outer2 = [points[16] + 0.1 * (left - points[16]), left + across * half_width / 6.4]
    for start, end in (ends, outer, outer2):
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


def photograph(rng: np.random.Generator, model: "FaceModel", person: "Person", head: "Head", units: dict, camera, light):
    """The face as a snapshot: background, glasses, a hand now and then, blur, noise and JPEG.

    Returns the JPEG stream (m,) uint8 and the landmarks (68, 2).
    """
    picture, mask, landmarks = _draw(model, head, units, camera, light, IMAGE_SIZE)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    picture = soft * picture + (1 - soft) * _background(rng, len(picture))
    if person.glasses:
        picture = _glasses(picture, landmarks, person.glasses, 0.5 * min(person.hair_colour, 0.3))
    if rng.random() < 0.06:
        picture = _hand(rng, picture, person.skin * (light.ambient + 0.6 * light.key))
    picture = cv2.GaussianBlur(picture, (0, 0), 0.3 + OVERSAMPLING * rng.uniform(0, 0.6))
    picture = _shrink(picture)
    picture = picture + rng.uniform(0, 0.02) * rng.standard_normal(picture.shape)
    _, stream = cv2.imencode(".jpg", _to_bytes(picture), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 96))])
    return stream.ravel(), landmarks


# ---- the whole set -------------------------------------------------------------------------------------------------


def plan(seed: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Label and identity (n,) of every image of a split: the fixed counts in random order, people taking turns."""
    rng = np.random.default_rng([seed, split])
    labels = rng.permutation(np.repeat(np.arange(len(EMOTIONS)), COUNTS[split]))
    first = sum(IDENTITIES[:split])
    return labels, first + np.arange(len(labels)) % IDENTITIES[split]


def make_person(seed: int, identity: int) -> "Person":
    """The person with this number; the generator's key does not collide with that of any image."""
    from fer_helpers.facekit_people import sample_person

    return sample_person(np.random.default_rng([seed, len(SPLITS), identity]))


def make_image(model: "FaceModel", person: "Person", head: "Head", seed: int, split: int, index: int, label: int) -> dict:
    """One row of the data set, drawn from `default_rng([seed, split, index])` alone."""
    rng = np.random.default_rng([seed, split, index])
    units, intensity, votes = sample_expression(rng, label)
    gaze, camera, light = sample_gaze(rng), sample_camera(rng), sample_light(rng)
    stream, landmarks = photograph(rng, model, person, head, units | gaze, camera, light)
    return {
        "jpeg": stream,
        "labels": np.uint8(label),
        "splits": np.uint8(split),
        "votes": votes.astype(np.uint8),
        "landmarks": np.rint(landmarks * LANDMARK_STEP).astype(np.int16),
        "action_units": np.array([mean_weight(units, unit) for unit in ACTION_UNITS], np.float16),
        "pose": np.array([camera.yaw, camera.pitch, camera.roll], np.float16),
        "intensity": np.float16(0 if EMOTIONS[label] == "neutral" else intensity),
        "light": np.array([light.azimuth, light.elevation], np.float16),
    }


def _portraits(job: tuple) -> list[tuple[int, dict]]:
    """All images of one person: (row, columns) pairs. Runs in a worker process."""
    from fer_helpers.facekit_people import build_head
    from fer_helpers.facekit_renderer import load_model

    folder, seed, split, identity, rows = job
    if folder not in _MODELS:
        cv2.setNumThreads(1)
        _MODELS[folder] = load_model(folder)
    model, person = _MODELS[folder], make_person(seed, identity)
    head = build_head(model, person)
    start = sum(SIZES[:split])
    return [(start + index, {**make_image(model, person, head, seed, split, index, label), "identities": np.uint16(identity)})
            for index, label in rows]  # fmt: skip


_MODELS: dict = {}


def generate(model_folder: str | Path | None, output: Path, seed: int = 0, workers: int = 2) -> None:
    """Render the whole set and write it to `output`; the result does not depend on `workers`."""
    from fer_helpers.facekit_renderer import load_model

    load_model(model_folder)  # converts the OBJ files once, before the workers start, and says what is missing
    jobs = []
    for split in range(len(SPLITS)):
        labels, people = plan(seed, split)
        for identity in np.unique(people):
            rows = [(int(i), int(labels[i])) for i in np.flatnonzero(people == identity)]
            jobs.append((model_folder, seed, split, int(identity), rows))
    rows: dict[int, dict] = {}
    with (
        ProcessPoolExecutor(workers) as pool,
        tqdm(total=sum(SIZES), unit="image", disable=not sys.stderr.isatty()) as bar,
    ):
        for done in pool.map(_portraits, jobs):
            rows.update(done)
            bar.update(len(done))
    ordered = [rows[k] for k in range(sum(SIZES))]
    columns = {name: np.stack([row[name] for row in ordered]) for name in ordered[0] if name != "jpeg"}
    with paths.atomic_write(output) as temporary:
        np.savez_compressed(
            temporary,
            jpeg_bytes=np.concatenate([row["jpeg"] for row in ordered]),
            jpeg_sizes=np.array([len(row["jpeg"]) for row in ordered], np.uint16),
            action_unit_names=np.array(list(ACTION_UNITS)),
            **columns,
        )


def main() -> None:
    """Command line: see the head of this file."""
    parser = argparse.ArgumentParser(description="Render the embedded face data set from ICT-FaceKit.")
    parser.add_argument("--model", help="ICT-FaceKit's repository or FaceXModel folder (default: FER_FACEKIT_DIR)")
    parser.add_argument("--output", type=Path, default=PATH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    try:
        generate(options.model, options.output, options.seed, options.workers)
    except FerError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

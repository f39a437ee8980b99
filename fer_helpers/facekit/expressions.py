"""Expressions as action units, the emotions made of them, and what annotators see in them.

The Facial Action Coding System (Ekman and Friesen 1978) names muscle movements: AU4 lowers the brows, AU12
pulls the lip corners. An expression is a dictionary such as {"AU4": 1.0, "AU12_L": 0.5}: a key names both
sides or one (`_L` is the subject's left, on the right of the picture), and a weight of 1 is a full movement.
"""

import numpy as np

from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS

# Action unit -> expression shapes (ICT-FaceKit's FACS table; AU10, 23, 25 and 26 are ours) and their gain.
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
GAZE = {
    "gaze_right": ("eyeLookOut_R", "eyeLookIn_L"), "gaze_left": ("eyeLookOut_L", "eyeLookIn_R"),
    "gaze_up": ("eyeLookUp_L", "eyeLookUp_R"), "gaze_down": ("eyeLookDown_L", "eyeLookDown_R"),
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
    "happy": {"AU12": (1, 0.6, 1.1), "AU6": (0.9, 0.5, 1), "AU25": (0.65, 0.4, 1.1),
              "AU26": (0.35, 0.2, 0.7)},
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


def mean_weight(action_units: dict[str, float], unit: str) -> float:
    """Mean of the left and right weight of an action unit, 0 where it is at rest."""
    both = action_units.get(unit, 0.0)
    return both + (action_units.get(f"{unit}_L", 0.0) + action_units.get(f"{unit}_R", 0.0)) / 2


def shape_weights(action_units: dict[str, float]) -> dict[str, float]:
    """Weight of every expression shape for these action units, capped where the mesh would fold over itself.

    Besides action units, "gaze_left", "gaze_right", "gaze_up" and "gaze_down" turn both eyes.
    Raises FerError for an action unit that has no shape.
    """
    weights: dict[str, float] = {}
    for key, weight in action_units.items():
        unit, _, side = key.partition("_")
        if key in GAZE:
            names, gain, side = GAZE[key], 1.0, ""
        elif unit in ACTION_UNITS and side in ("", "L", "R"):
            names, gain = ACTION_UNITS[unit]
        else:
            raise FerError(f"There is no shape for {key}: choose among {', '.join(ACTION_UNITS)}.")
        for name in names:
            if not side or name.endswith(f"_{side}"):
                weights[name] = weights.get(name, 0.0) + gain * weight
            elif name[-2:] not in ("_L", "_R"):  # a shape without sides follows the mean of both
                weights[name] = weights.get(name, 0.0) + gain * weight / 2
    return {name: min(weight, CAPS.get(name, 1.4)) for name, weight in weights.items()}


def sample_expression(rng: np.random.Generator, emotion: int) -> tuple[dict[str, float], float, np.ndarray]:
    """Draw an expression of an emotion (index into EMOTIONS); a fifth of them are blended with a second one.

    Returns the action units by side, the intensity (.4 to 1.3), and the votes (7,) of ten annotators.
    """
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
    sideways, upwards = ("gaze_left", "gaze_right")[int(across <= 0)], ("gaze_up", "gaze_down")[int(up <= 0)]
    return {sideways: abs(across), upwards: abs(up)}

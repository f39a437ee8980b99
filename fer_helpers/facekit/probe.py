"""Makes data/facekit_probe48.npz: 30 people who move AU4, AU22, both, or AU12, and nothing else (needs numba).

`python -m fer_helpers.facekit probe --model ICT-FaceKit`. What a network makes of it: `action_unit_probe`.
"""

import argparse
from pathlib import Path

import numpy as np

from fer_helpers import paths
from fer_helpers.facekit.generate import make_person
from fer_helpers.facekit.model import FaceModel, load_model
from fer_helpers.facekit.people import build_head
from fer_helpers.facekit.snapshot import render
from fer_helpers.interpret.action_unit_probe import PATH

PEOPLE = range(500, 530)  # the data set's people have the numbers 0 to 499: nobody stands in both
MOVEMENTS = ("AU4", "AU22", "AU4+AU22", "AU12")  # AU12, the smile, is the control
WEIGHTS = (0.25, 0.5, 0.75, 1.0)
CONDITIONS = (("none", 0.0), *((movement, weight) for movement in MOVEMENTS for weight in WEIGHTS))


def make_portraits(model: FaceModel, identity: int, seed: int = 0) -> np.ndarray:
    """One person under all CONDITIONS: (17, 48, 48) uint8. Same pose, light and camera, no noise, no glasses."""
    head = build_head(model, make_person(seed, identity))
    expressions = (
        dict.fromkeys(movement.split("+"), weight) if weight else {} for movement, weight in CONDITIONS
    )
    return np.stack([render(model, head, units) for units in expressions])


def generate(model_folder: str | Path | None, output: Path, seed: int = 0) -> None:
    """Render the probe, some ten seconds, and write it to `output`."""
    model = load_model(model_folder)
    images = np.concatenate([make_portraits(model, identity, seed) for identity in PEOPLE])
    movements, weights = zip(*CONDITIONS, strict=True)
    with paths.atomic_write(output) as temporary:
        np.savez_compressed(
            temporary,
            images=images,
            people=np.repeat(np.array(PEOPLE, np.uint16), len(CONDITIONS)),
            movements=np.tile(movements, len(PEOPLE)),
            weights=np.tile(np.float32(weights), len(PEOPLE)),
        )


def main(arguments: list[str]) -> None:
    """Read the command line and render the probe."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_helpers.facekit probe", description="Render the action-unit probe."
    )
    parser.add_argument("--model", help="folder of ICT-FaceKit (default: FER_FACEKIT_DIR)")
    parser.add_argument("--output", type=Path, default=PATH)
    options = parser.parse_args(arguments)
    generate(options.model, options.output)

"""The GAN of ljmu, which the paper calls BiCoGAN: as published, and corrected.

`model` has the networks and their losses, `training` batches that survive a kill, `generated` sets of images with
labels as files, `quality` what these are worth. Nothing here starts Keras before it is needed.
"""

import json
from dataclasses import asdict, dataclass

from fer_helpers.labels import EMOTIONS


@dataclass(frozen=True)
class Variant:
    """What sets the published GAN and the corrected one apart."""

    classes: tuple[str, ...]
    scaling: str  # of the real images; the generator's lie in [-1, 1]: "symmetric" fits them, "unit" does not
    every_split: bool  # trains on all images, test sets too; otherwise on four fifths of Training
    own_conditions: bool  # the generator gets the batch's conditions; otherwise others, drawn by chance
    balanced: bool  # draws every class equally often; otherwise as often as the data have it
    encodes_condition: bool  # the encoder predicts the condition too, with the extrinsic-factor loss
    normalises_codes: bool  # the encoder's; otherwise their spread alone tells them from the drawn ones
    joint: int  # units in which the discriminator sees z, image and condition together; 0: it only adds them
    start: float  # range of the generator's rows at the start
    noise: float  # standard deviation of what is added to the images that the discriminator sees


PUBLISHED = Variant(
    classes=tuple(name for name in EMOTIONS if name != "disgust"),
    scaling="unit",
    every_split=True,
    own_conditions=False,
    balanced=False,
    encodes_condition=False,
    normalises_codes=False,
    joint=0,
    start=0.05,
    noise=0.0,
)
CORRECTED = Variant(
    classes=EMOTIONS,
    scaling="symmetric",
    every_split=False,
    own_conditions=True,
    balanced=True,
    encodes_condition=True,
    normalises_codes=True,
    joint=512,
    start=1.7,  # a standard deviation of 1
    noise=0.6,  # without it the discriminator wins within some hundred batches
)
VARIANTS = {"published": PUBLISHED, "corrected": CORRECTED}


@dataclass(frozen=True)
class Recipe:
    """How long and how wide; the published GAN has Adam 2e-4 with beta_1 .5, batches of 128 and a width of 128."""

    batches: int
    batch_size: int
    width: int  # filters of generator and discriminator; the encoder begins with half of them
    learning_rate: float = 2e-4
    beta_1: float = 0.5


_QUICK = Recipe(180, 32, 16, learning_rate=1e-3)
RECIPES = {
    "quick": {"published": _QUICK, "corrected": _QUICK},
    "full": {
        "published": Recipe(18_610, 128, 128),
        # the slides do not say how large a batch is; with 32 a thousand take a processor a quarter of an hour
        "corrected": Recipe(18_610, 32, 128),
    },
}


def deviations(variant: str, profile: str) -> dict[str, list]:
    """What a GAN does otherwise than the published one: each field's value here, and there."""
    here, there = (
        json.loads(json.dumps(asdict(VARIANTS[name]) | asdict(RECIPES[kind][name])))  # as a record has it
        for name, kind in ((variant, profile), ("published", "full"))
    )
    return {field: [value, there[field]] for field, value in here.items() if value != there[field]}

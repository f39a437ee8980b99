"""The GAN of ljmu, which the paper calls BiCoGAN: as published, and corrected.

`model` has the networks and their losses, `training` batches that survive a kill, `generated` sets of images with
labels as files, `quality` what these are worth. Nothing here starts Keras before it is needed.
"""

from dataclasses import dataclass

from fer_helpers.labels import EMOTIONS

WITHOUT_DISGUST = tuple(name for name in EMOTIONS if name != "disgust")


@dataclass(frozen=True)
class Variant:
    """What sets the published GAN and the corrected one apart."""

    classes: tuple[str, ...]
    scaling: str  # of the real images; the generator's lie in [-1, 1]: "symmetric" fits them, "unit" does not
    every_split: bool  # trains on all images, test sets too; otherwise on four fifths of Training
    own_conditions: bool  # the generator gets the batch's conditions; otherwise others, drawn by chance
    balanced: bool  # draws every class equally often; otherwise as often as the data have it
    joint: int  # units in which the discriminator sees z, image and condition together; 0: it only adds them
    encodes_condition: bool  # the encoder predicts the condition too, with the extrinsic-factor loss


VARIANTS = {
    "published": Variant(WITHOUT_DISGUST, "unit", True, False, False, 0, False),
    "corrected": Variant(EMOTIONS, "symmetric", False, True, True, 512, True),
}


@dataclass(frozen=True)
class Recipe:
    """How long and how wide; the published GAN has Adam 2e-4 with beta_1 .5, batches of 128 and a width of 128."""

    batches: int
    batch_size: int
    width: int  # filters of generator and discriminator; the encoder begins with half of them
    learning_rate: float = 2e-4
    beta_1: float = 0.5


RECIPES = {"quick": Recipe(60, 32, 16), "full": Recipe(18_610, 128, 128)}

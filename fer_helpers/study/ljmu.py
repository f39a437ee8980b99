"""Experiments of ljmu: geometric augmentation, three networks, and images of a GAN.

The slides report PublicTest and PrivateTest as one, so a fifth of Training selects. They name no recipe. Ours is that
of the tutorial whose network they use (Adam 1e-3, batches of 32), 15 epochs for the figure and 30 for the table;
MobileNetV2 has the rate of the tutorial on transfer learning, 1e-4, and 15 epochs.
"""

from dataclasses import replace

from fer_helpers.labels import HELD_OUT, LEAKED
from fer_helpers.study.experiment import QUICK, Experiment, Recipe

FIGURE = Recipe(epochs=15, batch_size=32, learning_rate=1e-3)
TABLE = replace(FIGURE, epochs=30)
TRANSFER = replace(FIGURE, learning_rate=1e-4, min_learning_rate=1e-5)
CHOSEN = ("shift", "flip")  # "Translation+Horizontal Flip"
PLAIN, WITH_GAN = "Chosen augmentation", "Chosen augmentation, GAN data"
SMALL_QUICK = replace(QUICK, epochs=12, batch_size=32)  # the small networks learn slowly, and quickly enough
SLOW_QUICK = replace(QUICK, epochs=1, training_images=100)  # some seconds of the reference CNN

# name of an augmentation -> words for it; each is tried alone on the base CNN
ALONE = {
    "shift": "translation",
    "flip": "horizontal flip",
    "vertical_flip": "vertical flip",
    "rotation": "rotation",
    "zoom": "zoom",
    "shear": "shear",
    "crop": "crop",
    "contrast": "contrast",
    "noise": "noise",
    "cutout": "cut-out",
}


def _ljmu(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """An experiment of ljmu: the tuned CNN with the chosen pair of augmentations, but for `changes`."""
    entry = {
        "dataset": "fer2013",
        "architecture": "ljmu.tuned",
        "preprocess": ("unit", "rgb"),
        "augment": CHOSEN,
        "recipe": TABLE,
        "quick": SMALL_QUICK,
        "selection": HELD_OUT,
    }
    return Experiment(id=f"ljmu/{name}", title=title, rows=rows, **(entry | changes))


def _base(name: str, title: str, *augment: str) -> Experiment:
    """The base CNN with some augmentations: a point of the slides' figure, whose values are lost."""
    changes = {"architecture": "ljmu.base", "recipe": FIGURE, "seeds": (0, 1, 2)}
    return _ljmu(f"base_{name}", f"base CNN, {title}", augment=augment, **changes)


IMPACT = (
    _base("none", "no augmentation"),
    *(_base(name, words, name) for name, words in ALONE.items()),
    _base("chosen", "translation and horizontal flip", *CHOSEN),
)
_REFERENCE = {"architecture": "ljmu.reference", "quick": SLOW_QUICK}
_MOBILE = {
    "architecture": "ljmu.mobilenet_v2",
    "preprocess": ("symmetric", "rgb"),  # what Keras's ImageNet weights expect
    "recipe": TRANSFER,
    "pretrained": "mobilenet_v2",
    "quick": SLOW_QUICK,
}
_PAPER, _BALANCED = {"generated": "paper"}, {"generated": "balanced"}
EXPERIMENTS = (
    _ljmu("tuned", "CNN with tuning", (PLAIN, "CNN with Tuning")),
    _ljmu("reference", "reference CNN", (PLAIN, "Reference CNN"), **_REFERENCE),
    _ljmu("mobilenet_v2", "MobileNetV2", (PLAIN, "MobileNetV2 transfer learning"), **_MOBILE),
    *IMPACT,
    # 3,000 images of each emotion but disgust, as in the slides
    _ljmu("tuned_gan", "CNN with tuning, GAN", (WITH_GAN, "CNN with different Hyperparameters"), **_PAPER),
    _ljmu("reference_gan", "reference CNN, GAN", (WITH_GAN, "Reference CNN"), **_REFERENCE, **_PAPER),
    _ljmu(
        "mobilenet_v2_gan",
        "MobileNetV2, GAN",
        (WITH_GAN, "MobileNetV2 transfer learning"),
        **_MOBILE,
        **_PAPER,
    ),
    # the selection set of row 10 is better known than the training set: it must have been trained on
    _ljmu(
        "mobilenet_v2_gan_leaked",
        "MobileNetV2, GAN, selection images trained on",
        (WITH_GAN, "MobileNetV2 transfer learning"),
        selection=LEAKED,
        variant="selection images trained on",
        **_MOBILE,
        **_PAPER,
    ),
    # what the slides leave for later: images of disgust too
    _ljmu("tuned_gan_balanced", "CNN with tuning, GAN that balances the classes", **_BALANCED),
)

COMPARISONS = (
    ("translation and horizontal flip help (base CNN)", "base_chosen", "base_none"),
    ("vertical flip helps (base CNN)", "base_vertical_flip", "base_none"),
    ("the reference CNN is better than the tuned one", "reference", "tuned"),
    ("transfer learning is worse than the tuned CNN", "mobilenet_v2", "tuned"),
    ("GAN images help (tuned CNN)", "tuned_gan", "tuned"),
    ("GAN images help (reference CNN)", "reference_gan", "reference"),
    ("GAN images help (MobileNetV2)", "mobilenet_v2_gan", "mobilenet_v2"),
    ("GAN images that balance the classes help (tuned CNN)", "tuned_gan_balanced", "tuned"),
)

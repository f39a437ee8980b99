"""Experiments of data240: ResNet50V2 in three phases, Mini-VGG before and after alignment, the members of the ensemble.

The slides report ResNet50V2 on PublicTest and PrivateTest as one, and the ensemble on 6,000 images that nobody can
draw again, so a fifth of Training selects for both.
"""

from dataclasses import replace

from fer_helpers.labels import HELD_OUT
from fer_helpers.study.experiment import QUICK, Experiment, Recipe

# data240, ResNet50V2: epochs and rates stand on the slides, optimiser and batch do not
FROZEN = Recipe(epochs=50, batch_size=64, learning_rate=1e-3, plateau_patience=50)
UNFROZEN = replace(FROZEN, learning_rate=5e-4)
WEIGHTED = replace(FROZEN, epochs=20, learning_rate=5e-5, min_learning_rate=5e-5)
PHASE_QUICK = replace(QUICK, epochs=1, training_images=100)  # shows that it runs, in seconds

# data240, Mini-VGG: Adam and batch 100 stand on the slides; the number of epochs does not, 15 is ours.
MINI_VGG = Recipe(epochs=15, batch_size=100, learning_rate=1e-3)
# on FaceKit's 3,500 images: 4,200 steps in all, about as many as on FER2013, where learning begins after some 900
MINI_VGG_FACEKIT = replace(MINI_VGG, epochs=30, batch_size=25)
MINI_VGG_QUICK = replace(QUICK, epochs=1, training_images=500)  # some 10 s an epoch of 1,500 images

# data240, the ensemble: as its notebook has it
MEMBER = Recipe(epochs=50, batch_size=64, learning_rate=1e-4)
MEMBER_QUICK = replace(QUICK, epochs=8, batch_size=32)  # small, and soon trained


def _resnet(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """A phase of ResNet50V2: the second one, but for `changes`."""
    entry = {
        "dataset": "fer2013",
        "architecture": "data240_resnet.resnet50v2",
        "preprocess": ("unit", "rgb"),
        "augment": ("rotation", "flip", "vertical_flip"),
        "recipe": UNFROZEN,
        "selection": HELD_OUT,
        "pretrained": "resnet50v2",
        "quick": PHASE_QUICK,
    }
    return Experiment(id=f"data240/{name}", title=title, rows=rows, **(entry | changes))


def _member(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """A member of the ensemble.

    Its notebook turns by up to 0.3 and shears by 0.2, both in degrees, which moves no pixel by more than a fifth of its
    width: both are left out. It zooms by up to a fifth; a tenth is what this course does everywhere.
    """
    entry = {
        "dataset": "fer2013",
        "preprocess": ("unit",),
        "augment": ("flip", "zoom"),
        "recipe": MEMBER,
        "selection": HELD_OUT,
        "quick": MEMBER_QUICK,
    }
    return Experiment(id=f"data240/{name}", title=title, rows=rows, **(entry | changes))


def _mini_vgg(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """An experiment of data240 with Mini-VGG without its dense layer, but for `changes`."""
    entry = {
        "dataset": "fer2013",
        "architecture": "data240.mini_vgg_without_dense",
        "preprocess": ("unit",),
        "augment": (),
        "recipe": MINI_VGG,
        "quick": MINI_VGG_QUICK,
    }
    return Experiment(id=f"data240/{name}", title=title, rows=rows, **(entry | changes))


_ALIGNED = {"preprocess": ("align", "unit"), "landmarks": "keep"}
_DRAWN = {"preprocess": ("unit", "landmark_channel"), "landmarks": "whole_crop"}
_SMALL = {"architecture": "data240_ensemble.called_xception"}
EXPERIMENTS = (
    _resnet(
        "resnet50v2_frozen",
        "ResNet50V2, first phase: frozen",
        ("ResNet50V2 curves", "frozen"),
        architecture="data240_resnet.resnet50v2_frozen",
        recipe=FROZEN,
    ),
    _resnet(
        "resnet50v2",
        "ResNet50V2, second phase: all of it",
        ("ResNet50V2 report, before class weights", "overall"),
        start="data240/resnet50v2_frozen",
    ),
    _resnet(
        "resnet50v2_weighted",
        "ResNet50V2, third phase: class weights",
        ("ResNet50V2 report, after class weights", "overall"),
        start="data240/resnet50v2",
        recipe=WEIGHTED,
        class_weights=True,
    ),
    # as long and as slowly as the third phase, so that the class weights are all that differs
    _resnet(
        "resnet50v2_unweighted",
        "ResNet50V2, third phase without class weights",
        start="data240/resnet50v2",
        recipe=WEIGHTED,
    ),
    _mini_vgg("mini_vgg_no_fc", "Mini-VGG without FC", ("Mini-VGG", "Mini_Vgg No FC")),
    _mini_vgg(
        "mini_vgg_no_fc_aligned",
        "Mini-VGG without FC, aligned",
        ("Mini-VGG", "Mini_Vgg No FC, aligned"),
        **_ALIGNED,
    ),
    _mini_vgg("mini_vgg", "Mini-VGG", ("Mini-VGG", "Mini_Vgg"), architecture="data240.mini_vgg"),
    _mini_vgg(
        "mini_vgg_aligned",
        "Mini-VGG, aligned",
        ("Mini-VGG", "Mini_Vgg, aligned"),
        architecture="data240.mini_vgg",
        **_ALIGNED,
    ),
    # the second channel of drawn landmarks ("not good", say the slides), on the embedded data set
    _mini_vgg(
        "mini_vgg_no_fc_facekit",
        "Mini-VGG without FC on FaceKit",
        dataset="facekit",
        recipe=MINI_VGG_FACEKIT,
    ),
    _mini_vgg(
        "mini_vgg_no_fc_facekit_drawn",
        "Mini-VGG without FC on FaceKit, drawn landmarks as second channel",
        dataset="facekit",
        recipe=MINI_VGG_FACEKIT,
        architecture="data240.mini_vgg_without_dense_two_channels",
        **_DRAWN,
    ),
    # three bars of the slides, one network: what differs between them is the seed
    _member(
        "called_xception",
        'the CNN called "Xception"',
        *(("Model comparison", name) for name in ("Xception", "VGG19", "ResNet101V2")),
        seeds=(0, 1, 2),
        **_SMALL,
    ),
    _member(
        "called_xception_weighted",
        'the CNN called "Xception", class weights',
        class_weights=True,
        seeds=(0, 1, 2),
        **_SMALL,
    ),
    _member(
        "simple_cnn",
        "simple CNN",
        ("Model comparison", "Simple CNN"),
        architecture="data240_ensemble.simple_cnn",
    ),
    _member(
        "simple_cnn_1024",
        "simple CNN with a dense layer of 1,024",
        architecture="data240_ensemble.simple_cnn_1024",
    ),
    # at 224 pixels: for a graphics card
    _member(
        "mobilenet_v2",
        "MobileNetV2",
        ("Model comparison", "MobileNetV2"),
        architecture="data240_ensemble.mobilenet_v2",
        pretrained="mobilenet_v2",
        quick=PHASE_QUICK,
    ),
    _member(
        "inception_v3",
        "InceptionV3",
        ("Model comparison", "InceptionV3"),
        architecture="data240_ensemble.inception_v3",
        pretrained="inception_v3",
        quick=PHASE_QUICK,
    ),
)

COMPARISONS = (
    ("dense layers cost accuracy", "mini_vgg_no_fc", "mini_vgg"),
    ("unfreezing helps (ResNet50V2)", "resnet50v2", "resnet50v2_frozen"),
    ("class weights change the accuracy (ResNet50V2)", "resnet50v2_weighted", "resnet50v2_unweighted"),
    ("class weights change the accuracy (small CNN)", "called_xception_weighted", "called_xception"),
    ("alignment helps (without FC)", "mini_vgg_no_fc_aligned", "mini_vgg_no_fc"),
    ("alignment helps (with FC)", "mini_vgg_aligned", "mini_vgg"),
    (
        "drawn landmarks as a second channel help (FaceKit)",
        "mini_vgg_no_fc_facekit_drawn",
        "mini_vgg_no_fc_facekit",
    ),
)

"""Experiments of data240: Mini-VGG before and after alignment, and with drawn landmarks."""

from dataclasses import replace

from fer_helpers.study.experiment import QUICK, Experiment, Recipe

# data240, Mini-VGG: Adam and batch 100 stand on the slides; the number of epochs does not, 15 is ours.
MINI_VGG = Recipe(epochs=15, batch_size=100, learning_rate=1e-3)
# on FaceKit's 3,500 images: 4,200 steps in all, about as many as on FER2013, where learning begins after some 900
MINI_VGG_FACEKIT = replace(MINI_VGG, epochs=30, batch_size=25)
MINI_VGG_QUICK = replace(QUICK, epochs=1, training_images=500)  # some 10 s an epoch of 1,500 images


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
EXPERIMENTS = (
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
)

COMPARISONS = (
    ("alignment helps (without FC)", "mini_vgg_no_fc_aligned", "mini_vgg_no_fc"),
    ("alignment helps (with FC)", "mini_vgg_aligned", "mini_vgg"),
    (
        "drawn landmarks as a second channel help (FaceKit)",
        "mini_vgg_no_fc_facekit_drawn",
        "mini_vgg_no_fc_facekit",
    ),
)

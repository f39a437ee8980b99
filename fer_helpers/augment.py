"""Augmentation as Keras layers: they act while training and pass images through otherwise.

ljmu names its augmentations and no range. The ranges here have their source beside them; "ours" has none. Wherever a
picture is moved, its edge pixels are repeated, so that no augmentation differs from another by the colour of its rim.
"""

from functools import partial

import keras
from keras import layers

# float32 throughout: the resampling kernels of some backends do not take bfloat16
FLOAT = {"dtype": "float32"}
MOVED = {"fill_mode": "nearest", "dtype": "float32"}
UNIT = (0.0, 1.0)  # contrast, noise and cut-out count in grey levels from 0 to 1 (preprocessing step "unit")

LAYERS = {
    "flip": partial(layers.RandomFlip, "horizontal", **FLOAT),
    # shifts of up to 10 % of width and height, edge pixels repeated (uvic_cnn, section 3.2)
    "shift": partial(layers.RandomTranslation, 0.1, 0.1, **MOVED),
    "vertical_flip": partial(layers.RandomFlip, "vertical", **FLOAT),
    # a tenth of a turn (36 degrees) and a tenth of the size, either way: the tutorial that the base CNN comes from
    "rotation": partial(layers.RandomRotation, 0.1, **MOVED),
    "zoom": partial(layers.RandomZoom, 0.1, **MOVED),
    # rows move against each other, the lowest by up to 0.2 of the height; the top one stays
    # (data240 says "shear 0.2", which in its library is 0.2 degrees)
    "shear": partial(layers.RandomShear, 0.2, **MOVED),
    # a window of 90 % of the width and height anywhere in the picture, enlarged (ours)
    "crop": lambda: _chain(
        [layers.RandomTranslation(0.05, 0.05, **MOVED), layers.RandomZoom((-0.1, -0.1), **MOVED)], "crop"
    ),
    "contrast": partial(layers.RandomContrast, (0.2, 0.2), value_range=UNIT, **FLOAT),  # by up to 20 % (ours)
    "noise": partial(layers.GaussianNoise, 0.05, **FLOAT),  # some 13 grey levels of 255 (ours)
    # a grey square of a third of the width, 16 pixels as DeVries and Taylor 2017 (arXiv 1708.04552) for CIFAR-10
    "cutout": partial(
        layers.RandomErasing, (1.0, 1.0), scale=(1 / 9, 1 / 9), fill_value=0.5, value_range=UNIT, **FLOAT
    ),
}
GREY_LEVELS = {"contrast", "noise", "cutout"}  # for images in [0, 1] only


def pipeline(names: tuple[str, ...]) -> keras.Sequential:
    """Chain the augmentations called `names`, in order; input and output are float images (n, 48, 48, channels)."""
    return _chain([LAYERS[name]() for name in names], "augmentation")


def _chain(steps: list[keras.Layer], name: str) -> keras.Sequential:
    chain = keras.Sequential(steps, name=name)
    chain.dtype_policy = "float32"
    return chain

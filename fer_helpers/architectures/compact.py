"""Small networks for 48 x 48 faces: plain 3 x 3 convolutions in three stages, and one number a channel at the end.

What takes time on a CPU is less the multiplications than everything that is done to each pixel of each channel. So
the full picture sees one convolution without batch normalisation, shortcuts have none either, channels come in
multiples of 16, and shrinking is average pooling (He et al. 2019, "Bag of Tricks", ResNet-D).
"""

import keras
from keras import layers

# channels of the first convolution and of the three stages, by the number of parameters in thousands
WIDTHS = {60: (16, 16, 32, 48), 200: (16, 32, 64, 96), 900: (32, 64, 128, 208), 1800: (48, 96, 176, 288)}
MOMENTUM = 0.9  # with Keras's .99 the averages lag behind the large steps of the first epochs


def _convolution(x, filters: int):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    return layers.BatchNormalization(momentum=MOMENTUM)(x)


def _stage(x, filters: int):
    """Two convolutions and a shortcut around them: (n, side, side, channels) -> (n, side, side, filters)."""
    shortcut = x if x.shape[-1] == filters else layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.Activation("relu")(_convolution(x, filters))
    return layers.Activation("relu")(layers.Add()([_convolution(x, filters), shortcut]))


def compact(thousands: int, classes: int = 7) -> keras.Model:
    """Build the network of about `thousands` parameters, a key of WIDTHS: (n, 48, 48, 1) -> (n, classes) probabilities.

    The images are expected standardised; the source is this course, not a paper.
    """
    first, *stages = WIDTHS[thousands]
    inputs = keras.Input((48, 48, 1))
    x = layers.Conv2D(first, 3, padding="same", activation="relu", kernel_initializer="he_normal")(inputs)
    x = layers.BatchNormalization(momentum=MOMENTUM)(layers.AveragePooling2D(2)(x))
    for number, filters in enumerate(stages):
        x = _stage(layers.AveragePooling2D(2)(x) if number else x, filters)
    x = layers.Dense(classes)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32")(x), name=f"compact_{thousands}k")

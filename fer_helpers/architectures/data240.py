"""Networks of the ensemble project of San José State University (data240).

Mini-VGG is drawn on slide 17: plain 3 x 3 convolutions without batch normalisation or dropout, trained on the images as
they are and after alignment by the eyes. With a second channel it also sees the drawn landmarks.
"""

import keras
from keras import layers


def mini_vgg(classes: int = 7, channels: int = 1) -> keras.Model:
    """Mini-VGG with its dense layer of 512.

    Input (n, 48, 48, channels), output (n, classes) probabilities. 5,866,951 parameters; 5,867,527 with two channels.
    """
    inputs, x = _convolutions(channels)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(512, activation="relu")(layers.Flatten()(x))  # from 9,216
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="mini_vgg")


def mini_vgg_without_dense(classes: int = 7, channels: int = 1) -> keras.Model:
    """Mini-VGG with two 1 x 1 convolutions and global average pooling in place of the dense layers ("No FC").

    Input (n, 48, 48, channels), output (n, classes) probabilities. 1,178,055 parameters; 1,178,631 with two channels.
    """
    inputs, x = _convolutions(channels)
    x = layers.Conv2D(128, 1, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(classes, 1)(x))
    outputs = layers.Activation("softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="mini_vgg_without_dense")


def _convolutions(channels: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Input (48, 48, channels) to a map of 12 x 12 x 256."""
    x = inputs = keras.Input((48, 48, channels))
    for filters in (64, 128, 256):  # sides 48, 24, 12
        if filters > 64:
            x = layers.MaxPooling2D(2)(x)
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return inputs, x

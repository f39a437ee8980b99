"""Networks of Honari Jahromi and Fyshe, "Facial Emotion recognition with convolutional Neural Networks" (uvic_cnn).

Every convolution is followed by pooling and batch normalisation. The original code ran with channels first and left
batch normalisation on the last axis, so that it normalised the columns of the image (its width), not its channels.
`batch_norm_axis=2` rebuilds that on channels-last images; -1 is what the paper describes.
"""

import keras
from keras import layers

COLUMNS = 2  # the axis that the original code normalised by mistake


def shallow(classes: int = 7, batch_norm_axis: int = -1) -> keras.Model:
    """Shallow network (section 3.3, Figure 3): two convolutions.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 4,743,943 parameters; 4,743,703 with the original's batch
    normalisation over columns.
    """
    x = inputs = keras.Input((48, 48, 1))
    for filters in (32, 64):  # 24 x 24 x 32, 12 x 12 x 64
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization(axis=batch_norm_axis)(x)
    x = _dense(layers.Flatten()(x), 512)  # from 9,216
    x = layers.BatchNormalization()(layers.ELU()(x))
    return _classifier(inputs, layers.Dropout(0.5)(x), classes, "shallow")


def medium(classes: int = 7, batch_norm_axis: int = -1) -> keras.Model:
    """Medium network (section 3.3, Figure 7): three convolutions, after Kim et al. 2016.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 2,440,615 parameters; 2,440,271 with the original's batch
    normalisation over columns.
    """
    x = inputs = keras.Input((48, 48, 1))
    for filters, kernel in ((32, 5), (32, 4), (64, 5)):  # 24 x 24 x 32, 12 x 12 x 32, 6 x 6 x 64
        x = layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.BatchNormalization(axis=batch_norm_axis)(x)
    x = _dense(layers.Flatten()(x), 1024)  # from 2,304
    x = layers.Dropout(0.5)(layers.ELU()(x))
    return _classifier(inputs, layers.BatchNormalization()(x), classes, "medium")


def deep(classes: int = 7, batch_norm_axis: int = -1) -> keras.Model:
    """Deep network (section 3.3): VGG-B without its last block, eight convolutions.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 9,414,855 parameters; 9,411,195 with the original's batch
    normalisation over columns, which is what the authors' log prints.
    """
    x = inputs = keras.Input((48, 48, 1))
    for filters in (64, 128, 256, 512):  # sides 24, 12, 6, 3
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization(axis=batch_norm_axis)(x)
        x = layers.Dropout(0.25)(x)
    x = _dense(layers.Flatten()(x), 1024)  # from 4,608
    return _classifier(inputs, layers.Dropout(0.5)(layers.ReLU()(x)), classes, "deep")


def _dense(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """Dense layer with the paper's "L2-regularization", which is a penalty on its output, not on its weights."""
    x = layers.Dense(units)(x)
    # a layer of its own in float32: activity_regularizer= fails under mixed_bfloat16 (Keras 3.15)
    return layers.ActivityRegularization(l2=1e-4, dtype="float32")(x)


def _classifier(inputs: keras.KerasTensor, x: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)

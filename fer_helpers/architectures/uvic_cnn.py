"""Networks of Honari Jahromi and Fyshe, "Facial Emotion recognition with convolutional Neural Networks" (uvic_cnn).

Every convolution is followed by pooling and batch normalisation. The original code ran with channels first and left
batch normalisation on the last axis, so that it normalised the columns of the image (its width), not its channels.
`batch_norm_axis=2` rebuilds that on channels-last images; -1 is what the paper describes.
"""

import keras
from keras import layers

COLUMNS = 2  # the axis that the original code normalised by mistake


def medium(classes: int = 7, batch_norm_axis: int = -1) -> keras.Model:
    """Medium network (section 3.3, Figure 7): three convolutions, after Kim et al. 2016.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 2,440,615 parameters; 2,440,271 with the original's
    batch normalisation over columns.
    """

    def block(x: keras.KerasTensor, filters: int, kernel: int) -> keras.KerasTensor:
        x = layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        return layers.BatchNormalization(axis=batch_norm_axis)(x)

    inputs = keras.Input((48, 48, 1))
    x = block(inputs, filters=32, kernel=5)  # 24 x 24 x 32
    x = block(x, filters=32, kernel=4)  # 12 x 12 x 32
    x = block(x, filters=64, kernel=5)  # 6 x 6 x 64
    x = layers.Flatten()(x)  # 2,304
    x = layers.Dense(1024)(x)
    # a layer of its own in float32: activity_regularizer= fails under mixed_bfloat16 (Keras 3.15)
    x = layers.ActivityRegularization(l2=1e-4, dtype="float32")(x)
    x = layers.ELU()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.BatchNormalization()(x)
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="medium")

"""Networks of the key-points paper of UCF (ucf_keypoints): one trunk, two heads.

The paper describes a trunk of five residual blocks of depthwise separable convolutions, after the mini-Xception of
Arriaga et al., and compares a head with global average pooling ("0.2 M") with a fully connected one ("8 M", 99 MB). The
widths are those that give its sizes: 16 to 256 filters, dense layers of 4,096 and 1,024.
"""

import keras
from keras import layers, regularizers

BLOCKS = (16, 32, 64, 128, 256)  # filters of the five residual blocks


def gap(classes: int = 8) -> keras.Model:
    """Trunk with a convolution to the classes and global average pooling (section 3.2).

    Input (n, 48, 48, 1), output (n, classes) probabilities. 206,392 parameters with 8 classes.
    """
    inputs, x = _trunk()
    x = layers.Conv2D(classes, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32")(x), name="gap")


def fully_connected(classes: int = 8) -> keras.Model:
    """Trunk with two dense layers, of which the first holds half of all the parameters (section 3.2).

    Input (n, 48, 48, 1), output (n, classes) probabilities. 8,589,880 parameters with 8 classes.
    """
    inputs, x = _trunk()
    x = layers.Flatten()(x)  # 2 x 2 x 256
    for units in (4096, 1024):
        x = layers.Dropout(0.5)(layers.Dense(units, activation="relu")(x))
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="fully_connected")


def _trunk() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Input (48, 48, 1) to a map of 2 x 2 x 256."""
    x = inputs = keras.Input((48, 48, 1))
    for _ in range(2):  # 46 x 46 x 8, 44 x 44 x 8
        # Arriaga's code asks for the penalty on the separable convolutions too, but Keras 2 did not apply it there
        x = layers.Conv2D(8, 3, use_bias=False, kernel_regularizer=regularizers.L2(0.01))(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in BLOCKS:  # sides 22, 11, 6, 3, 2
        x = residual_block(x, filters)
    return inputs, x


def residual_block(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Two separable convolutions beside a 1 x 1 shortcut; halves the sides (n, h, w, c) -> (n, h/2, w/2, filters)."""
    # the same as a 1 x 1 convolution with stride 2, whose training crashes TensorFlow 2.19 to 2.21 on processors
    shortcut = layers.MaxPooling2D(1, strides=2, padding="same")(x)
    shortcut = layers.Conv2D(filters, 1, use_bias=False)(shortcut)
    shortcut = layers.BatchNormalization()(shortcut)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.Add()([x, shortcut])

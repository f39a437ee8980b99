"""The networks that paper emotionaldan compares EmotionalDAN with (section 3).

The paper names them and describes none. CNN (2) follows Lopes et al. 2015, Inception-V3 is that of Keras, EmotionNet 2
is rebuilt from its authors' code. CNN (5) is nowhere described: the layout here is ours.
"""

import keras
from keras import layers


def cnn2(classes: int = 7, side: int = 32) -> keras.Model:
    """CNN (2) after Lopes et al.: two convolutions on 32 x 32 pixels.

    Input (n, side, side, 1), resized to 32 x 32 if necessary; output (n, classes) probabilities. 365,447 parameters.
    """
    x = inputs = keras.Input((side, side, 1))
    if side != 32:
        x = layers.Resizing(32, 32, antialias=True, dtype="float32")(x)
    for filters, kernel in ((32, 5), (64, 7)):  # 28 - 14, 8 - 4
        x = layers.Conv2D(filters, kernel, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(256, activation="relu")(layers.Flatten()(x))  # from 1,024
    return _classifier(inputs, x, classes, "cnn2")


def cnn5(classes: int = 7) -> keras.Model:
    """CNN (5) in a layout of ours: five convolutions.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 1,602,823 parameters.
    """
    x = inputs = keras.Input((48, 48, 1))
    for filters, kernel, repeats in ((32, 5, 1), (64, 5, 1), (128, 3, 3)):  # sides 24, 12, 6
        for _ in range(repeats):
            x = layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(256, activation="relu")(layers.Flatten()(x))  # from 4,608
    return _classifier(inputs, layers.Dropout(0.5)(x), classes, "cnn5")


def inception_v3(
    classes: int = 7, side: int = 299, frozen: bool = True, weights: str | None = None
) -> keras.Model:
    """Inception-V3 of which only a new softmax layer is trained, as in the paper; all of it with `frozen=False`.

    Input (n, side, side, 3) in [-1, 1], `side` at least 75; output (n, classes) probabilities. `weights`: None
    (random), "imagenet" (downloaded by Keras) or a file. 21,817,127 parameters, of which 14,343 are trained
    (21,782,695 unfrozen).
    """
    inputs = keras.Input((side, side, 3))
    base = keras.applications.InceptionV3(
        include_top=False, weights=weights, input_shape=(side, side, 3), pooling="avg"
    )
    base.trainable = not frozen
    return _classifier(inputs, base(inputs), classes, "inception_v3")


def emotion_net_2(classes: int = 7, side: int = 224) -> keras.Model:
    """EmotionNet 2: a residual network of 33 basic blocks (3, 4, 23, 3), each with two convolutions.

    Input (n, side, side, 3), output (n, classes) probabilities. 41,394,119 parameters, of which 41,359,687 are trained.
    """
    inputs = keras.Input((side, side, 3))
    x = _convolution(inputs, 64, 7, stride=2)
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(layers.ReLU()(x)))  # side / 4
    for filters, blocks in ((64, 3), (128, 4), (256, 23), (512, 3)):  # sides / 4, 8, 16, 32
        for block in range(blocks):
            x = basic_block(x, filters, stride=2 if block == 0 and filters > 64 else 1)
    return _classifier(inputs, layers.GlobalAveragePooling2D()(x), classes, "emotion_net_2")


def basic_block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the shape changes."""
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(projection(x, filters, stride))
    x = layers.ReLU()(_convolution(x, filters, 3, stride))
    x = _convolution(x, filters, 3)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def projection(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    """A 1 x 1 convolution with this stride, written so that TensorFlow 2.19 to 2.21 can train it on processors."""
    x = layers.MaxPooling2D(1, strides=stride, padding="same")(x)  # keeps every `stride`-th pixel
    return layers.Conv2D(filters, 1, use_bias=False)(x)


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, stride: int = 1) -> keras.KerasTensor:
    """Convolution and batch normalisation, padded equally on all sides and with the momentum of PyTorch."""
    x = layers.ZeroPadding2D(kernel // 2)(x)
    x = layers.Conv2D(filters, kernel, strides=stride, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def _classifier(inputs: keras.KerasTensor, x: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)

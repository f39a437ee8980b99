"""Networks of the slides on augmentation with a GAN (Kumar, Liverpool John Moores University; ljmu).

The slides print numbers of parameters, no layers. These networks have exactly those numbers. The base CNN and the tuned
one are TensorFlow's tutorial on image classification, without and with one more convolution; the reference CNN is the
one of Vulpe-Grigorasi and Grigore 2021 (doi 10.1109/ATEE52255.2021.9425073). All of them take colour images: a grey
image is given three times (preprocessing step "rgb").
"""

from collections.abc import Sequence

import keras
from keras import layers

IMAGE = (48, 48, 3)


def base(classes: int = 7, dropout: float = 0.2) -> keras.Model:
    """Base CNN: three convolutions, and the tutorial's dropout before the dense layers.

    Input (n, 48, 48, 3) in [0, 1], output (n, classes) probabilities. 319,527 parameters.
    """
    return cnn((16, 32, 64), 128, dropout, classes, "base")


def tuned(classes: int = 7, dropout: float = 0.2) -> keras.Model:
    """CNN with tuning: one convolution more, so that the dense layer sees 3 x 3 in place of 6 x 6 pixels.

    Input (n, 48, 48, 3) in [0, 1], output (n, classes) probabilities. 245,927 parameters.
    """
    return cnn((16, 32, 64, 128), 128, dropout, classes, "tuned")


def cnn(
    filters: Sequence[int], units: int, dropout: float, classes: int = 7, name: str = "cnn"
) -> keras.Model:
    """The form of both: a convolution and pooling for each number in `filters`, a dense layer of `units`.

    Input (n, 48, 48, 3) in [0, 1], output (n, classes) probabilities.
    """
    x = inputs = keras.Input(IMAGE)
    for number in filters:  # sides 24, 12, 6, 3
        x = layers.Conv2D(number, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(layers.Dropout(dropout)(x))
    x = layers.Dense(units, activation="relu")(x)
    return _classifier(inputs, x, classes, name)


def reference(classes: int = 7) -> keras.Model:
    """Reference CNN. The slides' number needs padded convolutions; a public rebuild of it has none.

    Input (n, 48, 48, 3) in [0, 1], output (n, classes) probabilities. 5,178,567 parameters, of which 5,175,111 are
    trained.
    """
    inputs = keras.Input(IMAGE)
    x = layers.Conv2D(256, 3, padding="same", activation="relu")(inputs)
    for filters in (512, 384, 192, 384):  # sides 24, 12, 6, 3
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(layers.BatchNormalization()(x))
        x = layers.Dropout(0.4)(x)
    x = layers.Dense(256, activation="relu")(layers.Flatten()(x))  # from 3,456
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    return _classifier(inputs, x, classes, "reference")


def mobilenet_v2(classes: int = 7, weights: str | None = None) -> keras.Model:
    """MobileNetV2 ("transfer learning") with two dense layers; all of it is trained, as the slides' number says.

    Input (n, 48, 48, 3) in [-1, 1], output (n, classes) probabilities. `weights` of the convolutions: None (random),
    "imagenet" (downloaded by Keras) or the path of a file. 2,430,663 parameters, of which 2,396,551 are trained; with
    frozen convolutions it would be 172,679.
    """
    inputs = keras.Input(IMAGE)
    convolutions = keras.applications.MobileNetV2(include_top=False, weights=weights, input_tensor=inputs)
    x = layers.GlobalAveragePooling2D()(convolutions.output)  # from 2 x 2 x 1280
    for units in (128, 64):
        x = layers.Dense(units, activation="relu")(x)
    return _classifier(inputs, x, classes, "mobilenet_v2")


def _classifier(inputs: keras.KerasTensor, x: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)

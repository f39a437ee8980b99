"""The ensemble of data240: its branches, and the votes of three, four and five of them.

The slides print two counts, the authors' notebook the layers. A branch enlarges the grey image to 224 x 224, turns it
into three channels with a convolution of 6 parameters, and puts a small head on a network of Keras. But the branches
that the slides call Xception, VGG19 and ResNet101V2 are one and the same small network on the image as it is
(`called_xception`): the notebook gives it the input in place of the base's output. `xception` is what the name says.

The bases run with the batch statistics of their weights file, also in training (`Inference`).
"""

from collections.abc import Callable

import keras
from keras import layers

IMAGE = (48, 48, 1)  # of every branch
applications = keras.applications


@keras.saving.register_keras_serializable("fer_helpers")
class Inference(layers.Wrapper):
    """A network that never runs in training mode: its weights are trained, its batch statistics stay.

    In the authors' Keras 2 `base(x, training=False)` did that; in Keras 3 the mode of the whole model overrides it.
    """

    def call(self, x):
        """Run the network on x (n, height, width, channels)."""
        return self.layer(x, training=False)


def inception_v3(
    classes: int = 7, normalised: bool = True, side: int = 224, weights: str | None = None
) -> keras.Model:
    """InceptionV3 branch; without `normalised` the "features_InceptionV3" that votes in top-3 and top-5.

    Input (n, 48, 48, 1), enlarged to `side`, at least 107; output (n, classes) probabilities. `weights`: None,
    "imagenet" or a file. 21,825,325 parameters, 21,786,797 of them trained; 21,817,133 and 21,782,701 without
    normalisation.
    """
    inputs, x = _base(applications.InceptionV3, side, weights)  # 5 x 5 x 2048
    if normalised:
        x = layers.BatchNormalization()(x)
    return _classifier(inputs, _pooled(x), classes, "inception_v3" if normalised else "features_inception_v3")


def mobilenet_v2(classes: int = 7, side: int = 224, weights: str | None = None) -> keras.Model:
    """MobileNetV2 branch, with a convolution of its own behind the base.

    Input (n, 48, 48, 1), enlarged to `side`, at least 161; output (n, classes) probabilities. 3,282,381 parameters, of
    which 3,248,205 are trained.
    """
    inputs, x = _base(applications.MobileNetV2, side, weights)  # 7 x 7 x 1280
    x = layers.BatchNormalization()(layers.Conv2D(32, 5, activation="elu")(x))
    return _classifier(inputs, _pooled(x), classes, "mobilenet_v2")


def xception(classes: int = 7, side: int = 224, weights: str | None = None) -> keras.Model:
    """The branch that the slides describe as Xception, with a real Xception; head as in `features_InceptionV3`.

    Input (n, 48, 48, 1), enlarged to `side`, at least 71; output (n, classes) probabilities. 20,875,829 parameters, of
    which 20,821,301 are trained.
    """
    inputs, x = _base(_trainable_xception, side, weights)  # 7 x 7 x 2048
    return _classifier(inputs, _pooled(x), classes, "xception")


def called_xception(classes: int = 7) -> keras.Model:
    """What the slides call Xception, VGG19 and ResNet101V2: three convolutions and average pooling.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 69,479 parameters, of which 69,223 are trained.
    """
    inputs = keras.Input(IMAGE)
    x = layers.GlobalAveragePooling2D()(_convolutions(inputs, layers.MaxPooling2D, pool_size=2))  # 2 x 2 x 64
    return _classifier(inputs, layers.Dropout(0.2)(x), classes, "called_xception")


def simple_cnn(classes: int = 7, hidden: int = 0) -> keras.Model:
    """The slides' "simple CNN", by chance with as many parameters; with 1,024 `hidden` units the one of top-4.

    Input (n, 48, 48, 1), output (n, classes) probabilities. 69,479 parameters, of which 69,223 are trained; 142,759 and
    142,503 with 1,024 hidden units.
    """
    inputs = keras.Input(IMAGE)
    x = layers.Flatten()(_convolutions(inputs, layers.MaxPooling2D, pool_size=3, strides=2))  # 1 x 1 x 64
    if hidden:
        x = layers.Dense(hidden, activation="elu")(x)
    return _classifier(inputs, layers.Dropout(0.3)(x), classes, "simple_cnn")


def features_inception_v3(classes: int = 7) -> keras.Model:
    """`inception_v3` without the batch normalisation of its head."""
    return inception_v3(classes, normalised=False)


def simple_cnn_1024(classes: int = 7) -> keras.Model:
    """`simple_cnn` with 1,024 hidden units."""
    return simple_cnn(classes, hidden=1024)


# name -> the branches that really vote
MEMBERS: dict[str, tuple[Callable[..., keras.Model], ...]] = {
    "top_3": (mobilenet_v2, features_inception_v3, called_xception),
    "top_4": (mobilenet_v2, inception_v3, called_xception, simple_cnn_1024),
    "top_5": (mobilenet_v2, features_inception_v3, called_xception, called_xception, called_xception),
    "top_3_real_xception": (mobilenet_v2, features_inception_v3, xception),
}


def vote(name: str, classes: int = 7) -> keras.Model:
    """Mean of the probabilities of the branches in `MEMBERS[name]`, as one network.

    Input (n, 48, 48, 1), output (n, classes). Trained parameters: 25,100,129 (top_3), 25,246,728 (top_4), 25,238,575
    (top_5), 45,852,207 (top_3_real_xception).
    """
    inputs = keras.Input(IMAGE)
    branches = [build(classes) for build in MEMBERS[name]]
    for number, branch in enumerate(branches, start=1):
        branch.name = f"{number}_{branch.name}"  # the same network may vote several times
    return keras.Model(inputs, layers.Average()([branch(inputs) for branch in branches]), name=name)


def _base(
    build: Callable[..., keras.Model], side: int, weights: str | None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Input (48, 48, 1), and the feature map of a Keras network behind the enlargement."""
    inputs = keras.Input(IMAGE)
    enlarge = keras.Sequential([layers.Resizing(side, side), layers.Conv2D(3, 1)], name="img_augment")
    base = build(include_top=False, weights=weights, input_shape=(side, side, 3))
    return inputs, Inference(base, name=base.name)(enlarge(inputs))


def _pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(layers.MaxPooling2D(2)(x)))


def _convolutions(
    x: keras.KerasTensor, pooling: Callable[..., layers.Layer], **pool: int
) -> keras.KerasTensor:
    """Three convolutions without padding, each normalised and pooled; 69,024 parameters."""
    for filters, kernel in ((32, 5), (32, 4), (64, 5)):
        x = layers.BatchNormalization()(layers.Conv2D(filters, kernel, activation="elu")(x))
        x = pooling(**pool)(x)
    return x


def _classifier(inputs: keras.KerasTensor, x: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)


def _trainable_xception(**options: object) -> keras.Model:
    """Xception of Keras, its four strided 1 x 1 convolutions written so that TensorFlow can train them on processors.

    Pooling over one pixel with the stride, then the convolution without: the same numbers (TensorFlow 2.19 to 2.21
    corrupts its memory when it trains the strided form).
    """
    original = applications.Xception(**options)

    def is_strided(layer: layers.Layer) -> bool:
        return type(layer) is layers.Conv2D and layer.kernel_size == (1, 1) and layer.strides != (1, 1)

    def copied(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        return type(layer).from_config(config | {"strides": 1} if is_strided(layer) else config)

    strided = {layer.name: layer.strides for layer in original.layers if is_strided(layer)}

    def called(layer: layers.Layer, *arguments: object, **named: object) -> keras.KerasTensor:
        if layer.name in strided:
            x, *others = arguments
            arguments = (layers.MaxPooling2D(1, strides=strided[layer.name], padding="same")(x), *others)
        return layer(*arguments, **named)

    rebuilt = keras.models.clone_model(original, clone_function=copied, call_function=called)
    rebuilt.set_weights(original.get_weights())
    return rebuilt

"""ResNet50V2 with the dense head of data240 (slides "ResNet50V2").

The slides print the layers and the three phases: base frozen, base trained, class weights. They name neither the size
of the images nor the optimiser; 48 pixels are ours, the number of parameters is the same for every size.
"""

import keras
from keras import layers


def resnet50v2(
    classes: int = 7, frozen: bool = False, side: int = 48, weights: str | None = None
) -> keras.Model:
    """ResNet50V2 and four dense layers; `frozen`: only the head is trained (the first phase).

    Input (n, side, side, 3), `side` at least 32: a grey image given three times (preprocessing step "rgb"); output
    (n, classes) probabilities. `weights` of the base: None (random), "imagenet" (downloaded by Keras) or the path of a
    file. 26,268,679 parameters, of which 26,216,071 are trained, or 2,696,711 with a frozen base.
    """
    inputs = keras.Input((side, side, 3))
    base = keras.applications.ResNet50V2(include_top=False, weights=weights, input_shape=(side, side, 3))
    base.trainable = not frozen
    x = base(inputs)  # side / 32, rounded up
    x = layers.BatchNormalization()(layers.GlobalAveragePooling2D()(x))
    x = layers.Dropout(0.5)(x)
    for units, dropout in ((1024, 0.4), (512, 0.3)):
        # the slides penalise the weights of the first dense layer only
        penalty = keras.regularizers.L2(0.01) if units == 1024 else None
        x = layers.Dense(units, activation="elu", kernel_regularizer=penalty)(x)
        x = layers.Dropout(dropout)(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(layers.Dense(128, activation="elu")(x))
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="resnet50v2")

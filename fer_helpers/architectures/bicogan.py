"""The three networks of ljmu's "BiCoGAN": generator, discriminator and encoder, as published and with a joint decision.

The paper prints two parameter counts; layers are those of the public notebook that it follows. A condition is a vector
over the classes: one-hot, or probabilities. Dense without bias on it is what the notebook does with an Embedding: each
class has a row of its own.
"""

import keras
from keras import layers

LATENT = 100  # length of the code z
LABEL = 48 * 48  # length of the discriminator's row for a class


def generator(classes: int = 6, width: int = 128, start: float = 0.05) -> keras.Model:
    """Code and condition to an image: z times the class's row, a dense layer, two enlargements, a wide convolution.

    Inputs z (n, 100) and condition (n, classes), output (n, 48, 48, 1) in [-1, 1]. 2,405,209 parameters with 6
    classes. `width`: filters, 128 as published. The rows start between -`start` and `start`; from Keras's 0.05 for
    an Embedding z needs hundreds of batches to reach the image.
    """
    z, condition = keras.Input((LATENT,), name="z"), keras.Input((classes,), name="condition")
    x = layers.Multiply()([z, _row(condition, LATENT, start)])
    x = _leaky(layers.Dense(12 * 12 * width)(x))
    x = layers.Reshape((12, 12, width))(x)
    for _ in range(2):  # 24 x 24, 48 x 48
        x = _leaky(layers.Conv2DTranspose(width, 4, strides=2, padding="same")(x))
    x = layers.Conv2D(1, 12, padding="same")(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model([z, condition], image, name="generator")


def discriminator(classes: int = 6, width: int = 128, joint: int = 0) -> keras.Model:
    """Does the triple come from the data and the encoder (positive), or from the generator (negative)?

    Inputs z (n, 100), image (n, 48, 48, 1) and condition (n, classes), output (n, 1) log-odds; the published sigmoid
    stands in the loss. 1,659,621 parameters with 6 classes, as published. There the last layer adds one number for
    each of z, image and condition, so it cannot see whether they belong together; `joint` units in front of it can.
    """
    z, image = keras.Input((LATENT,), name="z"), keras.Input((48, 48, 1), name="image")
    condition = keras.Input((classes,), name="condition")
    x = image
    for strides in (1, 2, 2, 2, 2):  # 48, 24, 12, 6, 3
        x = _leaky(layers.Conv2D(width, 5, strides=strides, padding="same")(x))
    x = layers.Concatenate()([layers.Flatten()(x), z, _row(condition, LABEL)])
    if joint:
        x = _leaky(layers.Dense(joint)(x))
    return keras.Model(
        [z, image, condition], layers.Dense(1, dtype="float32", name="log_odds")(x), name="discriminator"
    )


def encoder(classes: int = 0, width: int = 64, normalised: bool = False) -> keras.Model:
    """An image to its code, and with `classes` to its condition as well (Jaiswal et al. 2018).

    Input (n, 48, 48, 1), output z (n, 100); with `classes` a list of z and of probabilities (n, classes). 4,767,844
    parameters as published, without a condition. With `normalised`, every number of the code has mean 0 and variance 1
    over a batch, as the codes that are drawn for the generator have.
    """
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Conv2D(width, 5, strides=2, padding="same")(image)
    for factor in (2, 4, 8):  # 12, 6, 3; no activations, as published
        x = layers.Conv2D(factor * width, 5, strides=2, padding="same")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(x)
    z = layers.Dense(LATENT, dtype="float32", name="z")(x)
    if normalised:
        z = layers.BatchNormalization(
            momentum=0.9, center=False, scale=False, dtype="float32", name="normalised_z"
        )(z)
    if not classes:
        return keras.Model(image, z, name="encoder")
    condition = layers.Dense(classes, activation="softmax", dtype="float32", name="condition")(x)
    return keras.Model(image, [z, condition], name="encoder")


def _row(condition: keras.KerasTensor, length: int, start: float = 0.05) -> keras.KerasTensor:
    """The row of a class, (n, length)."""
    uniform = keras.initializers.RandomUniform(-start, start)
    return layers.Dense(length, use_bias=False, kernel_initializer=uniform)(condition)


def _leaky(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.LeakyReLU(negative_slope=0.2)(x)

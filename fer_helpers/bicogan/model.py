"""Generator, discriminator and encoder as one model, trained against each other."""

import keras
from keras import ops

from fer_helpers.architectures.bicogan import LATENT


class BiCoGAN(keras.Model):
    """Trains a generator, a discriminator and an encoder with Keras's own `fit`, on TensorFlow, JAX and PyTorch.

    The discriminator tells triples (z, image, condition) of the data, with the encoder's z, from those of the
    generator; generator and encoder are trained for the opposite answers. A GAN is usually written as a `train_step`
    with two gradients, another one for each backend. Here it is one sum of two losses: in the discriminator's,
    images and codes are constants; in the other, the discriminator's weights are. Gradients and one Adam are then the
    same as those of two optimisers that step at once from the same batch (the public notebook lets the
    discriminator step first, and draws new codes for generator and encoder).

    An encoder with a second output encodes the condition too (Jaiswal et al. 2018): the discriminator gets the
    encoded condition with the data, and the extrinsic-factor loss, here cross-entropy with a constant weight of 1
    (there it grows), ties it to the true one. `noise` is the standard deviation of what is added to all images that
    the discriminator sees, so that it cannot win by details. Inputs of `call`: a dict of "image" (n, 48, 48, 1),
    "condition" (n, classes), one-hot, and "drawn" (n, classes), the conditions that the generator gets.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder: keras.Model,
        noise: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(name="bicogan")
        self.noise = noise
        self.generator, self.discriminator, self.encoder = generator, discriminator, encoder
        self.codes = keras.random.SeedGenerator(seed)
        names = ("discriminator_loss", "generator_loss", "accuracy", "extrinsic_loss")
        self.means = {name: keras.metrics.Mean(name) for name in names}

    def call(self, inputs: dict, training: bool = False) -> dict:
        """Log-odds (n, 1) of the data's triples and the generator's, twice, and the encoded condition (n, classes)."""
        image, drawn = inputs["image"], inputs["drawn"]
        z = keras.random.normal((ops.shape(image)[0], LATENT), seed=self.codes)
        generated = self._noisy(self.generator([z, drawn], training=training))
        encoded = self.encoder(image, training=training)
        image, result = self._noisy(image), {}
        if isinstance(encoded, list | tuple):
            code, result["guess"] = encoded
            said, claimed = ops.stop_gradient(result["guess"]), result["guess"]
        else:  # as published: the encoder's images go with the conditions drawn for the generator, not with their own
            code, said, claimed = encoded, inputs["condition"], drawn
        return result | {
            "real": self.discriminator([ops.stop_gradient(code), image, said]),
            "generated": self.discriminator([z, ops.stop_gradient(generated), drawn]),
            "real, for the encoder": self._judge([code, image, claimed]),
            "generated, for the generator": self._judge([z, generated, drawn]),
        }

    def _noisy(self, image: keras.KerasTensor) -> keras.KerasTensor:
        if not self.noise:
            return image
        return image + self.noise * keras.random.normal(ops.shape(image), dtype=image.dtype, seed=self.codes)

    def _judge(self, triple: list) -> keras.KerasTensor:
        """Discriminator with constant weights: gradients go through it and not into it."""
        weights = [ops.stop_gradient(weight.value) for weight in self.discriminator.trainable_variables]
        others = [weight.value for weight in self.discriminator.non_trainable_variables]
        return self.discriminator.stateless_call(weights, others, triple)[0]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Sum of the losses: binary cross-entropy of log-odds, written with softplus, and the extrinsic-factor loss."""
        real, generated = y_pred["real"], y_pred["generated"]
        against = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(generated))
        fooled = ops.mean(ops.softplus(y_pred["real, for the encoder"])) + ops.mean(
            ops.softplus(-y_pred["generated, for the generator"])
        )
        extrinsic = 0.0
        if "guess" in y_pred:
            extrinsic = ops.mean(keras.losses.categorical_crossentropy(x["condition"], y_pred["guess"]))
        right = ops.mean(ops.cast(real > 0, "float32")) / 2 + ops.mean(ops.cast(generated < 0, "float32")) / 2
        values = (against, fooled, right, extrinsic)
        for mean, value in zip(self.means.values(), values, strict=True):
            mean.update_state(value)
        return against + fooled + extrinsic

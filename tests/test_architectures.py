"""Parameter counts, shapes, and the original code's batch normalisation over columns."""

import keras
import numpy as np
import pytest

from fer_helpers import architectures
from fer_helpers.architectures import ucf_keypoints, uvic_cnn
from fer_helpers.errors import FerError

_GAP = [8, 8, *(width for width in (16, 32, 64, 128, 256) for _ in range(3))]
# counted by hand and with the authors' own code: total, trainable, length of each batch normalisation's gamma
COUNTS = {
    "uvic_cnn.shallow": (4_743_943, 4_742_727, [32, 64, 512]),
    "uvic_cnn.shallow_as_published": (4_743_703, 4_742_607, [24, 12, 512]),
    "uvic_cnn.deep": (9_414_855, 9_412_935, [64, 128, 256, 512]),
    "uvic_cnn.deep_as_published": (9_411_195, 9_411_105, [24, 12, 6, 3]),  # the authors' log
    "uvic_cnn.medium": (2_440_615, 2_438_311, [32, 32, 64, 1024]),
    "uvic_cnn.medium_as_published": (2_440_271, 2_438_139, [24, 12, 6, 1024]),
    "ucf_keypoints.gap": (206_392, 203_384, _GAP),
    "ucf_keypoints.fully_connected": (8_589_880, 8_586_872, _GAP),
    "ljmu.base": (319_527, 319_527, []),
    "ljmu.tuned": (245_927, 245_927, []),
    "ljmu.reference": (5_178_567, 5_175_111, [512, 384, 192, 384, 256]),
    "data240.mini_vgg": (5_866_951, 5_866_951, []),
    "data240.mini_vgg_two_channels": (5_867_527, 5_867_527, []),
    "data240.mini_vgg_without_dense": (1_178_055, 1_178_055, []),
    "data240.mini_vgg_without_dense_two_channels": (1_178_631, 1_178_631, []),
    **{  # the first convolution's, then two of each of three stages
        f"compact.compact_{size}": (total, trainable, [first, a, a, b, b, c, c])
        for size, total, trainable, (first, a, b, c) in (
            ("60k", 56_375, 55_959, (16, 16, 32, 48)),
            ("200k", 218_503, 217_703, (16, 32, 64, 96)),
            ("900k", 947_447, 945_783, (32, 64, 128, 208)),
            ("1800k", 1_837_319, 1_834_983, (48, 96, 176, 288)),
        )
    },
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_shapes_and_probabilities(name):
    total, trainable, gammas = COUNTS[name]
    net = architectures.build(name)
    expected = {"total": total, "trainable": trainable, "non_trainable": total - trainable}
    assert architectures.count_parameters(net) == expected
    norms = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.gamma.shape[0] for layer in norms] == gammas
    if norms:
        assert norms[0].axis % 4 == (uvic_cnn.COLUMNS if "published" in name else 3)
    x = np.random.default_rng(0).normal(size=(3, *net.input_shape[1:]))
    output = keras.ops.convert_to_numpy(net(x))
    classes = 8 if name.startswith("ucf_keypoints") else 7  # FER+ has contempt
    assert output.shape == (3, classes) and output.dtype == np.float32
    assert architectures.build(name, 3).output_shape == (None, 3)
    np.testing.assert_allclose(output.sum(axis=1), 1, atol=1e-5)


def test_every_network_of_48_pixels_is_tested_above():
    """Those of emotionaldan, data240's large ones, MobileNetV2 and BiCoGAN have tests of their own."""
    elsewhere = ("emotionaldan", "data240_", "ljmu.mobilenet_v2", "bicogan")
    assert {name for name in architectures.NETS if not name.startswith(elsewhere)} == set(COUNTS)


def test_batch_normalisation_over_columns_is_what_the_original_code_did():
    """Scaling one column of every image is undone over columns, not over channels."""
    x = np.random.default_rng(0).normal(size=(64, 4, 5, 3)).astype("float32")
    x[:, :, 2] *= 100
    for axis, undone in ((uvic_cnn.COLUMNS, True), (-1, False)):
        y = keras.ops.convert_to_numpy(keras.layers.BatchNormalization(axis=axis)(x, training=True))
        assert np.allclose(y[:, :, 2].std(), y[:, :, 0].std(), rtol=0.05) == undone


def test_the_residual_shortcut_is_the_strided_convolution_of_the_paper():
    """Pooling over one pixel with stride 2, then a 1 x 1 convolution: the same as the convolution with stride 2."""
    x = np.random.default_rng(0).normal(size=(2, 11, 12, 3)).astype("float32")
    strided = keras.layers.Conv2D(4, 1, strides=2, padding="same", use_bias=False)
    expected = keras.ops.convert_to_numpy(strided(x))
    inputs = keras.Input(x.shape[1:])
    block = keras.Model(inputs, ucf_keypoints.residual_block(inputs, 4))
    pool = next(layer for layer in block.layers if isinstance(layer, keras.layers.MaxPooling2D))
    convolution = next(layer for layer in block.layers if type(layer) is keras.layers.Conv2D)
    convolution.set_weights(strided.get_weights())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(convolution(pool(x))), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_training_the_separable_trunk_survives(policy):
    """A strided 1 x 1 convolution would corrupt TensorFlow's memory here."""
    keras.config.set_dtype_policy(policy)
    try:
        net = ucf_keypoints.gap()
    finally:
        keras.config.set_dtype_policy("float32")
    net.compile("adam", "categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 48, 48, 1)), np.eye(8)[rng.integers(0, 8, 64)]
    losses = net.fit(x, y, batch_size=32, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_parameter_table_is_equal_throughout():
    table = architectures.parameter_table()
    assert list(table["net"]) == list(architectures.NETS)
    assert table["equal"].all()


def test_a_wrong_count_shows(monkeypatch):
    name = "uvic_cnn.medium"
    wrong = architectures.Net(architectures.NETS[name].build, 2_440_615, 2_438_312, "")
    monkeypatch.setattr(architectures, "NETS", {name: wrong})
    assert not architectures.parameter_table()["equal"].any()


def test_an_unknown_net_is_named():
    with pytest.raises(FerError, match="no network called 'uvic_cnn.huge'.*uvic_cnn.medium"):
        architectures.build("uvic_cnn.huge")

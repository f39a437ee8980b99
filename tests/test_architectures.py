"""Parameter counts, shapes, and the original code's batch normalisation over columns."""

import keras
import numpy as np
import pytest

from fer_helpers import architectures
from fer_helpers.architectures import uvic_cnn
from fer_helpers.errors import FerError

# counted by hand and with the authors' own code: total, trainable, length of each batch normalisation's gamma
COUNTS = {
    "uvic_cnn.shallow": (4_743_943, 4_742_727, [32, 64, 512]),
    "uvic_cnn.shallow_as_published": (4_743_703, 4_742_607, [24, 12, 512]),
    "uvic_cnn.deep": (9_414_855, 9_412_935, [64, 128, 256, 512]),
    "uvic_cnn.deep_as_published": (9_411_195, 9_411_105, [24, 12, 6, 3]),  # the authors' log
    "uvic_cnn.medium": (2_440_615, 2_438_311, [32, 32, 64, 1024]),
    "uvic_cnn.medium_as_published": (2_440_271, 2_438_139, [24, 12, 6, 1024]),
}


@pytest.mark.parametrize("name", architectures.NETS)
def test_counts_shapes_and_probabilities(name):
    total, trainable, gammas = COUNTS[name]
    net = architectures.build(name)
    expected = {"total": total, "trainable": trainable, "non_trainable": total - trainable}
    assert architectures.count_parameters(net) == expected
    norms = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.gamma.shape[0] for layer in norms] == gammas
    assert norms[0].axis % 4 == (uvic_cnn.COLUMNS if "published" in name else 3)
    output = keras.ops.convert_to_numpy(net(np.random.default_rng(0).normal(size=(3, 48, 48, 1))))
    assert output.shape == (3, 7) and output.dtype == np.float32
    np.testing.assert_allclose(output.sum(axis=1), 1, atol=1e-5)


def test_batch_normalisation_over_columns_is_what_the_original_code_did():
    """Scaling one column of every image is undone over columns, not over channels."""
    x = np.random.default_rng(0).normal(size=(64, 4, 5, 3)).astype("float32")
    x[:, :, 2] *= 100
    for axis, undone in ((uvic_cnn.COLUMNS, True), (-1, False)):
        y = keras.ops.convert_to_numpy(keras.layers.BatchNormalization(axis=axis)(x, training=True))
        assert np.allclose(y[:, :, 2].std(), y[:, :, 0].std(), rtol=0.05) == undone


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

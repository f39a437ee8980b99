"""Multiply-adds against arithmetic by hand and a published number; how printed counts are compared."""

import keras
import pytest
from keras import layers

from fer_helpers import architectures, complexity
from fer_helpers.architectures import data240_ensemble


def model(*stack: layers.Layer, shape: tuple[int, ...] = (10, 12, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ([layers.Conv2D(4, 3)], 8 * 10 * 3 * 3 * 3 * 4),
        ([layers.Conv2D(4, 3, padding="same", strides=2)], 5 * 6 * 3 * 3 * 3 * 4),
        ([layers.Conv2D(6, 3, groups=3, padding="same")], 10 * 12 * 3 * 3 * 1 * 6),
        ([layers.DepthwiseConv2D(3, padding="same")], 10 * 12 * 3 * 3 * 3),
        ([layers.SeparableConv2D(4, 3, padding="same")], 10 * 12 * (3 * 3 * 3 + 3 * 4)),
        ([layers.Conv2DTranspose(4, 4, strides=2, padding="same")], 10 * 12 * 4 * 4 * 3 * 4),
        ([layers.Flatten(), layers.Dense(5), layers.Dense(2)], 360 * 5 + 5 * 2),
        ([layers.Dense(5)], 10 * 12 * 3 * 5),  # at every place of the map
        ([layers.BatchNormalization(), layers.MaxPooling2D(2), layers.ReLU(), layers.Resizing(20, 20)], 0),
    ],
)
def test_multiply_adds_by_hand(stack, expected):
    assert complexity.multiply_adds(model(*stack)) == expected


def test_models_inside_a_model_count():
    inner = model(layers.Conv2D(4, 3))
    inputs = keras.Input((10, 12, 3))
    outer = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(inner(inputs))))
    assert complexity.multiply_adds(outer) == complexity.multiply_adds(inner) + 8 * 10 * 4 * 2
    assert sum(1 for _ in complexity.with_kernel(outer)) == 2
    wrapped = keras.Model(inputs, data240_ensemble.Inference(inner)(inputs))
    assert complexity.multiply_adds(wrapped) == complexity.multiply_adds(inner)


def test_multiply_adds_of_mobilenet_v2_as_published():
    """Sandler et al. 2018, Table 4: 300 million at 224 pixels."""
    net = keras.applications.MobileNetV2(weights=None)
    assert complexity.multiply_adds(net) / 1e6 == pytest.approx(300, abs=1)


@pytest.mark.parametrize(
    ("published", "total", "trainable", "expected"),
    [
        ("", 1, 1, ""),
        ("2.4 m", 2_440_615, 0, "rounded"),
        ("4.7 m", 4_743_943, 0, "rounded"),
        ("0.2 Million", 206_392, 0, "rounded"),
        ("8 Million", 8_589_880, 0, "cut off"),
        ("9 Million", 8_589_880, 0, "rounded"),
        ("2.5 m", 2_440_615, 0, "no"),
        ("25,100,129", 25_168_993, 25_100_129, "trainable"),
        ("2,45,927", 245_927, 245_927, "total"),
        ("69,480", 69_479, 69_223, "no"),
    ],
)
def test_printed_counts(published, total, trainable, expected):
    assert complexity.agreement(published, total, trainable) == expected


def test_table_and_costs_of_small_networks(monkeypatch):
    names = ["data240_ensemble.called_xception", "uvic_cnn.medium"]
    table = complexity.table(names).set_index("net")
    assert table["equal"].all() and table["agrees"].tolist() == ["total", "rounded"]
    assert table["layers"].tolist() == [4, 5]
    medium = 48**2 * 25 * 32 + 24**2 * 16 * 32 * 32 + 12**2 * 25 * 32 * 64 + 2304 * 1024 + 1024 * 7
    assert table.loc["uvic_cnn.medium", "multiply_adds"] == medium

    monkeypatch.setattr(architectures, "NETS", {name: architectures.NETS[name] for name in names})
    monkeypatch.setattr(complexity, "ROUNDS", 3)
    measured = complexity.measure("full").set_index("net")
    assert measured.loc[names[1], "megabytes"] == pytest.approx(4 * 2_440_615 / 1e6, rel=0.02)
    assert 0.1 < measured.loc[names[1], "latency_ratio"] < 10  # against itself, on a machine that may be busy
    assert (measured[table.columns] == table).all(axis=None)


def test_a_vote_costs_what_its_branches_cost(monkeypatch):
    members = (data240_ensemble.called_xception, data240_ensemble.simple_cnn)
    monkeypatch.setitem(data240_ensemble.MEMBERS, "small", members)
    each = [complexity.multiply_adds(build()) for build in members]
    assert complexity.multiply_adds(data240_ensemble.vote("small")) == sum(each)

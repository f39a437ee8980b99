"""Every network of the course by name, with the parameter counts that its paper or its code gives.

A network is named `<paper>.<net>`; the part before the dot is the module that builds it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import pandas as pd

from fer_helpers.architectures import (
    data240,
    emotionaldan,
    emotionaldan_baselines,
    ucf_keypoints,
    uvic_cnn,
)
from fer_helpers.errors import FerError


@dataclass(frozen=True)
class Net:
    """How a network is built and how many parameters it must have."""

    build: Callable[..., keras.Model]  # of the number of classes, by default the paper's
    total: int
    trainable: int
    published: str  # the count as the paper prints it; empty where it prints none


def _over_columns(build: Callable[..., keras.Model]) -> Callable[[], keras.Model]:
    """The network as the authors' code really built it."""
    return partial(build, batch_norm_axis=uvic_cnn.COLUMNS)


NETS = {
    "ucf_keypoints.gap": Net(ucf_keypoints.gap, 206_392, 203_384, "0.2 Million"),
    "ucf_keypoints.fully_connected": Net(ucf_keypoints.fully_connected, 8_589_880, 8_586_872, "8 Million"),
    "uvic_cnn.shallow": Net(uvic_cnn.shallow, 4_743_943, 4_742_727, "4.7 m"),
    "uvic_cnn.shallow_as_published": Net(_over_columns(uvic_cnn.shallow), 4_743_703, 4_742_607, "4.7 m"),
    "uvic_cnn.medium": Net(uvic_cnn.medium, 2_440_615, 2_438_311, "2.4 m"),
    "uvic_cnn.medium_as_published": Net(_over_columns(uvic_cnn.medium), 2_440_271, 2_438_139, "2.4 m"),
    "uvic_cnn.deep": Net(uvic_cnn.deep, 9_414_855, 9_412_935, "9.4 m"),
    "uvic_cnn.deep_as_published": Net(_over_columns(uvic_cnn.deep), 9_411_195, 9_411_105, "9.4 m"),
    "emotionaldan.dan_224": Net(partial(emotionaldan.emotional_dan, 224), 64_063_267, 64_054_557, ""),
    "emotionaldan.dan_112": Net(partial(emotionaldan.emotional_dan, 112), 23_110_243, 23_101_533, ""),
    "emotionaldan.dan_48": Net(partial(emotionaldan.emotional_dan, 48), 11_966_563, 11_957_853, ""),
    "emotionaldan_baselines.cnn2": Net(partial(emotionaldan_baselines.cnn2, side=48), 365_447, 365_447, ""),
    "emotionaldan_baselines.cnn5": Net(emotionaldan_baselines.cnn5, 1_602_823, 1_602_823, ""),
    "emotionaldan_baselines.inception_v3": Net(emotionaldan_baselines.inception_v3, 21_817_127, 14_343, ""),
    "emotionaldan_baselines.emotion_net_2": Net(
        emotionaldan_baselines.emotion_net_2, 41_394_119, 41_359_687, ""
    ),
    "data240.mini_vgg": Net(data240.mini_vgg, 5_866_951, 5_866_951, ""),
    "data240.mini_vgg_two_channels": Net(partial(data240.mini_vgg, channels=2), 5_867_527, 5_867_527, ""),
    "data240.mini_vgg_without_dense": Net(data240.mini_vgg_without_dense, 1_178_055, 1_178_055, ""),
    "data240.mini_vgg_without_dense_two_channels": Net(
        partial(data240.mini_vgg_without_dense, channels=2), 1_178_631, 1_178_631, ""
    ),
}


def build(name: str, classes: int | None = None) -> keras.Model:
    """Build the network called `name` with fresh weights, for `classes` classes (default: the paper's).

    Raises FerError when there is no such network.
    """
    if name not in NETS:
        raise FerError(f"There is no network called {name!r}. The networks are: {', '.join(NETS)}.")
    return NETS[name].build() if classes is None else NETS[name].build(classes=classes)


def count_parameters(model: keras.Model) -> dict[str, int]:
    """Count the parameters of `model`: total, trainable, non-trainable."""
    total = model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return {"total": total, "trainable": trainable, "non_trainable": total - trainable}


def parameter_table() -> pd.DataFrame:
    """Build every network and set its counts beside the expected ones: one row a network."""
    rows = []
    for name, net in NETS.items():
        counts = count_parameters(net.build())
        rows.append(
            {
                "net": name,
                "published": net.published,
                "expected": net.total,
                "total": counts["total"],
                "trainable": counts["trainable"],
                "equal": (counts["total"], counts["trainable"]) == (net.total, net.trainable),
            }
        )
        keras.utils.clear_session()  # the networks of later papers are too large to keep side by side
    return pd.DataFrame(rows)

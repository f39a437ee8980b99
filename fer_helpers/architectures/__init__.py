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
    bicogan,
    compact,
    data240,
    data240_ensemble,
    data240_resnet,
    emotionaldan,
    emotionaldan_baselines,
    ljmu,
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
    "emotionaldan.dan_48_narrow": Net(
        partial(emotionaldan.emotional_dan, 48, width=16), 794_275, 792_093, ""
    ),
    "emotionaldan_baselines.cnn2": Net(partial(emotionaldan_baselines.cnn2, side=48), 365_447, 365_447, ""),
    "emotionaldan_baselines.cnn5": Net(emotionaldan_baselines.cnn5, 1_602_823, 1_602_823, ""),
    "emotionaldan_baselines.inception_v3": Net(emotionaldan_baselines.inception_v3, 21_817_127, 14_343, ""),
    "emotionaldan_baselines.emotion_net_2": Net(
        emotionaldan_baselines.emotion_net_2, 41_394_119, 41_359_687, ""
    ),
    "ljmu.base": Net(ljmu.base, 319_527, 319_527, "319527"),
    "ljmu.tuned": Net(ljmu.tuned, 245_927, 245_927, "2,45,927"),
    "ljmu.reference": Net(ljmu.reference, 5_178_567, 5_175_111, "51,75,111"),
    "ljmu.mobilenet_v2": Net(ljmu.mobilenet_v2, 2_430_663, 2_396_551, "23,96,551"),
    "data240.mini_vgg": Net(data240.mini_vgg, 5_866_951, 5_866_951, ""),
    "data240.mini_vgg_two_channels": Net(partial(data240.mini_vgg, channels=2), 5_867_527, 5_867_527, ""),
    "data240.mini_vgg_without_dense": Net(data240.mini_vgg_without_dense, 1_178_055, 1_178_055, ""),
    "data240.mini_vgg_without_dense_two_channels": Net(
        partial(data240.mini_vgg_without_dense, channels=2), 1_178_631, 1_178_631, ""
    ),
    "data240_resnet.resnet50v2_frozen": Net(
        partial(data240_resnet.resnet50v2, frozen=True), 26_268_679, 2_696_711, ""
    ),
    "data240_resnet.resnet50v2": Net(data240_resnet.resnet50v2, 26_268_679, 26_216_071, ""),
    "data240_ensemble.inception_v3": Net(data240_ensemble.inception_v3, 21_825_325, 21_786_797, "21,786,797"),
    "data240_ensemble.features_inception_v3": Net(
        data240_ensemble.features_inception_v3, 21_817_133, 21_782_701, "21,817,133"
    ),
    "data240_ensemble.mobilenet_v2": Net(data240_ensemble.mobilenet_v2, 3_282_381, 3_248_205, "3,282,381"),
    "data240_ensemble.called_xception": Net(data240_ensemble.called_xception, 69_479, 69_223, "69,479"),
    "data240_ensemble.simple_cnn": Net(data240_ensemble.simple_cnn, 69_479, 69_223, "69,223"),
    "data240_ensemble.simple_cnn_1024": Net(data240_ensemble.simple_cnn_1024, 142_759, 142_503, "142,759"),
    "data240_ensemble.top_3": Net(
        partial(data240_ensemble.vote, "top_3"), 25_168_993, 25_100_129, "25,100,129"
    ),
    "data240_ensemble.top_4": Net(
        partial(data240_ensemble.vote, "top_4"), 25_319_944, 25_246_728, "25,246,728"
    ),
    "data240_ensemble.top_5": Net(
        partial(data240_ensemble.vote, "top_5"), 25_307_951, 25_238_575, "25,238,575"
    ),
    # what the slides say, not what they ran
    "data240_ensemble.xception": Net(data240_ensemble.xception, 20_875_829, 20_821_301, ""),
    "data240_ensemble.top_3_real_xception": Net(
        partial(data240_ensemble.vote, "top_3_real_xception"), 45_975_343, 45_852_207, ""
    ),
    "bicogan.generator": Net(bicogan.generator, 2_405_209, 2_405_209, "2,405,209"),
    "bicogan.discriminator": Net(bicogan.discriminator, 1_659_621, 1_659_621, "1,659,621"),
    "compact.compact_60k": Net(partial(compact.compact, 60), 56_375, 55_959, ""),
    "compact.compact_200k": Net(partial(compact.compact, 200), 218_503, 217_703, ""),
    "compact.compact_900k": Net(partial(compact.compact, 900), 947_447, 945_783, ""),
    "compact.compact_1800k": Net(partial(compact.compact, 1800), 1_837_319, 1_834_983, ""),
    "bicogan.encoder": Net(bicogan.encoder, 4_767_844, 4_766_052, ""),
}


def build(name: str, classes: int | None = None, **options) -> keras.Model:
    """Build the network called `name` with fresh weights, for `classes` classes (default: the paper's).

    `options` go to the function that builds it. Raises FerError when there is no such network.
    """
    if name not in NETS:
        raise FerError(f"There is no network called {name!r}. The networks are: {', '.join(NETS)}.")
    return NETS[name].build(**options) if classes is None else NETS[name].build(classes=classes, **options)


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

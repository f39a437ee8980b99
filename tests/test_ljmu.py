"""The networks of ljmu, where their weights and training images come from, and what selects."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fer_helpers import architectures, augment, datasets, metrics, records, report, study, training
from fer_helpers.architectures import ljmu, pretrained
from fer_helpers.labels import HELD_OUT, LEAKED, MERGED, PRIVATE_TEST, TRAINING
from fer_helpers.study.ljmu import ALONE, IMPACT
from fer_helpers.training import generated_rows


def test_tuned_is_base_with_one_convolution_more():
    """73,600 parameters fewer all the same: the dense layer sees a quarter of the pixels."""
    base, tuned = ljmu.base(), ljmu.tuned()
    kernels = [
        [layer.kernel.shape for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
        for net in (base, tuned)
    ]
    assert kernels[0] == kernels[1][:3] and kernels[1][3] == (3, 3, 64, 128)
    assert base.count_params() - tuned.count_params() == 73_600
    dense = [next(x for x in net.layers if isinstance(x, keras.layers.Dense)) for net in (base, tuned)]
    assert [layer.kernel.shape for layer in dense] == [(2304, 128), (1152, 128)]


def test_mobilenet_v2_is_trained_throughout_and_takes_weights_from_a_file(tmp_path):
    """Frozen, 172,679 parameters would be trained; the slides print 2,396,551."""
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=ljmu.IMAGE)
    donor.save_weights(tmp_path / "mobilenet_v2_test.weights.h5")
    net = ljmu.mobilenet_v2(weights=str(tmp_path / "mobilenet_v2_test.weights.h5"))
    for name in ("Conv1", "block_16_project"):
        np.testing.assert_array_equal(net.get_layer(name).kernel, donor.get_layer(name).kernel)
    counts = architectures.count_parameters(net)
    assert (counts["total"], counts["trainable"]) == (2_430_663, 2_396_551)
    assert architectures.build("ljmu.mobilenet_v2", 3).output_shape == (None, 3)
    head = sum(layer.count_params() for layer in net.layers if isinstance(layer, keras.layers.Dense))
    assert head == 172_679 and all(layer.trainable for layer in net.layers)


def test_training_mobilenet_v2_survives():
    """Its strided convolutions are 3 x 3; strided 1 x 1 ones would corrupt TensorFlow's memory."""
    keras.utils.set_random_seed(0)
    net = ljmu.mobilenet_v2()
    strided = [x for x in net.layers if isinstance(x, keras.layers.Conv2D) and x.strides == (2, 2)]
    assert strided and all(layer.kernel_size == (3, 3) for layer in strided)
    net.compile("adam", "categorical_crossentropy")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 48, 48, 3)), np.eye(7)[random.integers(0, 7, 16)]
    losses = net.fit(x, y, batch_size=16, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_a_file_of_weights_goes_before_a_download_and_random_ones_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    asked = []

    def download(**_):
        asked.append(True)
        raise OSError("no network")

    monkeypatch.setitem(pretrained.APPLICATIONS, "mobilenet_v2", download)
    assert pretrained.find("mobilenet_v2") == (None, "random: no file in the weights folder, and no download")
    assert "no network" in capsys.readouterr().err
    (tmp_path / "mobilenet_v2_x.h5").write_bytes(b"abc")
    weights, words = pretrained.find("mobilenet_v2")
    assert weights == str(tmp_path / "mobilenet_v2_x.h5") and len(asked) == 1
    assert words == "ImageNet, mobilenet_v2_x.h5, sha256 ba7816bf8f01cfea"
    monkeypatch.setitem(pretrained.APPLICATIONS, "resnet50v2", lambda **_: None)
    assert pretrained.find("resnet50v2")[0] == "imagenet"


def test_the_figure_tries_each_augmentation_alone_then_the_pair_with_three_seeds():
    tried = [experiment.augment for experiment in IMPACT]
    assert tried == [(), *((name,) for name in ALONE), ("shift", "flip")] and set(ALONE) == set(
        augment.LAYERS
    )
    for experiment in IMPACT:
        assert experiment.seeds == (0, 1, 2) and experiment.selection == HELD_OUT
        assert experiment.architecture == "ljmu.base"
    for experiment in study.EXPERIMENTS.values():
        if augment.GREY_LEVELS & {*experiment.augment}:
            assert "unit" in experiment.preprocess, experiment.id


def test_only_row_10_as_published_selects_on_what_it_trains_on():
    selections = {e.id: e.selection for e in study.EXPERIMENTS.values() if e.paper == "ljmu"}
    assert selections.pop("ljmu/mobilenet_v2_gan_leaked") == LEAKED
    assert set(selections.values()) == {HELD_OUT}
    published = [row for e in study.EXPERIMENTS.values() if e.paper == "ljmu" for row in e.rows]
    assert len(set(published)) == 6  # rows 1-3 and 8-10


@pytest.fixture
def made():
    """Forty generated images: all white, of class disgust."""
    return np.full((40, 48, 48), 255, "uint8"), np.ones(40, np.int64)


def test_generated_images_stand_behind_the_real_ones(made):
    rows = datasets.load("facekit").split(TRAINING)
    more = generated_rows.append(rows, *made)
    assert len(more) == len(rows) + 40 and (more.rows[-40:] == -1).all() and not more.clean[-40:].any()
    np.testing.assert_array_equal(more.images[:-40], rows.images)
    np.testing.assert_array_equal(more.labels[-40:], made[1])
    assert set(more.splits) == {TRAINING} and more.landmarks is None


@pytest.mark.parametrize("selection", [HELD_OUT, LEAKED])
def test_generated_images_are_trained_on_and_select_only_in_the_leaked_variant(
    selection, made, monkeypatch, tmp_path
):
    from fer_helpers.bicogan import generated

    asked = []
    monkeypatch.setattr(generated, "load", lambda *what: (asked.append(what), made)[1])
    experiment = replace(study.get("ljmu/tuned_gan"), selection=selection)
    job = training.Job(experiment, "quick", 1, tmp_path)
    plain = training.Job(replace(experiment, generated=""), "quick", 1, tmp_path)
    assert asked == [("paper", "quick", 1)] and job.key != plain.key
    assert job.config["generated_digest"] == generated.digest(*made)
    white = {name: (part.rows == -1).sum() for name, part in (("rows", job.training), ("sel", job.selection))}
    if selection == HELD_OUT:
        assert white == {"rows": 40, "sel": 0} and not set(job.training.rows) & set(job.selection.rows)
        np.testing.assert_array_equal(job.selection.rows, plain.selection.rows)
    else:
        assert (
            white["rows"] == 40
            and 5 < white["sel"] < 11
            and set(job.selection.rows) <= set(job.training.rows)
        )
        assert abs(len(job.selection) / len(job.training) - 0.2) < 0.01
    assert MERGED in job._test_sets()


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [("ImageNet, x.h5", "higher"), ("random: x", "no reproduction: random in place of ImageNet weights")],
)
def test_the_report_compares_with_the_merged_test_sets_and_names_random_weights(origin, verdict, tmp_path):
    """The slides print .5682 and do not name the set; the validation accuracy .6098 is not the test's."""
    truth = np.arange(7178) % 7
    answers = np.eye(7)[np.where(np.arange(7178) < 4500, truth, (truth + 1) % 7)]
    record = dict.fromkeys(records.REQUIRED, {}) | {
        "format": records.FORMAT,
        "experiment": "ljmu/mobilenet_v2",
        "seed": 0,
        "profile": "full",
        "config": {"pretrained": "mobilenet_v2"},
        "initial_weights": origin,
        "epochs": {"done": 15, "recipe": 15, "stopped_by": "recipe"},
        "metrics": {
            MERGED: metrics.summarise(truth, answers),
            PRIVATE_TEST: metrics.summarise(truth[3589:], answers[3589:]),  # .254
        },
    }
    records.write(records.path(tmp_path, "ljmu/mobilenet_v2", 0), record, {})
    row = report.result_table("ljmu", tmp_path).set_index("row").loc["MobileNetV2 transfer learning"].iloc[0]
    assert row["published test"] == "0.5682, set unstated" and row["our merged"].startswith("0.6269 ")
    assert row["verdict"] == verdict

"""The branches and votes of data240, and ResNet50V2 with its head: counts, structure, and training that survives."""

import keras
import numpy as np
import pytest

from fer_helpers import architectures, class_weights, published, study
from fer_helpers.architectures import data240_ensemble, data240_resnet
from fer_helpers.labels import HELD_OUT

# the smallest sizes that the bases take: the counts and the layers are those of 224
BRANCHES = {
    "inception_v3": lambda: data240_ensemble.inception_v3(side=107),
    "mobilenet_v2": lambda: data240_ensemble.mobilenet_v2(side=161),
    "xception": lambda: data240_ensemble.xception(side=71),
}


@pytest.fixture(scope="module")
def branch():
    """Build a branch once."""
    built = {}
    return lambda name: built.get(name) or built.setdefault(name, BRANCHES[name]())


def randomly(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape).astype("float32")


def base_of(net: keras.Model) -> keras.Model:
    layer = max(net.layers, key=lambda layer: layer.count_params())
    return layer.layer if isinstance(layer, data240_ensemble.Inference) else layer


def trained_step(net: keras.Model) -> float:
    """Loss of one step on two images; eagerly, which starts faster and runs the same kernels."""
    net.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy", run_eagerly=True)
    return float(net.train_on_batch(randomly(2, *net.input_shape[1:]), np.eye(7)[[0, 3]]))


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_survives_training_and_keeps_its_batch_statistics(branch, name):
    net = branch(name)
    counts = architectures.count_parameters(net)
    expected = architectures.NETS[f"data240_ensemble.{name}"]
    assert (counts["total"], counts["trainable"]) == (expected.total, expected.trainable)
    base = base_of(net)
    trained, fixed = (
        [w.numpy() for w in part] for part in (base.trainable_weights, base.non_trainable_weights)
    )
    assert np.isfinite(trained_step(net))
    pairs = zip(base.trainable_weights, trained, strict=True)
    assert not all(np.array_equal(w.numpy(), old) for w, old in pairs)  # the base is trained too
    assert all(
        np.array_equal(w.numpy(), old) for w, old in zip(base.non_trainable_weights, fixed, strict=True)
    )


def test_the_inception_branch_is_the_summary_of_the_slides(branch):
    numbers = published.load().query("paper == 'data240' and table == 'InceptionV3 summary'")
    assert [layer.count_params() for layer in branch("inception_v3").layers] == numbers["value"].tolist()


def test_the_real_xception_computes_what_that_of_keras_does():
    options = {"include_top": False, "weights": None, "input_shape": (71, 71, 3)}
    keras.utils.set_random_seed(0)
    rebuilt = data240_ensemble._trainable_xception(**options)
    strided = [
        layer for layer in rebuilt.layers
        if type(layer) is keras.layers.Conv2D and layer.kernel_size == (1, 1) and layer.strides != (1, 1)
    ]  # fmt: skip
    assert strided == []
    original = keras.applications.Xception(**options)
    original.set_weights(rebuilt.get_weights())
    x = randomly(1, 71, 71, 3)
    np.testing.assert_allclose(np.asarray(rebuilt(x)), np.asarray(original(x)), rtol=1e-4, atol=1e-5)


def test_the_small_networks_by_hand():
    convolutions = (25 * 32 + 32) + (16 * 32 * 32 + 32) + (25 * 32 * 64 + 64) + 4 * (32 + 32 + 64)
    dense = 64 * 7 + 7
    hidden = 64 * 1024 + 1024 + 1024 * 7 + 7
    nets = [
        data240_ensemble.called_xception(),
        data240_ensemble.simple_cnn(),
        data240_ensemble.simple_cnn_1024(),
    ]
    assert [net.count_params() for net in nets] == [convolutions + dense] * 2 + [convolutions + hidden]
    maps = [
        [layer.output.shape[1] for layer in net.layers if len(layer.output.shape) == 4] for net in nets[:2]
    ]
    assert (min(maps[0]), min(maps[1])) == (2, 1)  # averaged over 2 x 2 in one, one place left in the other
    for net in nets:
        assert np.isfinite(trained_step(net))


def test_a_vote_is_the_mean_of_its_branches(monkeypatch):
    members = (
        data240_ensemble.called_xception,
        data240_ensemble.simple_cnn,
        data240_ensemble.called_xception,
    )
    monkeypatch.setitem(data240_ensemble.MEMBERS, "small", members)
    net = data240_ensemble.vote("small", classes=5)
    x = randomly(4, 48, 48, 1)
    each = [np.asarray(layer(x)) for layer in net.layers if isinstance(layer, keras.Model)]
    assert len(each) == 3 and net.count_params() == sum(build(5).count_params() for build in members)
    np.testing.assert_allclose(np.asarray(net(x)), np.mean(each, axis=0), atol=1e-6)


def test_what_the_votes_contain_is_what_was_counted():
    """The printed counts of trained parameters are those of the branches in `MEMBERS`."""
    trained = {
        name.split(".")[1]: net.trainable for name, net in architectures.NETS.items() if "ensemble" in name
    }
    for name, members in data240_ensemble.MEMBERS.items():
        assert trained[name] == sum(trained[build.__name__] for build in members), name


def test_resnet50v2_trains_its_head_only_where_it_is_frozen():
    net = data240_resnet.resnet50v2(frozen=True)
    assert architectures.count_parameters(net)["trainable"] == 2_696_711
    base = base_of(net)
    order = [weight.path for weight in net.weights]
    before = [weight.numpy() for weight in base.weights]
    assert np.isfinite(trained_step(net))
    assert all(np.array_equal(w.numpy(), old) for w, old in zip(base.weights, before, strict=True))
    base.trainable = True  # the second phase
    assert [weight.path for weight in net.weights] == order  # so that it can take the first phase's weights
    assert architectures.count_parameters(net)["trainable"] == 26_216_071
    assert np.isfinite(trained_step(net))
    assert not np.array_equal(base.weights[0].numpy(), before[0])


def test_the_seven_class_weights_to_the_last_digit():
    numbers = published.load().query("paper == 'data240' and table == 'Class weights'")
    counts, weights = (numbers[numbers["metric"] == name]["value"] for name in ("images", "class_weight"))
    assert class_weights.balanced(counts.astype(int)).tolist() == weights.tolist()


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_confusion_matrices_give_the_printed_reports(when):
    matrix, classes = published.confusion("data240", f"ResNet50V2 confusion matrix, {when} class weights")
    report = class_weights.report(matrix, classes)
    numbers = published.load().query(
        "paper == 'data240' and table == @table",
        local_dict={"table": f"ResNet50V2 report, {when} class weights"},
    )
    for row in numbers.itertuples():
        if row.row == "overall":
            ours = {"accuracy": report.loc["weighted", "recall"], "support": matrix.sum()}[row.metric]
        else:
            ours = report.loc[row.row, row.metric]
        assert round(float(ours), 4) == row.value, row


def test_the_phases_follow_each_other_and_differ_as_the_slides_say():
    phases = ["resnet50v2_frozen", "resnet50v2", "resnet50v2_weighted"]
    first, second, third = (study.get(f"data240/{name}") for name in phases)
    assert [e.start for e in (first, second, third)] == ["", first.id, second.id]
    recipes = [(e.recipe.epochs, e.recipe.learning_rate) for e in (first, second, third)]
    assert recipes == [(50, 1e-3), (50, 5e-4), (20, 5e-5)]
    trained = [architectures.NETS[e.architecture].trainable for e in (first, second, third)]
    assert trained == [2_696_711, 26_216_071, 26_216_071]
    control = study.get("data240/resnet50v2_unweighted")
    assert control.start == third.start and control.recipe == third.recipe
    assert third.class_weights and not control.class_weights


def test_what_is_reported_on_merged_or_on_unknown_images_selects_on_training_rows():
    for experiment in study.data240.EXPERIMENTS:
        if not experiment.architecture.startswith("data240.mini_vgg"):
            assert experiment.selection == HELD_OUT, experiment.id


def test_three_bars_of_the_slides_are_one_network():
    experiment = study.get("data240/called_xception")
    assert {row for _, row in experiment.rows} == {"Xception", "VGG19", "ResNet101V2"}
    printed = [published.value("data240", "Authors' notebook", row) for _, row in experiment.rows]
    assert max(printed) - min(printed) < 0.012  # that much is the seed
    assert architectures.NETS[experiment.architecture].total == 69_479

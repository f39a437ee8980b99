"""Our own networks: what an epoch changes in its pictures, softer targets, averaged weights, several views."""

from dataclasses import replace

import numpy as np
import pytest

from fer_helpers import checkpoints, datasets, metrics, study, training
from fer_helpers.errors import FerError
from fer_helpers.labels import CLEAN_PUBLIC_TEST, MIRRORED, PRIVATE_TEST, PUBLIC_TEST
from fer_helpers.training import compact, variation

N = 400


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def pictures(random):
    return random.integers(0, 256, (N, 48, 48), dtype=np.uint8)


def test_pictures_move_by_no_more_than_the_recipe_says(random):
    dot = np.zeros((N, 48, 48), np.uint8)
    dot[:, 22:26, 22:26] = 255
    np.testing.assert_array_equal(variation.move(dot, random, 0, 0, 0), dot)
    shifted = variation.move(dot, random, 0, 0, 0.1)
    rows, columns = np.indices((48, 48))
    total = shifted.sum(axis=(1, 2))
    centres = np.stack([(shifted * axis).sum(axis=(1, 2)) / total for axis in (columns, rows)]) - 23.5
    assert 4.2 < np.abs(centres).max() < 4.9 and abs(centres.mean()) < 0.3  # a tenth of 48, either way
    turned = variation.move(
        np.where(columns >= 24, 255, 0)[None].repeat(N, 0).astype("uint8"), random, 10, 0, 0
    )
    edge = (turned[:, 0] < 128).sum(axis=1) - 24  # where the vertical edge meets the top row
    assert (
        3 <= np.abs(edge).max() <= 24 * np.tan(np.radians(10)) + 1 and (edge > 1).any() and (edge < -1).any()
    )


def test_half_of_the_pictures_are_mirrored_and_the_rest_is_as_it_was(random, pictures):
    flipped = variation.flip(pictures, random)
    same = (flipped == pictures).all(axis=(1, 2))
    assert 0.4 < same.mean() < 0.6
    np.testing.assert_array_equal(flipped[~same], pictures[~same, :, ::-1])


def test_a_rectangle_is_erased_in_a_share_of_the_pictures(random):
    x = np.ones((N, 48, 48, 1), "float32")
    erased = (variation.erase(x, random, 0.25) == 0)[..., 0]
    hit = erased.any(axis=(1, 2))
    assert 0.15 < hit.mean() < 0.35
    low, high = variation.ERASED_SHARE
    sizes = erased[hit].mean(axis=(1, 2))
    assert low * 0.5 < sizes.min() and sizes.max() < high * 1.2
    for mask in erased[hit]:  # full: as many pixels as its rows times its columns
        assert mask.sum() == mask.any(axis=1).sum() * mask.any(axis=0).sum()


def test_mixing_blends_picture_and_target_alike(random):
    y = np.eye(N, dtype="float32")
    x = np.broadcast_to(y[:, None, None], (N, 2, 2, N))  # a picture that says which one it is
    mixed, targets = variation.mix(x, y, random, 0.2)
    np.testing.assert_allclose(mixed[:, 0, 0], targets, atol=1e-6)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    assert (targets.argmax(axis=1) == np.arange(N)).all() and (targets.max(axis=1) < 0.99).any()


def test_votes_speak_for_the_labels_they_come_with():
    rows = replace(
        datasets.load("facekit").subset(slice(0, 3)), classes=("a", "b"), labels=np.array([0, 1, 1])
    )
    rows = replace(rows, votes=np.array([[10, 0], [0, 10], [5, 5]], np.uint8), vote_names=("x", "y"))
    x, y = np.array([10, 5]) / 15, np.array([0, 15]) / 15  # labels that came with a vote for x, for y
    np.testing.assert_allclose(compact.from_votes(rows), [x, y, (x + y) / 2])
    with pytest.raises(FerError, match="fer2013new.csv"):
        compact.from_votes(replace(rows, votes=None))


# Jobs of some dozen pictures


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Give the job of a tiny run; `changes` are those of its recipe."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    few = {"epochs": 3, "batch_size": 16, "training_images": 48}

    def make(**changes) -> training.Job:
        base = study.get("compact/net_60k")
        experiment = replace(base, quick=replace(base.quick, **few | changes))
        return training.job(experiment, "quick", 0, tmp_path / "results")

    return make


def test_only_cleaned_rows_train_and_only_clean_ones_select(job, monkeypatch):
    whole = datasets.load("facekit")
    dirty = replace(whole, clean=np.random.default_rng(0).random(len(whole)) < 0.5)
    monkeypatch.setattr(datasets, "load", lambda name: dirty)
    made = job(training_images=None)
    assert isinstance(made, compact.CompactJob) and made.experiment.selection == CLEAN_PUBLIC_TEST
    assert made.training.clean.all() and made.selection.clean.all()
    assert len(made.training) == (dirty.clean & (dirty.splits == "Training")).sum()
    assert len(made._test_sets()[PRIVATE_TEST]) == (dirty.splits == PRIVATE_TEST).sum()  # all are reported


def test_the_rate_warms_up_and_falls(job):
    made = job(epochs=10, warm_up_epochs=2, learning_rate=0.3)
    rates = [made._rate({"loss": [0.0] * done}) for done in range(10)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[2] and rates[9] < 0.01


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_an_interrupted_run_goes_on_with_its_average(job, averaging):
    how = {"averaging": averaging, "mixup": 0.2, "erasing": 0.5}
    made = job(**how)
    made.train(epochs=1)
    resumed = made.train()
    made.checkpoint_path.unlink()
    whole = job(**how).train()
    for name in ("loss", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(resumed["history"][name], whole["history"][name], rtol=1e-3, err_msg=name)


def test_the_average_of_the_weights_is_what_is_kept(job):
    made = job(averaging=0.9, epochs=1)  # one epoch: it is the best one
    made.train()
    best = made.best_net().get_weights()
    for average, kept in zip(made.average, best, strict=True):
        np.testing.assert_array_equal(average, kept)
    last = checkpoints.read(made.checkpoint_path).variables[: len(best)]
    assert not any(np.array_equal(a, b) for a, b in zip(best, last, strict=True))


def test_several_views_are_averaged_and_stand_in_the_record(job):
    made = job(epochs=1)
    made.train()
    record = made.evaluate()
    net, x = made.best_net(), made.arrays(made._test_sets()[PRIVATE_TEST])[0]
    both = compact.averaged(net, x)
    np.testing.assert_allclose(both, compact.averaged(net, x[:, :, ::-1]), atol=1e-5)
    np.testing.assert_allclose(
        both, (training.predict(net, x) + training.predict(net, x[:, :, ::-1])) / 2, atol=1e-5
    )
    labels = made._test_sets()[PRIVATE_TEST].labels
    name = f"{PRIVATE_TEST} {MIRRORED}"
    assert record["metrics"][name]["accuracy"] == metrics.summarise(labels, both)["accuracy"]
    down = compact.averaged(
        net, x, ((3, -2),)
    )  # one crop: three pixels down, two to the left, edges repeated
    by_hand = np.pad(x, ((0, 0), (3, 0), (0, 2), (0, 0)), mode="edge")[:, :48, 2:]
    np.testing.assert_allclose(down, compact.averaged(net, by_hand), atol=1e-5)


def test_a_teacher_gives_a_share_of_the_target(job, monkeypatch):
    teacher = replace(study.get("compact/net_60k"), id="compact/teacher", quick=job(epochs=1).recipe)
    monkeypatch.setitem(study.EXPERIMENTS, teacher.id, teacher)
    pupil = job(teachers=(teacher.id,), teaching=0.7, temperature=2.0)
    assert pupil.key != job(teaching=0.7, temperature=2.0).key
    given = pupil.training_arrays()[1]
    labels = training.targets(pupil.training)
    softened = (given - 0.3 * labels) / 0.7
    taught_by = training.job(teacher, "quick", 0, pupil.results_dir)
    answers = compact.averaged(taught_by.best_net(), taught_by.prepare(pupil.training.images)) ** 0.5
    np.testing.assert_allclose(softened, answers / answers.sum(axis=1, keepdims=True), atol=1e-5)
    said = job(teachers=(teacher.id,), epochs=1).train()["built_on"]
    assert [(run["experiment"], run["key"]) for run in said] == [(teacher.id, taught_by.key)]
    taught_by.checkpoint_path.unlink()  # a quick teacher is trained again
    assert job(teachers=(teacher.id,)).training_arrays()[1].shape == given.shape
    assert taught_by.checkpoint_path.exists()


def test_a_consistent_teacher_answers_to_what_its_pupil_sees(job, monkeypatch):
    teacher = replace(study.get("compact/net_60k"), id="compact/teacher", quick=job(epochs=1).recipe)
    monkeypatch.setitem(study.EXPERIMENTS, teacher.id, teacher)
    how = {"teachers": (teacher.id,), "consistent": True, "teaching": 1.0, "temperature": 1.0}
    pupil, uncovered = job(**how, erasing=1.0), job(**how)
    assert [run["experiment"] for run in pupil.built_on] == [teacher.id]  # trained now
    images, given = pupil.training_arrays()
    np.testing.assert_array_equal(given, training.targets(pupil.training))  # nobody has answered yet
    taught_by = training.job(teacher, "quick", 0, pupil.results_dir).best_net()
    targets = []
    for epoch in range(2):
        seen, answers = pupil._varied(images, given, np.random.default_rng(epoch))
        moved = uncovered._varied(images, given, np.random.default_rng(epoch))[0]
        assert not np.array_equal(seen, moved)  # a rectangle is hidden from the pupil alone
        np.testing.assert_allclose(answers, training.predict(taught_by, moved), atol=1e-5)
        targets.append(answers)
    assert not np.allclose(*targets)


def test_the_key_knows_what_is_clean_and_the_votes_where_they_count(job, monkeypatch):
    def key(data: datasets.Dataset, **changes) -> str:
        monkeypatch.setattr(datasets, "load", lambda name: data)
        return job(training_images=None, **changes).key

    whole = datasets.load("facekit")
    fewer = replace(whole, clean=np.arange(len(whole)) != np.argmax(whole.splits == PUBLIC_TEST))
    other = replace(whole, votes=whole.votes[::-1])
    assert key(whole) != key(fewer) and key(whole) == key(other)
    assert key(whole, votes=0.3) != key(other, votes=0.3)

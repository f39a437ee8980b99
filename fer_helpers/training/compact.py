"""Training of the course's own networks: cleaned images, varied anew in each epoch, and softer targets.

They train on the cleaned Training rows and select on the clean PublicTest (`datasets.clean_rows`), so that nothing of a
test set is seen and no copy of a training image selects. Their teachers are runs of the same kind; one that teaches
consistently sees each picture as its pupil does (Beyer et al. 2022, "A good teacher is patient and consistent").
"""

import math
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256

import keras
import numpy as np

from fer_helpers import checkpoints, datasets, metrics, preprocess, study
from fer_helpers.errors import FerError
from fer_helpers.labels import MIRRORED, TEN_CROPS, TRAINING
from fer_helpers.training import variation
from fer_helpers.training.epochs import one_epoch, predict, score
from fer_helpers.training.jobs import Job, policy_of
from fer_helpers.training.rows import targets
from fer_helpers.training.schedule import History

SHIFTS = ((0, 0), (-3, -3), (-3, 3), (3, -3), (3, 3))  # pixels down and right; each also mirrored: ten crops
AVERAGE_EVERY = 5  # steps


class CompactJob(Job):
    """A job whose recipe is a `study.compact.CompactRecipe`."""

    ignores = ("class_weights", "landmarks", "loss_weights", "start")

    def _split(self) -> tuple[datasets.Dataset, datasets.Dataset]:
        self.data = self.data.subset((self.data.splits != TRAINING) | self.data.clean)
        training, selection = super()._split()
        selection = selection.subset(selection.clean)
        # the data's fingerprint knows neither which rows are clean nor the votes
        digest = sha256(training.rows.tobytes() + selection.rows.tobytes())
        if self.recipe.votes and training.votes is not None:
            digest.update(training.votes.tobytes())
        self.config["rows_digest"] = digest.hexdigest()
        return training, selection

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "training/compact", "training/variation"]

    def _rate(self, history: History) -> float:
        """Learning rate of the next epoch: it rises through the warm-up and falls along the cosine."""
        return super()._rate(history) * min(
            1.0, (len(history["loss"]) + 1) / (self.recipe.warm_up_epochs + 1)
        )

    def _optimizer(self, model: keras.Model) -> keras.optimizers.Optimizer:
        how = {"learning_rate": self.recipe.learning_rate, "weight_decay": self.recipe.weight_decay}
        if self.recipe.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **how)
        else:
            optimizer = keras.optimizers.AdamW(**how)
        optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
        optimizer.build(model.trainable_variables)
        return optimizer

    def training_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the images as they are, (n, 48, 48) uint8, because each epoch varies them anew, and their targets."""
        return self.training.images, self._soft_targets()

    def _soft_targets(self) -> np.ndarray:
        """Targets (n, classes) float32 of the training rows: labels, softened as the recipe says."""
        recipe, y = self.recipe, targets(self.training)
        y = (1 - recipe.label_smoothing) * y + recipe.label_smoothing / y.shape[1]
        if recipe.votes:
            y = (1 - recipe.votes) * y + recipe.votes * from_votes(self.training)
        if recipe.teachers and not recipe.consistent:
            y = self._taught(y, self.training.images, averaged)
        return y.astype("float32")

    def _taught(self, y: np.ndarray, images: np.ndarray, answer: Callable) -> np.ndarray:
        """Targets y (n, classes) with the teachers' share: their mean `answer` to `images`, softened as asked."""
        total = sum(answer(net, prepare(images)) for net, prepare in self._teachers)
        softened = total ** (1 / self.recipe.temperature)
        softened /= softened.sum(axis=1, keepdims=True)
        return (1 - self.recipe.teaching) * y + self.recipe.teaching * softened

    @cached_property
    def _teachers(self) -> list[tuple[keras.Model, preprocess.Preprocessor]]:
        """The teachers' networks and what prepares images for each."""
        teachers = []
        for record in self.built_on:
            path, entry = checkpoints.find(record), study.get(record["experiment"])
            teacher = CompactJob(entry, self.profile, record["seed"], self.results_dir)
            teachers.append((teacher.best_net(path, policy_of(self.profile)), teacher.prepare))
        return teachers

    def fit(self, model: keras.Model, training: tuple, validation: tuple, epoch: int) -> dict[str, float]:
        """Train an epoch on images varied anew; where weights are averaged, the average is what is selected."""
        x, y = self._varied(*training, np.random.default_rng([self.seed, epoch]))
        steps_before = epoch * math.ceil(len(x) / self.recipe.batch_size)

        def average(step: int) -> None:
            if step % AVERAGE_EVERY == 0:
                done = (steps_before + step) / AVERAGE_EVERY  # the average follows faster at the very start
                keep = min(self.recipe.averaging**AVERAGE_EVERY, (1 + done) / (10 + done))
                pairs = zip(self.average, model.get_weights(), strict=True)
                self.average = [keep * old + (1 - keep) * new for old, new in pairs]

        if not self.recipe.averaging:
            return one_epoch(model, x, y, self.recipe.batch_size, validation)
        self.average = self.average or model.get_weights()
        measures = one_epoch(model, x, y, self.recipe.batch_size, validation, average)
        kept = model.get_weights()
        model.set_weights(self.average)
        measures |= {f"val_{name}": value for name, value in score(model, *validation).items()}
        model.set_weights(kept)
        return measures

    def _varied(
        self, images: np.ndarray, y: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        recipe, order = self.recipe, random.permutation(len(images))
        images, y = images[order], y[order]
        if recipe.flip:
            images = variation.flip(images, random)
        if any(recipe.moved):
            images = variation.move(images, random, *recipe.moved)
        if recipe.consistent:
            y = self._taught(y, images, predict)
        x = self.prepare(images)
        if recipe.erasing:
            x = variation.erase(x, random, recipe.erasing)
        return variation.mix(x, y, random, recipe.mixup) if recipe.mixup else (x, y)

    def _test_results(self, net: keras.Model) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
        """Measures and probabilities as ever, and beside them those averaged over more views of each picture."""
        measures, probabilities = super()._test_results(net)
        for split, rows in self._test_sets().items():
            x = self.arrays(rows)[0]
            for view, shifts in ((MIRRORED, SHIFTS[:1]), (TEN_CROPS, SHIFTS)):
                name = f"{split} {view}"
                scores = averaged(net, x, shifts)
                if view == MIRRORED:
                    probabilities[name] = scores
                measures[name] = metrics.summarise(rows.labels, scores)
                measures[f"{name} clean"] = metrics.summarise(rows.labels[rows.clean], scores[rows.clean])
        return measures, probabilities


def averaged(net: keras.Model, x: np.ndarray, shifts: tuple[tuple[int, int], ...] = SHIFTS[:1]) -> np.ndarray:
    """Mean probabilities (n, classes) over shifted copies of network input `x` (n, h, w, c), each also mirrored.

    Pixels that a shift brings in repeat the edge.
    """
    margin = max(abs(step) for shift in shifts for step in shift)
    wide = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    height, width = x.shape[1:3]
    total = 0.0
    for down, right in shifts:
        view = wide[:, margin - down : margin - down + height, margin - right : margin - right + width]
        for seen in (view, view[:, :, ::-1]):
            total = total + predict(net, seen)
    return total / (2 * len(shifts))


def from_votes(rows: datasets.Dataset) -> np.ndarray:
    """What the annotators' votes say about the label: (n, classes), each row sums to 1.

    Each vote speaks for the labels as they occur among all votes of its kind in `rows`, so that FER+'s votes (ten
    columns) become votes on FER2013's seven labels. Raises FerError where there are no votes.
    """
    if rows.votes is None:
        raise FerError(
            f"{rows.name} has no annotators' votes: put fer2013new.csv, from "
            "https://github.com/microsoft/FERPlus, beside it."
        )
    shares = rows.votes / np.maximum(rows.votes.sum(axis=1, keepdims=True), 1)
    together = shares.T @ targets(rows)
    by_vote = together / np.maximum(together.sum(axis=1, keepdims=True), 1e-9)
    return shares @ by_vote

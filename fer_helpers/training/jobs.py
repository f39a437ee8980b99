"""The job of an experiment: it trains, survives a kill, and scores the test sets afterwards."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from fer_helpers import (
    architectures,
    augment,
    checkpoints,
    class_weights,
    datasets,
    doctor,
    freshness,
    landmarks,
    metrics,
    preprocess,
    records,
    study,
)
from fer_helpers.architectures import pretrained
from fer_helpers.errors import FerError
from fer_helpers.labels import HELD_OUT, LEAKED, MERGED, PRIVATE_TEST, PUBLIC_TEST, TRAINING
from fer_helpers.training import generated_rows, record
from fer_helpers.training.epochs import one_epoch, predict
from fer_helpers.training.rows import hold_out, targets
from fer_helpers.training.schedule import History, best_epoch, learning_rate, stopped_by

FEW_IMAGES = 10_000
ROOMS = (  # what every experiment runs through, beside its network
    "preprocess",
    "augment",
    "training/__init__",
    "training/epochs",
    "training/jobs",
    "training/record",
    "training/rows",
    "training/schedule",
)


def policy_of(profile: str) -> str:
    """Name of a profile's dtype policy: full runs train in bfloat16 where the processor has it."""
    return "mixed_bfloat16" if profile == "full" and doctor.has_bfloat16() else "float32"


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build networks with this dtype policy, whatever the caller's is."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class Job:
    """One experiment with one profile and seed: its data, its freshness key, its checkpoint and its record."""

    ignores: tuple[str, ...] = ()  # fields of an experiment that this kind of job leaves out

    def __init__(self, experiment: study.Experiment, profile: str, seed: int, results_dir: Path):
        self.experiment, self.profile, self.seed, self.results_dir = experiment, profile, seed, results_dir
        self.recipe = experiment.in_profile(profile)
        self.data = datasets.load(experiment.dataset if profile == "full" else "facekit")
        if experiment.landmarks:
            self.data = landmarks.attach(self.data, experiment.landmarks)
        # the name of a folder of pictures is enough: the same pictures elsewhere are the same experiment
        self.config = asdict(experiment) | {
            "dataset": Path(experiment.dataset).name,
            "recipe": asdict(self.recipe),
        }
        del self.config["quick"], self.config["seeds"]
        self.training, self.selection = self._split()
        self.needs = study.needs(experiment, profile, seed)
        self.config["built_on"] = [study.key(name, profile, k, results_dir) for name, k in self.needs]
        self.average: list[np.ndarray] = []  # of the weights over the steps, where a recipe asks for it
        self.key = self._key(self.config)
        self.record_path = records.path(results_dir, experiment.id, seed)
        self.checkpoint_path = checkpoints.path(experiment.id, profile, seed, self.key)

    def train(self, epochs: int | None = None) -> dict:
        """Train up to `epochs` (default: the recipe's), from the last checkpoint if there is one; write the record."""
        limit = min(epochs or self.recipe.epochs, self.recipe.epochs)
        if (done := self._finished_record(limit)) is not None:
            return done
        checkpoint = self._checkpoint(limit)
        # the runs that this one builds on may be trained here: before precision and seed are set
        state = checkpoint.state if checkpoint else self._fresh_state()
        training, validation = self.training_arrays(), self.arrays(self.selection)
        policy = policy_of(self.profile)
        with precision(policy):
            net, model = self.compiled(fresh=checkpoint is None)
        best = net.get_weights()
        if checkpoint:
            checkpoints.restore(model, checkpoint, self.checkpoint_path)
            best, self.average = checkpoint.best, checkpoint.average
            print(
                f"{self.experiment.id}: going on after epoch {len(state['history']['loss'])}", file=sys.stderr
            )
        history = state["history"]
        while not (reason := stopped_by(self.recipe, history, limit)):
            began, epoch = time.perf_counter(), len(history["loss"])
            rate = self._rate(history)
            model.optimizer.learning_rate = rate
            logs = self.fit(model, training, validation, epoch)
            for name, value in {**logs, "learning_rate": rate}.items():
                history.setdefault(name, []).append(float(value))
            if best_epoch(history) == epoch:
                best = self.average or net.get_weights()
            state["seconds"] += time.perf_counter() - began
            checkpoints.write(self.checkpoint_path, model, state, best, self.average)
            print(
                f"{self.experiment.id} seed {self.seed}, epoch {epoch + 1} of {limit}: loss {history['loss'][-1]:.3f}, "
                f"accuracy {history['accuracy'][-1]:.3f}, selection accuracy {history['val_accuracy'][-1]:.3f}, "
                f"{time.perf_counter() - began:.0f} s",
                file=sys.stderr,
            )
        made = self._record(state, net, limit, reason, policy)
        records.write(self.record_path, made, {})
        return made

    def evaluate(self) -> dict:
        """Score the test sets with the best epoch's weights, in float32, and write the results into the record."""
        source = self.experiment.dataset
        which = f"--data {source}" if Path(source).is_absolute() else f"--profile {self.profile}"
        again = f"python -m fer_helpers train {self.experiment.id} {which} --seed {self.seed}"
        if not self.record_path.exists():
            raise FerError(f"{self.experiment.id} has no {self.profile} record yet. Run: {again}")
        made = records.read(self.record_path)
        if made["key"] != self.key or not self.checkpoint_path.exists():
            raise FerError(
                f"The weights behind {self.record_path} are not in {self.checkpoint_path.parent}, or experiment, data "
                f"or code have changed since. Delete the record and run: {again}"
            )
        with precision("float32"):
            made["metrics"], probabilities = self._test_results(self.best_net())
        made["evaluated"] = records.now()
        records.write(self.record_path, made, probabilities)
        return made

    def best_net(self, path: Path | None = None, policy: str = "float32") -> keras.Model:
        """Return the network with the best epoch's weights from a checkpoint (default: this job's own)."""
        path = path or self.checkpoint_path
        with precision(policy):
            net = self._net()
        checkpoints.restore_best(net, checkpoints.read(path), path)
        return net

    @cached_property
    def prepare(self) -> preprocess.Preprocessor:
        """What makes network input of images; what it learns, it learns from the training rows, once."""
        return preprocess.fit(self.experiment.preprocess, self.training.images, self.training.landmarks)

    def arrays(self, rows: datasets.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return what the network is given and what it shall answer."""
        return self.prepare(rows.images, rows.landmarks), targets(rows)

    def training_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what `fit` makes an epoch of."""
        return self.arrays(self.training)

    def compiled(self, fresh: bool = True) -> tuple[keras.Model, keras.Model]:
        """Return the network, and the compiled model that trains it: augmentation in front.

        `fresh`: with the weights that training begins with; a checkpoint has its own.
        """
        keras.utils.set_random_seed(self.seed)
        net = self._initial_net(fresh)
        inputs = keras.Input(net.input_shape[1:])
        seen = augment.pipeline(self.experiment.augment)(inputs) if self.experiment.augment else inputs
        model = keras.Model(inputs, net(seen))
        model.compile(self._optimizer(model), loss="categorical_crossentropy", metrics=["accuracy"])
        return net, model

    def fit(self, model: keras.Model, training: tuple, validation: tuple, epoch: int) -> dict[str, float]:
        """Train an epoch, in an order that follows from seed and epoch; return its measures."""
        x, y = training
        order, weights = np.random.default_rng([self.seed, epoch]).permutation(len(x)), None
        if self.experiment.class_weights:
            counts = np.bincount(self.training.labels, minlength=y.shape[1])
            weights = class_weights.balanced(np.maximum(counts, 1))[self.training.labels[order]]
        return one_epoch(model, x[order], y[order], self.recipe.batch_size, validation, weights=weights)

    def score(self, net: keras.Model, rows: datasets.Dataset) -> tuple[np.ndarray, dict]:
        """Return the probabilities of some rows and their measures."""
        probabilities = predict(net, self.arrays(rows)[0])
        return probabilities, metrics.summarise(rows.labels, probabilities)

    @cached_property
    def built_on(self) -> list[dict]:
        """Records of the runs whose weights this one needs, which are trained now where there are none."""
        return [study.run(name, self.profile, k, self.results_dir, weights=True) for name, k in self.needs]

    @cached_property
    def initial_weights(self) -> tuple[str | None, str]:
        """ImageNet weights where the experiment asks for them (None: random ones), and words for the record."""
        if self.experiment.pretrained and self.profile == "full":
            return pretrained.find(self.experiment.pretrained)
        return None, pretrained.RANDOM

    def _split(self) -> tuple[datasets.Dataset, datasets.Dataset]:
        """Return the rows to train on and those that select the epoch; both follow from the seed."""
        rows, selection = self.data.split(TRAINING), self.data.split(PUBLIC_TEST)
        if self.experiment.selection in (HELD_OUT, LEAKED):
            rows, selection = hold_out(rows, self.seed)
        chosen = np.random.default_rng(self.seed).permutation(len(rows))[: self.recipe.training_images]
        rows = rows.subset(np.sort(chosen))
        if self.experiment.generated:
            from fer_helpers.bicogan import generated  # here, because it uses `hold_out`

            made = generated.load(self.experiment.generated, self.profile, self.seed)
            self.config["generated_digest"] = generated.digest(*made)
            rows = generated_rows.append(rows, *made)
        if self.experiment.selection == LEAKED:
            selection = hold_out(rows, self.seed)[1]
        return rows, selection

    def _test_sets(self) -> dict[str, datasets.Dataset]:
        """The sets that `evaluate` scores; both together where neither has selected anything."""
        sets = {split: self.data.split(split) for split in (PUBLIC_TEST, PRIVATE_TEST)}
        if self.experiment.selection in (HELD_OUT, LEAKED):
            sets[MERGED] = self.data.subset(np.flatnonzero(self.data.splits != TRAINING))
        return sets

    def _test_results(self, net: keras.Model) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
        """Score the test sets: measures and probabilities by the name of the set."""
        measures, probabilities = {}, {}
        for split, rows in self._test_sets().items():
            probabilities[split], measures[split] = self.score(net, rows)
            if not rows.clean.all():
                measures[f"{split} clean"] = metrics.summarise(
                    rows.labels[rows.clean], probabilities[split][rows.clean]
                )
        return measures, probabilities

    def _rate(self, history: History) -> float:
        return learning_rate(self.recipe, history)

    def _rooms(self) -> list[str]:
        """The code that the experiment runs through."""
        asked = self.experiment
        return [
            *ROOMS,
            f"architectures/{asked.architecture.split('.')[0]}",
            *(["landmarks/__init__", "landmarks/geometry"] if asked.landmarks else []),
            *(["class_weights"] if asked.class_weights else []),
            *(["training/generated_rows"] if asked.generated else []),
            *(["architectures/pretrained"] if asked.pretrained else []),
        ]

    def _key(self, config: dict) -> str:
        """Hash of everything whose change must retrain: the entry, the data and the code that it runs through."""
        return freshness.digest([config, self.data.fingerprint, keras.backend.backend()], self._rooms())

    def _net(self, **options) -> keras.Model:
        """Return the network with fresh weights; `options` go to the function that builds it."""
        net = architectures.build(self.experiment.architecture, len(self.data.classes), **options)
        self._adapt(net)
        return net

    def _adapt(self, net: keras.Model) -> None:
        """Let batch normalisation follow faster where there are few images."""
        if len(self.training) < FEW_IMAGES:
            for layer in net.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = 0.9  # with some dozen steps an epoch, .99 leaves validation at chance

    def _initial_net(self, fresh: bool = True) -> keras.Model:
        """Return the network that training begins with or, not `fresh`, one into which a checkpoint will be put."""
        weights = self.initial_weights[0] if fresh else None
        return self._net(weights=weights) if weights else self._net()

    def _optimizer(self, model: keras.Model) -> keras.optimizers.Optimizer:
        """Return the optimiser with its slots made, so that a checkpoint can be put into them."""
        optimizer = keras.optimizers.Adam(self.recipe.learning_rate)
        optimizer.build(model.trainable_variables)
        return optimizer

    def _finished_record(self, limit: int) -> dict | None:
        """The full record if it is there with all the epochs asked for: it is never replaced by surprise."""
        if not self.record_path.exists():
            return None
        found = records.read(self.record_path, self.profile)
        if self.profile == "quick":
            return None
        if found["epochs"]["stopped_by"] == "patience" or found["epochs"]["done"] >= limit:
            return found
        if found["key"] != self.key or not self.checkpoint_path.exists():
            raise FerError(
                f"{self.record_path} cannot go on: its checkpoint is not in {self.checkpoint_path.parent}, or "
                "experiment, data or code have changed since. Delete the record to train from the start."
            )
        return None

    def _checkpoint(self, limit: int) -> checkpoints.Checkpoint | None:
        """What training goes on from; None where it begins."""
        if not self.checkpoint_path.exists():
            return None
        checkpoint = checkpoints.read(self.checkpoint_path)
        history = checkpoint.state["history"]
        if self.profile == "quick" and stopped_by(self.recipe, history, limit):
            return None  # an empty results folder means: really train
        return checkpoint

    def _fresh_state(self) -> dict:
        """State before the first epoch; what other runs give is said now, because they may go on later."""
        return {
            "history": {"loss": [], "val_accuracy": []},
            "seconds": 0.0,
            "built_on": [record.origin(run) for run in self.built_on],
            "initial_weights": self.initial_weights[1],
            "commit": records.current_commit(),
        }

    def _record(self, state: dict, net: keras.Model, limit: int, reason: str, policy: str) -> dict:
        return record.describe(self, state, net, limit, reason, policy)

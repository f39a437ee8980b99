"""Training of a network that learns landmarks and emotions together (paper emotionaldan), in the two steps of its code.

First the landmark stage alone; then, with that stage frozen, all the rest by the joint loss. The first step has its own
checkpoint, and experiments that differ in the weights of the joint loss only share it: with the same seed they go on
from the same landmarks. What an epoch sees is varied anew each time: pictures and landmarks turn, scale and shift
together.
"""

import math
import sys
import time
from dataclasses import replace

import keras
import numpy as np

from fer_helpers import architectures, checkpoints, datasets, landmarks, metrics
from fer_helpers.architectures import emotionaldan, face_alignment
from fer_helpers.labels import SPLITS, TRAINING
from fer_helpers.training.epochs import one_epoch, predict
from fer_helpers.training.jobs import Job

Arrays = tuple[np.ndarray, dict[str, np.ndarray]]
CHUNK = 5000  # images that are varied at once: some hundred MB
FIRST_STEP = 1  # sets the random numbers of the first step apart from those of the second


class AlignmentJob(Job):
    """A job whose data set has landmarks and whose network answers "landmarks" and "emotion".

    The landmarks are the true ones, or dlib's under the policy "keep": training images in which it finds no face are
    left out then, and in the other splits they count for the emotion only.
    """

    ignores = ("augment", "class_weights", "generated", "pretrained", "start")

    def _split(self) -> tuple[datasets.Dataset, datasets.Dataset]:
        training, selection = super()._split()
        known = _known(self.data)
        if not known.all():
            missed = [f"{np.mean(~known[self.data.splits == split]):.1%} of {split}" for split in SPLITS]
            note = f"dlib found no face in {', '.join(missed)}; in {TRAINING} these images are left out."
            self.data = replace(self.data, notes=(*self.data.notes, note))
        return training.subset(_known(training)), selection

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "training/alignment", "architectures/face_alignment"]

    def arrays(self, rows: datasets.Dataset) -> Arrays:
        """Return what the network is given and what it shall answer, landmarks and emotions."""
        x, emotions = super().arrays(rows)
        return x, {"landmarks": rows.landmarks, "emotion": emotions}

    def _net(self, **options) -> keras.Model:
        """Return the network with fresh weights; it starts from the mean shape of the training images."""
        return super()._net(shape=emotionaldan.mean_shape(self.training.landmarks), **options)

    def compiled(self, fresh: bool = True) -> tuple[keras.Model, keras.Model]:
        """Return the network with its landmark stage trained and frozen, compiled for the joint loss."""
        keras.utils.set_random_seed(self.seed)
        net = self._net()
        self.first_step = self._train_stage_1(net)
        emotionaldan.freeze_stage_1(net)
        alpha, beta = self.experiment.loss_weights
        net.compile(
            self._optimizer(net),
            emotionaldan.LOSSES,
            loss_weights={"landmarks": alpha, "emotion": beta},
            metrics={"emotion": "accuracy"},
        )
        return net, net

    def _train_stage_1(self, net: keras.Model) -> dict:
        """Train the landmark stage of `net` from its last checkpoint on; return its history and seconds."""
        model = emotionaldan.stage_1(net)
        model.compile(self._optimizer(model), emotionaldan.landmark_loss)
        own = ("id", "title", "rows", "variant", "loss_weights")
        key = self._key({name: value for name, value in self.config.items() if name not in own})
        path = checkpoints.path(f"{self.experiment.paper}/stage_1", self.profile, self.seed, key)
        state, epochs = {"history": {}, "seconds": 0.0}, self.recipe.landmark_epochs
        if path.exists():
            checkpoint = checkpoints.read(path)
            if self.profile == "full" or len(checkpoint.state["history"]["loss"]) < epochs:
                checkpoints.restore(model, checkpoint, path)
                state = checkpoint.state
        (x, y), validation = self.arrays(self.training), self.arrays(self.selection)
        known = _known(self.selection)
        validation = validation[0][known], validation[1]["landmarks"][known]
        for epoch in range(len(state["history"].get("loss", [])), epochs):
            began = time.perf_counter()
            model.optimizer.learning_rate = (
                self.recipe.learning_rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
            )
            seen, y_seen = self._varied((x, y), [self.seed, epoch, FIRST_STEP])
            logs = one_epoch(model, seen, y_seen["landmarks"], self.recipe.batch_size, validation)
            for name, value in logs.items():
                state["history"].setdefault(name, []).append(value)
            state["seconds"] += time.perf_counter() - began
            checkpoints.write(path, model, state, [])
            print(
                f"{self.experiment.id} seed {self.seed}, landmark stage, epoch {epoch + 1} of {epochs}: "
                f"loss {logs['loss']:.3f}, selection loss {logs['val_loss']:.3f}, "
                f"{time.perf_counter() - began:.0f} s",
                file=sys.stderr,
            )
        return state

    def fit(self, model: keras.Model, training: Arrays, validation: Arrays, epoch: int) -> dict[str, float]:
        """Train an epoch on pictures and landmarks that are varied anew; return its measures."""
        x, y = self._varied(training, [self.seed, epoch])
        logs = one_epoch(model, x, y, self.recipe.batch_size, validation)
        return {name.replace("emotion_accuracy", "accuracy"): value for name, value in logs.items()}

    def _varied(self, arrays: Arrays, seed: list[int]) -> Arrays:
        """Return the arrays in a new order, with pictures and landmarks varied together."""
        (x, y), random = arrays, np.random.default_rng(seed)
        points = y["landmarks"]
        if self.recipe.vary:
            parts = [slice(start, start + CHUNK) for start in range(0, len(x), CHUNK)]
            varied = [face_alignment.vary(x[part], points[part], random, self.recipe.vary) for part in parts]
            x, points = (np.concatenate(pieces) for pieces in zip(*varied, strict=True))
        order = random.permutation(len(x))
        return x[order], {"landmarks": points[order], "emotion": y["emotion"][order]}

    def score(self, net: keras.Model, rows: datasets.Dataset) -> tuple[np.ndarray, dict]:
        """Return probabilities and measures; among these the landmark errors of both stages where a face is known."""
        known, output = _known(rows), dict(net.output)
        output["stage_1"] = net.get_layer("stage1_landmarks").output
        found = predict(keras.Model(net.input, output), self.arrays(rows)[0])
        errors = {
            stage: metrics.summarise_errors(
                landmarks.normalised_error(found[name][known], rows.landmarks[known])
            )
            for stage, name in (("stage_1", "stage_1"), ("stage_2", "landmarks"))
        }
        measures = metrics.summarise(rows.labels, found["emotion"])
        return found["emotion"], measures | {"landmark_error": errors}

    def _record(self, *arguments) -> dict:
        """Return the record; its trainable parameters are those of both steps."""
        parameters = architectures.count_parameters(self._net())
        return super()._record(*arguments) | {"parameters": parameters, "first_step": self.first_step}


def _known(rows: datasets.Dataset) -> np.ndarray:
    """Whose landmarks are known, bool (n,)."""
    return np.isfinite(rows.landmarks).all(axis=(1, 2))

"""Training of the GAN: batches that survive a kill, a sample sheet at fixed codes, and a record."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from fer_helpers import architectures, checkpoints, datasets, freshness, paths, preprocess, records
from fer_helpers.architectures import bicogan as nets
from fer_helpers.bicogan import RECIPES, VARIANTS, deviations
from fer_helpers.bicogan.model import BiCoGAN
from fer_helpers.errors import FerError
from fer_helpers.labels import TRAINING
from fer_helpers.study import check_profile
from fer_helpers.training import hold_out
from fer_helpers.training.jobs import policy_of, precision
from fer_helpers.training.record import circumstances

CHUNK = 10  # batches between two checkpoints; the history has their means
SHEET = 8  # images of a class on the sample sheet
ROOMS = (
    "architectures/bicogan",
    "bicogan/model",
    "bicogan/training",
)  # the rest of `bicogan` is in the config, or after


def record_path(variant: str, seed: int, results_dir: Path | str) -> Path:
    """Where the record of a GAN stands in a results folder."""
    return Path(results_dir) / "gan" / f"{variant}-seed{seed}.json"


def run(variant: str, profile: str = "quick", seed: int = 0, results_dir: Path | str | None = None) -> dict:
    """Record of a GAN in this profile: a quick one is trained now if it is not fresh, a full one only read.

    Raises FerError when the full record, which takes hours, is not there or is damaged.
    """
    folder = results_dir or paths.results_dir(check_profile(profile))
    if profile == "quick":
        return Job(variant, profile, seed, folder).train()
    return _read(record_path(variant, seed, folder), variant)


def _read(path: Path, variant: str) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FerError(
            f"{path} cannot be read ({error}). Run: python -m fer_helpers gan {variant} --profile full"
        ) from error


class Job:
    """A variant with one profile and seed: its images, its freshness key, its checkpoint and its record."""

    def __init__(self, variant: str, profile: str, seed: int = 0, results_dir: Path | str | None = None):
        if variant not in VARIANTS:
            raise FerError(f"There is no GAN called {variant!r}. The GANs are: {', '.join(VARIANTS)}.")
        self.name, self.variant = variant, VARIANTS[variant]
        self.recipe = RECIPES[check_profile(profile)][variant]
        self.profile, self.seed = profile, seed
        self.data = datasets.load("fer2013" if profile == "full" else "facekit")
        self.rows = self.data if self.variant.every_split else hold_out(self.data.split(TRAINING), seed)[0]
        numbers = [self.data.classes.index(name) for name in self.variant.classes]
        self.rows = self.rows.subset(np.isin(self.rows.labels, numbers))
        self.labels = np.searchsorted(numbers, self.rows.labels)  # index into the variant's classes
        config = {"variant": asdict(self.variant), "recipe": asdict(self.recipe)}
        self.config = json.loads(json.dumps(config))  # as the record has it
        self.key = self._key()
        self.record_path = record_path(variant, seed, results_dir or paths.results_dir(profile))
        self.checkpoint_path = checkpoints.path(f"gan/{variant}", profile, seed, self.key)

    def train(self, batches: int | None = None) -> dict:
        """Train until `batches` are done in all (default: the recipe's), from the last checkpoint if there is one.

        A full record whose checkpoint is not there is not replaced: FerError.
        """
        limit = min(batches or self.recipe.batches, self.recipe.batches)
        record = _read(self.record_path, self.name) if self.record_path.exists() else None
        if record and self.checkpoint_path.exists() and record["key"] == self.key:
            if record["batches"]["done"] >= limit:
                return record
        elif record and self.profile == "full":
            raise FerError(
                f"{self.record_path} cannot go on: its checkpoint is not in {self.checkpoint_path.parent}, or data or "
                "code have changed since. Delete the record to train from the start."
            )
        policy = policy_of(self.profile)
        with precision(policy):
            model = self._model()
        state = self._start(model, limit)
        while state["done"] < limit:
            began, count = time.perf_counter(), min(CHUNK, limit - state["done"])
            logs = model.fit(
                self.batches(state["done"], count),
                batch_size=self.recipe.batch_size,
                shuffle=False,
                verbose=0,
            ).history
            state["done"] += count
            for name, (value,) in {"batches": [state["done"]], **logs}.items():
                state["history"].setdefault(name, []).append(value)
            state["seconds"] += time.perf_counter() - began
            checkpoints.write(self.checkpoint_path, model, state, [])
            print(self._line(state, limit, time.perf_counter() - began), file=sys.stderr, flush=True)
        record = self._record(state, model, policy)
        with paths.atomic_write(self.record_path) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return record

    def batches(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Draw the batches from number `first` on, one behind the other: image, condition and drawn, see `BiCoGAN`."""
        order = np.argsort(self.labels, kind="stable")
        sizes = np.bincount(self.labels)
        rows, drawn = [], []
        for number in range(first, first + count):
            random, n = np.random.default_rng([self.seed, number]), self.recipe.batch_size
            if self.variant.balanced:
                wanted = random.integers(0, len(sizes), n)
                chosen = order[(np.cumsum(sizes) - sizes)[wanted] + random.integers(0, sizes[wanted])]
            else:
                chosen = random.integers(0, len(self.labels), n)
            rows.append(chosen)
            own = self.labels[chosen]
            drawn.append(own if self.variant.own_conditions else random.integers(0, len(sizes), n))
        rows, one_hot = np.concatenate(rows), np.eye(len(sizes), dtype="float32")
        return {
            "image": preprocess.fit((self.variant.scaling,), self.rows.images)(self.rows.images[rows]),
            "condition": one_hot[self.labels[rows]],
            "drawn": one_hot[np.concatenate(drawn)],
        }

    def generator(self) -> keras.Model:
        """The generator as the checkpoint has it, in float32. Raises FerError when there is none."""
        if not self.checkpoint_path.exists():
            raise FerError(
                f"The GAN {self.name} is not on this computer ({self.checkpoint_path}). Train it: "
                f"python -m fer_helpers gan {self.name} --profile {self.profile} --seed {self.seed}"
            )
        model = self._model()
        checkpoints.restore(model, checkpoints.read(self.checkpoint_path), self.checkpoint_path)
        return model.generator

    def done(self) -> int:
        """How many batches the checkpoint has seen."""
        return checkpoints.read(self.checkpoint_path).state["done"]

    def draw(self, generator: keras.Model, labels: np.ndarray, seed: int = 0) -> np.ndarray:
        """Images (n, 48, 48) uint8 for labels (n,), which count the variant's classes; `seed` gives the codes."""
        codes = np.random.default_rng(seed).normal(size=(len(labels), nets.LATENT)).astype("float32")
        conditions = np.eye(len(self.variant.classes), dtype="float32")[labels]
        images = generator.predict([codes, conditions], batch_size=128, verbose=0)[..., 0]
        offset, factor = preprocess.SCALINGS[self.variant.scaling]
        return np.clip(np.rint(images * factor + offset), 0, 255).astype("uint8")

    def sample_sheet(self, generator: keras.Model) -> np.ndarray:
        """The same codes at any time: `SHEET` images of each class, (classes, SHEET, 48, 48) uint8."""
        classes = len(self.variant.classes)
        images = self.draw(generator, np.repeat(np.arange(classes), SHEET))
        return images.reshape(classes, SHEET, 48, 48)

    def write_sample_sheet(self) -> Path:
        """Write the sample sheet, a line a class, into the state folder: it may show faces that are not to be shown."""
        sheet = self.sample_sheet(self.generator()).transpose(0, 2, 1, 3).reshape(-1, 48 * SHEET)
        name = f"{self.name}-{self.profile}-seed{self.seed}-batch{self.done():05}.png"
        with paths.atomic_write(paths.state_dir() / "generated" / name) as temporary:
            Image.fromarray(sheet).save(temporary)
        return paths.state_dir() / "generated" / name

    def _key(self) -> str:
        """Hash of everything whose change must train again: the variant, the data and the code that it runs through."""
        return freshness.digest([self.config, self.data.fingerprint, keras.backend.backend()], ROOMS)

    def _model(self) -> BiCoGAN:
        """Build the model with fresh weights, its optimiser ready for a checkpoint."""
        keras.utils.set_random_seed(self.seed)
        how, width, classes = self.variant, self.recipe.width, len(self.variant.classes)
        model = BiCoGAN(
            nets.generator(classes, width, how.start),
            nets.discriminator(classes, width, how.joint),
            nets.encoder(classes * how.encodes_condition, width // 2, how.normalises_codes),
            how.noise,
            self.seed,
        )
        optimizer = keras.optimizers.Adam(self.recipe.learning_rate, self.recipe.beta_1)
        optimizer.build(model.trainable_variables)
        model.compile(optimizer)
        return model

    def _start(self, model: BiCoGAN, limit: int) -> dict:
        """State to go on from, with `model` set to it; a fresh one where there is no checkpoint."""
        fresh = {"done": 0, "history": {}, "seconds": 0.0, "commit": records.current_commit()}
        if not self.checkpoint_path.exists():
            return fresh
        checkpoint = checkpoints.read(self.checkpoint_path)
        if self.profile == "quick" and checkpoint.state["done"] >= limit:
            return fresh  # an empty results folder means: really train
        checkpoints.restore(model, checkpoint, self.checkpoint_path)
        print(f"GAN {self.name}: going on after batch {checkpoint.state['done']:,}", file=sys.stderr)
        return checkpoint.state

    def _line(self, state: dict, limit: int, seconds: float) -> str:
        last = {name: values[-1] for name, values in state["history"].items()}
        return (
            f"GAN {self.name} seed {self.seed}, batch {state['done']:,} of {limit:,}: discriminator loss "
            f"{last['discriminator_loss']:.3f}, accuracy {last['accuracy']:.3f}, generator loss "
            f"{last['generator_loss']:.3f}, {seconds:.0f} s"
        )

    def _record(self, state: dict, model: BiCoGAN, policy: str) -> dict:
        done, wanted = state["done"], self.recipe.batches
        return {
            "gan": self.name,
            "profile": self.profile,
            "seed": self.seed,
            "key": self.key,
            "config": self.config,
            "deviations": deviations(self.name, self.profile),  # from the published GAN
            "dataset": {
                "name": self.data.name,
                "fingerprint": self.data.fingerprint,
                "rows": len(self.rows),
                "notes": list(self.data.notes),
            },
            "parameters": {
                net.name: architectures.count_parameters(net)
                for net in (model.generator, model.discriminator, model.encoder)
            },
            "batches": {
                "done": done,
                "recipe": wanted,
                "stopped_by": "recipe" if done >= wanted else "limit",
            },
            "history": state["history"],
            **circumstances(state, policy),
        }

"""Search for hyper-parameters of ljmu's family of networks, which gives its tuned CNN and no search.

Optuna proposes networks and recipes. Each is trained on four fifths of Training and judged by the rest, first after
few epochs: what is then worse than half of those that were trained to the end is given up. The test sets score what
was trained to the end and choose nothing. With 5,741 images to judge by, two accuracies that differ by less than a
percentage point say nothing about which network is better, and the best of many is better by luck, too.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import optuna
import pandas as pd

from fer_helpers import metrics, paths, training
from fer_helpers.architectures import ljmu
from fer_helpers.labels import HELD_OUT, MERGED, PRIVATE_TEST
from fer_helpers.study.experiment import QUICK, Experiment
from fer_helpers.study.ljmu import CHOSEN, FIGURE

# The paper's two networks with the defaults of the tutorial that they come from; the search starts with them.
TUTORIAL = {"filters": 16, "units": 128, "dropout": 0.2, "learning_rate": 1e-3, "batch_size": 32}
KNOWN = {"base CNN": {"blocks": 3, **TUTORIAL}, "tuned CNN": {"blocks": 4, **TUTORIAL}}
TRIALS = {"quick": 4, "full": 24}
FIRST_LOOK = 3  # epochs after which a poor trial is given up
# batch size and learning rate are those of the trial
RECIPES = {"quick": replace(QUICK, epochs=8), "full": replace(FIGURE, epochs=10)}
AUGMENT = {"quick": (), "full": CHOSEN}  # on so few images it would need more epochs
SEED = 0
TEST_SETS = {"private": PRIVATE_TEST, "clean": f"{PRIVATE_TEST} clean", "merged": MERGED}
COLUMNS = (
    *("trial", "origin", "blocks", "filters", "units", "dropout", "learning_rate", "batch_size"),
    *("parameters", "epochs", "n", "accuracy", "low", "high"),
    *(f"{name}{end}" for name in TEST_SETS for end in ("", "_low", "_high")),
    "seconds",
)


def measure(profile: str) -> pd.DataFrame:
    """Search, and list the trials, best first: `COLUMNS`.

    `filters` are those of the first block, each further block has twice as many; `epochs` are `FIRST_LOOK` where the
    trial was given up; `accuracy` is that of the best epoch on `n` held-out images, with its 95 % Wilson interval.
    Trials that were trained to the end have the same of PrivateTest (private), its clean images (clean) and both test
    sets together (merged). `seconds` are spent in training.
    """
    rows = []
    for index, trial in enumerate(_finished(search(profile))):
        n = trial.user_attrs["n"]
        low, high = metrics.wilson_interval(round(trial.value * n), n)
        origin = next((name for name, values in KNOWN.items() if values == trial.params), "search")
        rows.append(
            {"trial": index + 1, "origin": origin, "accuracy": trial.value, "low": low, "high": high}
            | trial.params
            | trial.user_attrs
        )
    return pd.DataFrame(rows)[list(COLUMNS)].sort_values("accuracy", ascending=False, ignore_index=True)


def search(profile: str, trials: int | None = None) -> optuna.Study:
    """Search until there are `trials` finished or given up ones (default: the profile's); give Optuna's study.

    A full search is kept in `FER_STATE_DIR` and goes on after an interruption, within the trial too: what is proposed
    follows from the trials that are finished. When data or code change, it starts anew. A quick one is not kept.
    """
    storage, name = None, None
    if profile == "full":
        storage, name = storage_url(), f"ljmu {trial_job(KNOWN['base CNN'], profile).key[:12]}"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=len(KNOWN))  # those are trained to the end
    how = {"direction": "maximize", "load_if_exists": True, "pruner": pruner}
    study = optuna.create_study(storage=storage, study_name=name, **how)
    while (done := len(_finished(study))) < (trials or TRIALS[profile]):
        study.sampler = optuna.samplers.TPESampler(seed=SEED + done, n_startup_trials=6)
        if done < len(KNOWN):
            study.enqueue_trial(list(KNOWN.values())[done])
        study.optimize(_objective(profile), n_trials=1)
    return study


def storage_url() -> str:
    """Where full searches are kept: an SQLite file in `FER_STATE_DIR`, as Optuna and its dashboard name it."""
    folder = paths.state_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(folder / 'tuning.db').as_posix()}"


def propose(trial: optuna.Trial) -> dict[str, float]:
    """Draw a network and its recipe: the space of the search."""
    return {
        "blocks": trial.suggest_int("blocks", 2, 5),  # each halves the image: 12, 6, 3 or 1 pixels remain
        "filters": trial.suggest_categorical("filters", [8, 16, 32]),
        "units": trial.suggest_categorical("units", [64, 128, 256]),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 5e-3, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
    }


class TrialJob(training.Job):
    """The job of a trial. Its network is one of a family, so it has no name in the registry of architectures."""

    build: Callable[[], keras.Model]

    def _net(self) -> keras.Model:
        return self.build()

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "tuning"]


def trial_job(values: dict[str, float], profile: str, results_dir: Path = Path()) -> TrialJob:
    """The job that trains a network with these hyper-parameters, named as in `propose`."""
    recipe = replace(RECIPES[profile], batch_size=values["batch_size"], learning_rate=values["learning_rate"])
    form = [f"{values[name]:g}" for name in ("blocks", "filters", "units", "dropout")]
    experiment = Experiment(
        id=f"ljmu/trial_{'_'.join(form)}",
        title="Trial of the search for hyper-parameters",
        rows=(),
        dataset="fer2013",
        architecture="ljmu.cnn",
        preprocess=("unit", "rgb"),
        augment=AUGMENT[profile],
        recipe=recipe,
        quick=recipe,
        selection=HELD_OUT,
    )
    job = TrialJob(experiment, profile, SEED, results_dir)
    filters = values["filters"] * 2 ** np.arange(values["blocks"])
    job.build = lambda: ljmu.cnn(filters.tolist(), values["units"], values["dropout"], len(job.data.classes))
    return job


def _objective(profile: str) -> Callable[[optuna.Trial], float]:
    def accuracy(trial: optuna.Trial) -> float:
        with tempfile.TemporaryDirectory() as folder:  # the table of trials is the record
            job = trial_job(propose(trial), profile, Path(folder))
            record = job.train(FIRST_LOOK)
            trial.report(max(record["history"]["val_accuracy"][:FIRST_LOOK]), FIRST_LOOK)
            if not (poor := trial.should_prune()):
                job.train()
                record = job.evaluate()
        job.checkpoint_path.unlink()
        attributes = {
            "parameters": record["parameters"]["total"],
            "epochs": record["epochs"]["done"],
            "n": record["dataset"]["rows"]["selection"],
            "seconds": record["seconds"],
        }
        for name, split in () if poor else TEST_SETS.items():
            # where all images are clean, there is no measure of the clean ones
            scores = record["metrics"].get(split, record["metrics"][PRIVATE_TEST])
            attributes |= {name: scores["accuracy"]}
            attributes |= dict(zip((f"{name}_low", f"{name}_high"), scores["interval"], strict=True))
        for name, value in attributes.items():
            trial.set_user_attr(name, value)
        if poor:
            raise optuna.TrialPruned
        return record["selection"]["accuracy"]

    return accuracy


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=[optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED])

"""What several seeds say of experiments before any test set is looked at: selection accuracies, from the records."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import metrics, paths, records
from fer_helpers.study.experiment import Experiment

COLUMNS = ["title", "seeds", "by_seed", "accuracy", "low", "high", "gain", "gain_low", "gain_high"]


def selection_table(experiments: Sequence[Experiment], results_dir: Path | str | None = None) -> pd.DataFrame:
    """One row an experiment, by its id without the paper: the best epochs' accuracy on what selects the epoch.

    `accuracy` is the mean over the seeds that have a record, `by_seed` has them one by one, low and high are the 95 %
    Wilson interval of the mean as if it stood for one selection set. `gain` is the mean difference from the first
    experiment, with the 95 % interval of a paired t-test over the seeds (NaN for fewer than two): the same seed means
    the same images, in the same order. Quick runs and those that stopped at an epoch limit do not count; without any
    other, an experiment has 0 seeds and NaN. `results_dir`: default the committed full records.
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    found = {experiment.id: _accuracies(experiment, folder) for experiment in experiments}
    first = next(iter(found.values()))
    rows = {}
    for experiment in experiments:
        accuracies = {seed: accuracy for seed, (accuracy, _) in found[experiment.id].items()}
        row = [experiment.title, len(accuracies), tuple(accuracies.values())] + [np.nan] * 6
        if accuracies:
            n = min(n for _, n in found[experiment.id].values())
            mean = np.mean(list(accuracies.values()))
            row[3:6] = mean, *metrics.wilson_interval(round(mean * n), n)
            gains = [accuracy - first[seed][0] for seed, accuracy in accuracies.items() if seed in first]
            if gains and experiment is not experiments[0]:
                row[6:] = np.mean(gains), *metrics.mean_interval(gains)
        rows[experiment.id.split("/")[1]] = row
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)


def complete(experiments: Sequence[Experiment], results_dir: Path | str | None = None) -> pd.DataFrame:
    """The same accuracies of the seeds that all experiments have: seeds as rows, experiments as columns."""
    folder = Path(results_dir or paths.REPORTS / "full")
    found = {each.id.split("/")[1]: _accuracies(each, folder) for each in experiments}
    return pd.DataFrame(
        {name: {seed: accuracy for seed, (accuracy, _) in runs.items()} for name, runs in found.items()}
    ).dropna()


def _accuracies(experiment: Experiment, folder: Path) -> dict[int, tuple[float, int]]:
    """Seed -> selection accuracy and number of images, of the full runs that had all their epochs."""
    files = {seed: records.path(folder, experiment.id, seed) for seed in experiment.seeds}
    found = {seed: records.read(file) for seed, file in files.items() if file.exists()}
    return {
        seed: (record["selection"]["accuracy"], record["dataset"]["rows"]["selection"])
        for seed, record in found.items()
        if record["profile"] == "full" and not records.epochs_cut(record)
    }

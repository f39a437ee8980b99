"""The measurements of trust: one network's stored answers to PrivateTest, and its answers to disturbed pictures.

What is fitted or chosen (a temperature, the least confidence) sees the clean PublicTest only. Every table has the
column `run`: whose answers they are. A run that has stored its answers averaged over each picture and its mirror image
is measured by these. `results_dir` is the folder with the records of runs.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import datasets, records, study, trained, trust
from fer_helpers.ensembles.tables import check_rows, fer2013_runs
from fer_helpers.errors import FerError
from fer_helpers.labels import MIRRORED, PRIVATE_TEST, PUBLIC_TEST
from fer_helpers.trust import annotators, near_duplicates, robustness

NETWORK = {"quick": "compact/ablation_base", "full": "compact/net_200k_consistent"}
SEED = 0


@dataclass(frozen=True)
class Answers:
    """A run's stored probabilities beside the images that they belong to."""

    run: str  # its name, with the view
    parameters: int
    data: datasets.Dataset
    selection: tuple[np.ndarray, np.ndarray]  # labels, probabilities of the clean PublicTest
    test: datasets.Dataset  # PrivateTest
    p: np.ndarray  # (n, classes), of all of it

    @property
    def clean(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels and probabilities of the clean PrivateTest."""
        return self.test.labels[self.test.clean], self.p[self.test.clean]


def answers(profile: str, results_dir: Path) -> Answers:
    """The answers of NETWORK, by its run in `results_dir`; the quick one is trained where there is none.

    Raises FerError when there is no full run, or when its probabilities do not belong to this copy of FER2013.
    """
    record, stored = _run(profile, results_dir)
    return _views(datasets.load(record["dataset"]["name"]), record, stored)[-1]


def measure_calibration(profile: str, results_dir: Path) -> pd.DataFrame:
    """Calibration on the clean PrivateTest, before and after a temperature that is fitted on the clean PublicTest.

    One row a run and view: in the full profile all runs on FER2013, in the quick one NETWORK. Columns: run, parameters,
    n, accuracy, low, high, confidence (mean), temperature, error, error_after, error_by_chance (see
    `trust.error_by_chance`), log_loss, log_loss_after.
    """
    found = (
        [_run(profile, results_dir)] if profile == "quick" else [run[1:] for run in fer2013_runs(results_dir)]
    )
    if not found:
        raise FerError("There is no full run on FER2013; `python -m fer_helpers runs` lists what is there.")
    data = datasets.load(found[0][0]["dataset"]["name"])
    rows = []
    for run in (view for record, stored in found for view in _views(data, record, stored)):
        temperature = trust.fit_temperature(*run.selection)
        labels, p = run.clean
        after = trust.soften(p, temperature)
        row = {"run": run.run, "parameters": run.parameters} | trust.rate(p.argmax(axis=1) == labels)
        row |= {"confidence": float(p.max(axis=1).mean()), "temperature": temperature}
        row["error"] = trust.calibration_error(labels, p)
        row["error_after"] = trust.calibration_error(labels, after)
        row["error_by_chance"] = trust.error_by_chance(after)
        row |= {"log_loss": trust.log_loss(labels, p), "log_loss_after": trust.log_loss(labels, after)}
        rows.append(row)
    return pd.DataFrame(rows)


def measure_reliability(profile: str, results_dir: Path) -> pd.DataFrame:
    """Reliability of NETWORK on the clean PrivateTest, at temperature 1 and at the fitted one.

    Columns: run, temperature, then those of `trust.reliability`.
    """
    run = answers(profile, results_dir)
    labels, p = run.clean
    tables = []
    for temperature in (1.0, trust.fit_temperature(*run.selection)):
        table = trust.reliability(labels, trust.soften(p, temperature))
        table.insert(0, "temperature", temperature)
        tables.append(table)
    return _of(run, pd.concat(tables, ignore_index=True))


def measure_abstention(profile: str, results_dir: Path) -> pd.DataFrame:
    """Accuracy of NETWORK on the clean PrivateTest when it may withhold unsure answers, see `trust.abstention`.

    Confidence is taken after the fitted temperature.
    """
    run = answers(profile, results_dir)
    temperature = trust.fit_temperature(*run.selection)
    sets = [(labels, trust.soften(p, temperature)) for labels, p in (run.selection, run.clean)]
    return _of(run, trust.abstention(*sets))


def measure_class_recalls(profile: str, results_dir: Path) -> pd.DataFrame:
    """Recall and precision of each class on the clean PrivateTest."""
    run = answers(profile, results_dir)
    return _of(run, trust.class_recalls(*run.clean, run.data.classes))


def measure_annotators(profile: str, results_dir: Path) -> pd.DataFrame:
    """Accuracy on the clean PrivateTest by the number of annotators who agree, see `annotators.by_agreement`."""
    run = answers(profile, results_dir)
    _demand_votes(run.data)
    return _of(run, annotators.by_agreement(run.test.subset(run.test.clean), run.clean[1]))


def measure_label_ceiling(profile: str, results_dir: Path) -> pd.DataFrame:
    """How well ten votes name the label, beside NETWORK, see `annotators.ceiling`."""
    run = answers(profile, results_dir)
    _demand_votes(run.data)
    return _of(run, annotators.ceiling(run.data, run.p))


def measure_near_duplicates(profile: str, results_dir: Path) -> pd.DataFrame:
    """NETWORK on PrivateTest without near-duplicates of training images, see `near_duplicates.audit`."""
    run = answers(profile, results_dir)
    return _of(run, near_duplicates.audit(run.data, run.p))


def measure_robustness(profile: str, results_dir: Path) -> pd.DataFrame:
    """NETWORK on disturbed images of the clean PrivateTest, see `robustness.table`; its weights must be here."""
    run = answers(profile, results_dir)
    load = trained.quick if profile == "quick" else trained.load
    classifier = replace(load(NETWORK[profile], SEED, results_dir), mirrored=MIRRORED in run.run)
    test = run.test.subset(run.test.clean)
    return _of(run, robustness.table(classifier, test.images, test.labels))


def _run(profile: str, results_dir: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Record of NETWORK and its probabilities by split."""
    name = NETWORK[profile]
    path = records.path(results_dir, name, SEED)
    if profile == "full" and not path.exists():
        raise FerError(
            f"There is no full run of {name}. Train it: python -m fer_helpers train {name} --profile full --seed {SEED}"
        )
    return study.run(name, profile, SEED, results_dir), records.read_probabilities(path)


def _views(data: datasets.Dataset, record: dict, stored: dict[str, np.ndarray]) -> list[Answers]:
    """A run's answers to single pictures and, where it has them, averaged with the mirror image.

    Raises FerError where they were not given for the rows of `data`.
    """
    chosen, test, views = data.split(PUBLIC_TEST), data.split(PRIVATE_TEST), []
    for view in ("", f" {MIRRORED}"):
        if (split := PRIVATE_TEST + view) not in stored:
            continue
        name, p = f"{record['experiment']}-seed{record['seed']}{view}", stored[split]
        check_rows(name, record, p, test, split)
        selection = chosen.labels[chosen.clean], stored[PUBLIC_TEST + view][chosen.clean]
        views.append(Answers(name, record["parameters"]["total"], data, selection, test, p))
    return views


def _of(run: Answers, table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the run's name in front."""
    table.insert(0, "run", run.run)
    return table


def _demand_votes(data: datasets.Dataset) -> None:
    if data.votes is None:
        raise FerError(
            "This needs the votes of FER+: put fer2013new.csv from https://github.com/microsoft/FERPlus beside "
            "fer2013.csv."
        )

"""What speaks for or against a conclusion: pairs of runs, rows of tables, recalls.

An evidence is called with a results folder and gives a `Judgement`. Its figures come from records, measurements and
data/published.csv, so that a new run changes the verdict without a word being typed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fer_helpers import labels, measurements, metrics, paired, records, report, study
from fer_helpers.labels import PRIVATE_TEST

HELD, FAILED, OPEN, MISSING = "held", "did not hold", "cannot be told", "not run yet"


@dataclass(frozen=True)
class Judgement:
    """A verdict (one of the four above), what was measured, and why the verdict is what it is."""

    verdict: str
    measured: str = ""
    why: str = ""


Evidence = Callable[[Path], Judgement]


def scored(experiment: str, folder: Path) -> dict[int, dict]:
    """Seed -> record of every run of an experiment that has its PrivateTest scores; it need not be declared yet."""
    if experiment not in study.EXPERIMENTS:
        return {}
    files = {seed: records.path(folder, experiment, seed) for seed in study.get(experiment).seeds}
    found = {seed: records.read(file) for seed, file in files.items() if file.exists()}
    return {seed: record for seed, record in found.items() if PRIVATE_TEST in record["metrics"]}


def unfinished(*runs: dict) -> str:
    """How far those runs came that stopped at an epoch limit; "" where none did."""
    epochs = [run["epochs"] for run in runs if run["epochs"]["stopped_by"] == "limit"]
    cut = sorted({f"{each['done']} of {each['recipe']} epochs" for each in epochs})
    return "unfinished: " + ", ".join(cut) if cut else ""


def measurement(name: str, folder: Path) -> pd.DataFrame | None:
    """Table of a measurement in `folder`, None when it has not been made."""
    return measurements.read(name, "full", folder) if measurements.path(name, folder).exists() else None


def from_measurement(name: str) -> Callable:
    """Decorator: the function gets the table of a measurement; where there is none, the verdict is "not run yet"."""

    def decorate(judge: Callable) -> Callable:
        def evidence(folder: Path) -> Judgement:
            table = measurement(name, folder)
            missing = Judgement(MISSING, why=f"no measurement {name}")
            return missing if table is None else judge(table, folder)

        return evidence

    return decorate


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}"


def p_value(p: float) -> str:
    """A p-value in text, two digits."""
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def within(low: float, high: float, at_least: float, at_most: float) -> str:
    """Verdict on "the value lies from `at_least` to `at_most`", of which the interval from `low` to `high` is known.

    A claim of one exact value holds when the interval has it.
    """
    if high < at_least or low > at_most:
        return FAILED
    return HELD if at_least == at_most or (at_least <= low and high <= at_most) else OPEN


@dataclass(frozen=True)
class Pair:
    """Two experiments: by how much is the first more accurate on PrivateTest? The claim: by `at_least` to `at_most`.

    The interval is that of a paired t-test over the images; with several seeds it is the wider of this one and that
    over the seeds. A claim of direction (a bound of 0) also needs an adjusted p under .05 for a verdict.
    """

    first: str
    second: str
    at_least: float = 0.0
    at_most: float = math.inf

    def __call__(self, folder: Path) -> Judgement:
        """Judge the pair."""
        runs = [scored(name, folder) for name in (self.first, self.second)]
        seeds = sorted(set(runs[0]) & set(runs[1]))
        if not seeds:
            return Judgement(MISSING, why=_missing(self.first if not runs[0] else self.second))
        a, b = (np.mean([_accuracy(each[seed]) for seed in seeds]) for each in runs)
        low, high, p, words = (
            self._over_seeds(folder) if len(seeds) > 1 else self._once(folder, runs, seeds[0])
        )
        titles = [study.get(name).title for name in (self.first, self.second)]
        measured = f"{titles[0]} {a:.4f}, {titles[1]} {b:.4f}: "
        measured += f"{points(a - b)} points [{points(low)}, {points(high)}], {p_value(p)} ({words})"
        if cut := unfinished(*(each[seed] for each in runs for seed in seeds)):
            return Judgement(OPEN, measured, cut)
        verdict = within(low, high, self.at_least, self.at_most)
        if 0 in (self.at_least, self.at_most) and p >= 0.05:
            verdict = OPEN
        return Judgement(verdict, measured, "may be chance" if verdict == OPEN else "")

    def _over_seeds(self, folder: Path) -> tuple[float, float, float, str]:
        """Interval and p of the mean over the common seeds, of the view that says less."""
        views = paired.pooled(self.first, self.second, folder)
        return views["low"].min(), views["high"].max(), views["p"].max(), f"{_common(views)} seeds"

    def _once(self, folder: Path, runs: list[dict], seed: int) -> tuple[float, float, float, str]:
        """Interval over the images of one seed, and McNemar's p, adjusted where the study declares the pair."""
        a, b = (metrics.right(each[seed]["metrics"][PRIVATE_TEST]) for each in runs)
        interval = stats.ttest_1samp(a.astype(float) - b, 0).confidence_interval()
        paper, first = self.first.split("/")
        for test in report.pairs(paper, folder) if seed == 0 else ():
            if {test["first"], test["second"]} == {first, self.second.split("/")[1]}:
                return interval.low, interval.high, test["p_holm"], "Holm"
        return interval.low, interval.high, metrics.mcnemar(a, b), "one seed"


@dataclass(frozen=True)
class All:
    """A claim that several evidences must bear out."""

    parts: tuple[Evidence, ...]

    def __call__(self, folder: Path) -> Judgement:
        """Judge each; the claim holds when all hold."""
        each = [part(folder) for part in self.parts]
        verdicts = [judgement.verdict for judgement in each]
        worst = next((v for v in (FAILED, MISSING, OPEN) if v in verdicts), HELD)
        measured = "; ".join(dict.fromkeys(judgement.measured for judgement in each if judgement.measured))
        return Judgement(worst, measured, "; ".join(dict.fromkeys(j.why for j in each if j.why)))


@dataclass(frozen=True)
class Row:
    """A published accuracy, which holds when our run of that row reaches it: reproduced or better."""

    experiment: str

    def __call__(self, folder: Path) -> Judgement:
        """Judge the row."""
        paper = self.experiment.split("/")[0]
        experiment = study.get(self.experiment)
        (name, row), *_ = experiment.rows
        row = f"{row}, {experiment.variant}" if experiment.variant else row
        table = report.result_table(paper, folder)
        found = table[(table["table"] == name) & (table["row"] == row)].iloc[0]
        if found["verdict"] == "not run yet":
            return Judgement(MISSING, why=_missing(self.experiment))
        ours = found["our merged"] or found["our PrivateTest"]
        verdicts = {"reproduced": HELD, "better": HELD, "worse": FAILED}
        verdict = verdicts.get(found["verdict"], OPEN)
        return Judgement(verdict, f"{ours}, published {found['published test']}", found["verdict"])


@dataclass(frozen=True)
class Recalls:
    """Which classes are recognised best and worst, in every run of an experiment."""

    experiment: str
    best: tuple[str, ...] = ()
    worst: tuple[str, ...] = ()

    def __call__(self, folder: Path) -> Judgement:
        """Judge the order of the classes."""
        runs = scored(self.experiment, folder)
        if not runs:
            return Judgement(MISSING, why=_missing(self.experiment))
        recalls = [run["metrics"][PRIVATE_TEST]["recall"] for run in runs.values()]
        names = labels.EMOTIONS if len(recalls[0]) == len(labels.EMOTIONS) else labels.FERPLUS_EMOTIONS
        right = 0
        for recall in recalls:
            order = [names[k] for k in np.argsort(recall)]
            right += set(self.best) <= set(order[len(order) - len(self.best) :]) and set(self.worst) <= set(
                order[: len(self.worst)]
            )
        first = sorted(zip(recalls[0], names, strict=True), reverse=True)
        measured = "recall " + ", ".join(f"{name} {value:.2f}" for value, name in first)
        measured += f" (seed 0), as claimed in {right} of {len(recalls)} runs" if len(recalls) > 1 else ""
        if cut := unfinished(*runs.values()):
            return Judgement(OPEN, measured, cut)
        verdict = HELD if right == len(recalls) else OPEN if right else FAILED
        return Judgement(verdict, measured, "differs from seed to seed" if verdict == OPEN else "")


@dataclass(frozen=True)
class Unmeasured:
    """A claim that nothing here can decide, or that nobody has measured yet."""

    why: str
    verdict: str = OPEN

    def __call__(self, folder: Path) -> Judgement:
        """Say why."""
        return Judgement(self.verdict, why=self.why)


def _accuracy(record: dict) -> float:
    return record["metrics"][PRIVATE_TEST]["accuracy"]


def _common(views: pd.DataFrame) -> int:
    return int(views.set_index("over").loc["seeds", "n"])


def _missing(what: str) -> str:
    return f"no record of {what}"

"""What speaks for or against a conclusion: pairs of runs, rows of tables, recalls.

An evidence is called with a results folder and gives a `Judgement`. Its figures come from records, measurements and
data/published.csv, so that a new run changes the verdict without a word being typed.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_helpers import labels, measurements, metrics, paired, published, records, study
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.report import papers

HELD, FAILED, OPEN, MISSING = "held", "did not hold", "cannot be told", "not run yet"


@dataclass(frozen=True)
class Judgement:
    """A verdict (one of the four above), what was measured, and why the verdict is what it is."""

    verdict: str
    measured: str = ""
    why: str = ""


Evidence = Callable[[Path], Judgement]


def scored(experiment: str, folder: Path) -> dict[int, dict]:
    """Seed -> record of every full run of an experiment that has its PrivateTest scores."""
    files = {seed: records.path(folder, experiment, seed) for seed in study.get(experiment).seeds}
    found = {seed: records.read(file) for seed, file in files.items() if file.exists()}
    return {
        seed: record
        for seed, record in found.items()
        if record["profile"] == "full" and PRIVATE_TEST in record["metrics"]
    }


def by_runs(verdict: str, measured: str, runs: Iterable[dict], why: str = "may be chance") -> Judgement:
    """Judgement on full runs, of which an unfinished one decides nothing; `why`: what leaves it open otherwise."""
    runs = list(runs)
    if cut := dict.fromkeys(each for run in runs for each in records.epochs_cut(run)):
        return Judgement(OPEN, measured, "unfinished: " + ", ".join(cut))
    if lacking := next(filter(None, map(papers.shortfall, runs)), []):
        return Judgement(OPEN, measured, ", ".join(lacking))
    return Judgement(verdict, measured, why if verdict == OPEN else "")


def missing(experiment: str) -> Judgement:
    """Judgement where an experiment has no run."""
    return Judgement(MISSING, why=f"no record of {experiment}")


def from_measurement(name: str) -> Callable:
    """Decorator: the function gets the table of a measurement; where there is none, the verdict is "not run yet"."""

    def decorate(judge: Callable) -> Callable:
        def evidence(folder: Path) -> Judgement:
            if not measurements.path(name, folder).exists():
                return Judgement(MISSING, why=f"no measurement {name}")
            return judge(measurements.read(name, "full", folder), folder)

        return evidence

    return decorate


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}"


def p_value(p: float) -> str:
    """A p-value in text, two digits."""
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def signed(low: float, high: float) -> str:
    """Verdict on "it is larger", of whose difference the interval is known."""
    return HELD if low > 0 else FAILED if high < 0 else OPEN


def agreed(verdicts: list[str]) -> str:
    """Verdict on what several runs say: theirs where it is the same, else that it cannot be told."""
    return verdicts[0] if len(set(verdicts)) == 1 else OPEN


def both_readings(in_points: str, in_per_cent: str) -> tuple[str, str]:
    """Verdict on a claim in per cent that may mean points, or per cent of the other accuracy; and why it is open."""
    if in_points == in_per_cent:
        return in_points, "may be chance"
    return OPEN, f"as points: {in_points}; as per cent of the other accuracy: {in_per_cent}"


def within(low: float, high: float, at_least: float, at_most: float) -> str:
    """Verdict on "the value lies from `at_least` to `at_most`", of which the interval from `low` to `high` is known.

    A claim of one exact value holds when the interval has it, and has not 0 as well.
    """
    if high < at_least or low > at_most:
        return FAILED
    as_said = not low <= 0 <= high if at_least == at_most else at_least <= low and high <= at_most
    return HELD if as_said else OPEN


@dataclass(frozen=True)
class Pair:
    """Two experiments: by how much is the first more accurate on PrivateTest? The claim: by `at_least` to `at_most`.

    The interval is that of a paired t-test over the images; with several seeds it is the wider of this one and that
    over the seeds. A claim of direction (a bound of 0) also needs an adjusted p under .05 for a verdict. Where the
    paper says per cent and may mean points or a share of the second's accuracy (`ambiguous`), both readings must agree.
    """

    first: str
    second: str
    at_least: float = 0.0
    at_most: float = math.inf
    ambiguous: bool = False

    def __call__(self, folder: Path) -> Judgement:
        """Judge the pair."""
        runs = [scored(name, folder) for name in (self.first, self.second)]
        seeds = sorted(set(runs[0]) & set(runs[1]))
        if not seeds:
            return missing(self.first if not runs[0] else self.second)
        a, b = (np.mean([_accuracy(each[seed]) for seed in seeds]) for each in runs)
        low, high, p, words = (
            self._over_seeds(folder) if len(seeds) > 1 else self._once(folder, runs, seeds[0])
        )
        titles = [study.get(name).title for name in (self.first, self.second)]
        measured = f"{titles[0]} {a:.4f}, {titles[1]} {b:.4f}: "
        measured += f"{points(a - b)} points [{points(low)}, {points(high)}], {p_value(p)} ({words})"
        if self.ambiguous:
            measured += (
                f"; in per cent of {b:.4f}: {points((a - b) / b)} [{points(low / b)}, {points(high / b)}]"
            )
        verdict, why = within(low, high, self.at_least, self.at_most), "may be chance"
        if 0 in (self.at_least, self.at_most) and p >= 0.05:
            verdict = OPEN
        if self.ambiguous:
            verdict, why = both_readings(verdict, within(low / b, high / b, self.at_least, self.at_most))
        return by_runs(verdict, measured, (each[seed] for each in runs for seed in seeds), why)

    def _over_seeds(self, folder: Path) -> tuple[float, float, float, str]:
        """Interval and p of the mean over the common seeds, of the view that says less."""
        views = paired.pooled(self.first, self.second, folder)
        seeds = int(views.set_index("over").loc["seeds", "n"])
        return views["low"].min(), views["high"].max(), views["p"].max(), f"{seeds} seeds"

    def _once(self, folder: Path, runs: list[dict], seed: int) -> tuple[float, float, float, str]:
        """Interval over the images of one seed, and McNemar's p, adjusted where the study declares the pair."""
        a, b = (metrics.right(each[seed]["metrics"][PRIVATE_TEST]) for each in runs)
        interval = metrics.mean_interval(a.astype(float) - b)
        paper, first = self.first.split("/")
        for test in paired.declared(paper, folder) if seed == 0 else ():
            if {test["first"], test["second"]} == {first, self.second.split("/")[1]}:
                return *interval, test["p_holm"], "Holm"
        return *interval, metrics.mcnemar(a, b), "one seed"


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
        record = scored(self.experiment, folder).get(0)
        if record is None:
            return missing(self.experiment)
        claim = papers.claim_of(study.get(self.experiment), published.load())
        said = papers.verdict(record, claim)
        verdict = {"reproduced": HELD, "better": HELD, "worse": FAILED}.get(said, OPEN)
        return Judgement(verdict, f"{metrics.with_interval(claim.ours(record))}, published {claim}", said)


@dataclass(frozen=True)
class Recalls:
    """Which classes are recognised best and worst.

    In each run, every class that is claimed to be recognised better is compared with every one claimed to be worse;
    the 95 % intervals of the differences are widened for their number (Bonferroni). The runs of all seeds must agree.
    """

    experiment: str
    best: tuple[str, ...] = ()
    worst: tuple[str, ...] = ()

    def __call__(self, folder: Path) -> Judgement:
        """Judge the order of the classes."""
        runs = scored(self.experiment, folder)
        if not runs:
            return missing(self.experiment)
        scores = [run["metrics"][PRIVATE_TEST] for run in runs.values()]
        recall = scores[0]["recall"]
        names = labels.EMOTIONS if len(recall) == len(labels.EMOTIONS) else labels.FERPLUS_EMOTIONS
        first = sorted(zip(recall, names, strict=True), reverse=True)
        measured = "recall " + ", ".join(f"{name} {value:.2f}" for value, name in first)
        pairs = [(a, b) for a in self.best for b in names if b not in self.best]
        pairs += [(a, b) for a in names for b in self.worst if a not in self.worst]
        pairs = [(names.index(a), names.index(b)) for a, b in set(pairs)]
        if len(runs) > 1:
            as_claimed = sum(all(each["recall"][a] > each["recall"][b] for a, b in pairs) for each in scores)
            measured += f" (seed {min(runs)}), as claimed in {as_claimed} of {len(runs)} runs"
        verdict = agreed([self._verdict(each["confusion"], pairs) for each in scores])
        return by_runs(verdict, measured, runs.values())

    @staticmethod
    def _verdict(confusion: list[list[int]], pairs: list[tuple[int, int]]) -> str:
        """Verdict of one run on (class that is claimed to be recognised better, class that is not)."""
        counts = [(row[k], sum(row)) for k, row in enumerate(confusion)]
        level = 1 - 0.05 / len(pairs)
        each = {signed(*metrics.difference_interval(*counts[a], *counts[b], level)) for a, b in pairs}
        return FAILED if FAILED in each else HELD if each == {HELD} else OPEN


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

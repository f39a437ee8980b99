"""A paper's published accuracies beside ours, and what may be said of them together."""

import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fer_helpers import goals, metrics, paired, paths, published, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import CLEAN_PUBLIC_TEST, MERGED, PRIVATE_TEST, PUBLIC_TEST
from fer_helpers.report import runs
from fer_helpers.study.experiment import Experiment

PUBLIC_COLUMNS = ["published PublicTest", "our PublicTest"]  # where epochs are selected: no results


class Claim(NamedTuple):
    """The test accuracy that a paper prints in a row, None where it prints none.

    `other_set`: what it was measured on where that is none of our test sets, or "set unstated"; then the phrase of the
    verdict says only which number is larger. `test_set`: which of our test sets stands beside it.
    """

    accuracy: float | None = None
    other_set: str = ""
    test_set: str = PRIVATE_TEST

    def __str__(self) -> str:
        """Text form, empty without an accuracy."""
        return _printed(self.accuracy) + (f", {self.other_set}" if self.other_set else "")

    def ours(self, record: dict) -> dict:
        """The scores of a run on the test set that stands beside the claim; on PrivateTest where it has no other."""
        return record["metrics"].get(self.test_set, record["metrics"][PRIVATE_TEST])


def check_paper(paper: str) -> None:
    """Raise FerError when the study has no such paper."""
    if paper not in study.PAPERS:
        raise FerError(f"The study has no paper called {paper!r}. The papers are: {', '.join(study.PAPERS)}.")


def title(paper: str) -> str:
    """What a paper is about, from the first sentence of its room of the study."""
    return study.PAPERS[paper].__doc__.split(": ", 1)[1].split(".")[0].replace("\n", " ")


def verdict(record: dict | None, claim: Claim) -> str:
    """One phrase for a row: how our accuracy stands to the published one.

    A quick run, one that stopped at an epoch limit (or builds on one that did), and one with random in place of
    ImageNet weights are not called a reproduction.
    """
    if record is None or PRIVATE_TEST not in record["metrics"]:
        return "not run yet"
    if lacking := shortfall(record):
        return f"no reproduction: {', '.join(lacking)}"
    if claim.accuracy is None:
        return "not in the paper"
    low, high = claim.ours(record)["interval"]
    place = 0 if claim.accuracy < low else 2 if claim.accuracy > high else 1
    phrases = ("higher", "in the interval", "lower") if claim.other_set else ("better", "reproduced", "worse")
    return phrases[place]


def shortfall(record: dict) -> list[str]:
    """What a run lacks to stand beside a published one, itself before its start: a profile, epochs or weights."""
    if record["profile"] != "full":
        return ["quick profile"]
    if cut := records.epochs_cut(record):
        return cut
    started_at_random = record.get("initial_weights", "").startswith("random")
    if record.get("config", {}).get("pretrained") and started_at_random:
        return ["random in place of ImageNet weights"]
    return []


def claim_of(experiment: Experiment, numbers: pd.DataFrame) -> Claim:
    """The published accuracy beside which the runs of an experiment stand: that of its first row.

    A variant of ours stands beside none, on both test sets as one where neither selects.
    """
    if not experiment.rows:
        return Claim(test_set=MERGED)
    return _test_claim(_claims(numbers, experiment.paper, *experiment.rows[0]))


def result_table(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """Published accuracies of a paper beside ours from the records in `results_dir` (default: the committed full ones).

    One row for each row of each table that an experiment of the study answers, then our variants. A row "as coded" has
    the slip of the authors' code, the row without these words the network that the paper describes. A published test
    accuracy is one on PrivateTest unless "set unstated" stands beside it. "merged" is PublicTest and PrivateTest as
    one, where neither selects. Accuracies, device and verdict are those of seed 0, which was named beforehand. "mean of
    seeds" is on PrivateTest, over the runs that came as far as seed 0, with the 95 % interval over the seeds
    (t-distribution); all other intervals are over the images. Raises FerError when the study has no such paper.
    """
    check_paper(paper)
    folder = Path(results_dir or paths.REPORTS / "full")  # whatever FER_RESULTS_DIR says: it is for new runs
    found: dict[str, dict[int, dict]] = {}
    for record in records.find(folder, paper):
        found.setdefault(record["experiment"], {})[record["seed"]] = record
    numbers = published.load()
    rows = []
    for experiment in study.EXPERIMENTS.values():
        if experiment.paper != paper or not experiment.seeds:
            continue
        of_seeds = found.get(experiment.id, {})
        record = of_seeds.get(0)
        scores = record["metrics"] if record else {}
        scored = [each for each in of_seeds.values() if PRIVATE_TEST in each["metrics"]]
        for table, row in experiment.rows or (("ours", experiment.title),):
            claims = _claims(numbers, paper, table, row)
            claim = _test_claim(claims)
            rows.append(
                {
                    "table": table,
                    "row": f"{row}, {experiment.variant}" if experiment.variant else row,
                    "published PublicTest": _printed(claims.get(PUBLIC_TEST)),
                    "our PublicTest": metrics.with_interval(scores.get(PUBLIC_TEST)),
                    "published test": str(claim),
                    "our merged": metrics.with_interval(scores.get(MERGED)),
                    "our PrivateTest": metrics.with_interval(scores.get(PRIVATE_TEST)),
                    "our clean PrivateTest": metrics.with_interval(scores.get(f"{PRIVATE_TEST} clean")),
                    "epochs": f"{record['epochs']['done']} of {record['epochs']['recipe']}" if record else "",
                    "seeds": len(scored),
                    "mean of seeds": _mean_of_seeds(_as_far_as_the_first(scored)),
                    "device": runs.device(record) if record else "",
                    "verdict": verdict(record, claim),
                }
            )
    order = sorted(range(len(rows)), key=lambda k: (rows[k]["table"] == "ours", rows[k]["table"]))
    return pd.DataFrame([rows[k] for k in order])


def accuracies(results_dir: Path, paper: str = "*") -> pd.DataFrame:
    """Test accuracy of each experiment, for `plots.accuracies`: name, accuracy, low, high and published (or NaN).

    It is the one on PrivateTest, or on both test splits as one where the paper reports that; the mean over the seeds,
    with the Wilson interval as if it stood for one run.
    """
    numbers = published.load()
    found: dict[str, list[dict]] = {}
    for record in records.find(results_dir, paper):
        if PRIVATE_TEST in record["metrics"]:
            found.setdefault(record["experiment"], []).append(record)
    rows = []
    for experiment in study.EXPERIMENTS.values():
        if not (runs_of := _as_far_as_the_first(found.get(experiment.id, []))):
            continue
        claim = claim_of(experiment, numbers)
        mean = metrics.mean_over_runs([claim.ours(record) for record in runs_of])
        seeds = f"mean of {len(runs_of)} seeds" if len(runs_of) > 1 else ""
        lack = shortfall(runs_of[0])[:1]  # a label has no room for those of its start
        name = ", ".join(filter(None, (experiment.title, *lack, seeds)))
        printed = np.nan if claim.accuracy is None else claim.accuracy
        rows.append((textwrap.fill(name, 36), mean["accuracy"], *mean["interval"], printed))
    return pd.DataFrame(rows, columns=["name", "accuracy", "low", "high", "published"])


def text(paper: str, profile: str, results_dir: Path) -> str:
    """Text of a paper's tables and of where our numbers come from."""
    lines = [
        f"Paper {paper}, {profile} profile. Accuracy with 95 % Wilson interval; epochs trained of the recipe's."
    ]
    for name, table in result_table(paper, results_dir).groupby("table", sort=False):
        lines += ["", name, table.drop(columns="table").to_string(index=False)]
    if paper == "compact":  # no paper: goals in place of published numbers
        aims = goals.table(results_dir).astype(object).fillna("")
        lines += ["", "Goals, set before the runs", aims.to_string(index=False)]
        lines += ["", "Factors of the recipe", goals.ablation(results_dir).to_string(index=False)]
    tests = paired.table(paper, results_dir)
    if not tests.empty:
        on = f"{PRIVATE_TEST}, the ablation's on {CLEAN_PUBLIC_TEST}" if paper == "compact" else PRIVATE_TEST
        lines += ["", f"Claims about pairs, on {on} (exact McNemar test, p adjusted by Holm)"]
        lines.append(tests.to_string(index=False))
    lines += ["", "Records", runs.runs_table(results_dir, paper).to_string(index=False)]
    return "\n".join(lines)


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, without the columns that are empty throughout."""
    table = table.astype(str)
    table = table.loc[:, (table != "").any()]
    lines = [list(table), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _claims(numbers: pd.DataFrame, paper: str, table: str, row: str) -> dict[str, float]:
    """Published accuracies of a row of a table: test set -> accuracy; a set that is inferred ends in "unstated"."""
    here = (numbers["paper"] == paper) & (numbers["table"] == table) & (numbers["row"] == row)
    found = numbers[here & (numbers["metric"] == "accuracy")]
    inferred = ~found["test_set"].str.endswith("unstated") & found["note"].str.contains("do not state")
    return dict(zip(found["test_set"] + np.where(inferred, ", unstated", ""), found["value"], strict=True))


def _printed(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.4f}"


def _test_claim(claims: dict[str, float]) -> Claim:
    """Which of a row's published accuracies is the test accuracy."""
    for name, test_set in ((PRIVATE_TEST, PRIVATE_TEST), ("merged 7178", MERGED)):
        if name in claims:
            return Claim(claims[name], "", test_set)
        if f"{name}, unstated" in claims:
            return Claim(claims[f"{name}, unstated"], "set unstated", test_set)
    others = (
        Claim(accuracy, "set unstated" if name.endswith("unstated") else name)
        for name, accuracy in claims.items()
        if (name.endswith("unstated") or name.startswith("random")) and not name.startswith("validation")
    )
    return next(others, Claim())


def _as_far_as_the_first(scored: list[dict]) -> list[dict]:
    """The runs that had all their epochs if the first one had, else those that stopped where it did."""
    return [record for record in scored if records.epochs_cut(record) == records.epochs_cut(scored[0])]


def _mean_of_seeds(scored: list[dict]) -> str:
    """Mean accuracy on PrivateTest, with its interval over the seeds; "" for fewer than two."""
    if len(scored) < 2:
        return ""
    each = [record["metrics"][PRIVATE_TEST]["accuracy"] for record in scored]
    return metrics.with_interval({"accuracy": np.mean(each), "interval": metrics.mean_interval(each)})

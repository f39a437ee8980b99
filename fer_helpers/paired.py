"""Two experiments compared image by image, from their records: pairs that the study names, and pairs over seeds.

What one run shows may be that run's luck; what several show need not.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from fer_helpers import metrics, paths, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST, PUBLIC_TEST
from fer_helpers.study.compact import ABLATION


def declared(paper: str, results_dir: Path | str | None = None) -> list[dict]:
    """The pairs of `COMPARISONS` in the paper's room of the study whose two runs (seed 0) are there, tested.

    They are tested on PrivateTest; those of compact's ablation, by which its recipe may be chosen, on clean PublicTest.
    Each has claim, first and second (names), test_set, records (of both), only_first and only_second (images that one
    alone has right), p (exact McNemar test) and p_holm (adjusted for the pairs of the paper that have this test set).
    `results_dir`: default the committed full records.
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    found = []
    for claim, *names in study.PAPERS[paper].COMPARISONS:
        pair = [f"{paper}/{name}" for name in names]
        choosing = {experiment.id for experiment in ABLATION} >= set(pair)
        test_set = f"{PUBLIC_TEST} clean" if choosing else PRIVATE_TEST
        files = [records.path(folder, name, 0) for name in pair]
        runs = [records.read(file) for file in files if file.exists()]
        if len(runs) < 2 or not all(test_set in run["metrics"] for run in runs):
            continue
        a, b = (metrics.right(run["metrics"][test_set]) for run in runs)
        found.append(
            {"claim": claim, "first": names[0], "second": names[1], "test_set": test_set, "records": runs}
            | {"only_first": int((a & ~b).sum()), "only_second": int((b & ~a).sum())}
            | {"p": metrics.mcnemar(a, b)}
        )
    for test_set in {pair["test_set"] for pair in found}:
        family = [pair for pair in found if pair["test_set"] == test_set]
        for pair, p in zip(family, metrics.holm([pair["p"] for pair in family]), strict=True):
            pair["p_holm"] = p
    return found


def table(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """What `declared` finds, as a table to read.

    Runs that stopped at an epoch limit take part and are marked with their epochs.
    """
    rows = []
    for pair in declared(paper, results_dir):
        accuracy = [round(run["metrics"][pair["test_set"]]["accuracy"], 4) for run in pair["records"]]
        unfinished = [
            f"{name} {epochs}"
            for name, run in zip((pair["first"], pair["second"]), pair["records"], strict=True)
            for epochs in records.epochs_cut(run)
        ]
        rows.append(
            {
                "claim": pair["claim"],
                "first": pair["first"],
                "second": pair["second"],
                "accuracy of the first": accuracy[0],
                "of the second": accuracy[1],
                "only the first is right": pair["only_first"],
                "only the second": pair["only_second"],
                "p": f"{pair['p']:.3g}",
                "p, Holm": f"{pair['p_holm']:.3g}",
                "unfinished": "; ".join(unfinished),
            }
        )
    return pd.DataFrame(rows)


def by_seed(first: str, second: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """Compare two experiments seed by seed on PrivateTest; empty where no seed has both records.

    Columns: seed, first, second (accuracies), difference, only_first, only_second (images that one alone has right),
    p (exact McNemar test) and p_holm (adjusted for the number of seeds). `results_dir`: default the committed records.
    """
    rows = []
    for seed, (a, b) in _runs(first, second, results_dir).items():
        rows.append(
            {
                "seed": seed,
                "first": a.mean(),
                "second": b.mean(),
                "difference": a.mean() - b.mean(),
                "only_first": int((a & ~b).sum()),
                "only_second": int((b & ~a).sum()),
                "p": metrics.mcnemar(a, b),
            }
        )
    columns = ["seed", "first", "second", "difference", "only_first", "only_second", "p", "p_holm"]
    adjusted = metrics.holm([row["p"] for row in rows])
    return pd.DataFrame([row | {"p_holm": p} for row, p in zip(rows, adjusted, strict=True)], columns=columns)


def pooled(first: str, second: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """Mean difference of accuracy over all common seeds, in two views, each with a 95 % interval and a p-value.

    - "seeds": how far would other seeds differ on these images? Paired t-test, one difference a seed.
    - "images": how far would these runs differ on other images? Paired t-test, one difference an image (its mean over
      the seeds), because runs on the same image are not independent.
    Columns: over, n, difference, low, high, p. Raises FerError with fewer than two common seeds.
    """
    runs = _runs(first, second, results_dir)
    if len(runs) < 2:
        raise FerError(f"{first} and {second} have {len(runs)} seeds in common: train at least two of each.")
    differences = np.array([a.astype(float) - b for a, b in runs.values()])  # (seeds, images)
    rows = []
    for over, values in (("seeds", differences.mean(axis=1)), ("images", differences.mean(axis=0))):
        p = ttest_1samp(values, 0).pvalue
        rows.append((over, len(values), values.mean(), *metrics.mean_interval(values), p))
    return pd.DataFrame(rows, columns=["over", "n", "difference", "low", "high", "p"])


def _runs(first: str, second: str, results_dir: Path | str | None) -> dict[int, list[np.ndarray]]:
    """Seed -> on which PrivateTest images the runs of both experiments are right; seeds that both have."""
    folder = Path(results_dir or paths.REPORTS / "full")
    found = {}
    for seed in study.get(first).seeds:
        files = [records.path(folder, name, seed) for name in (first, second)]
        scores = [records.read(file)["metrics"].get(PRIVATE_TEST) for file in files if file.exists()]
        if len(scores) == 2 and all(scores):
            found[seed] = [metrics.right(each) for each in scores]
    return found

"""Two experiments compared over several seeds, from their records: what one run shows may be that run's luck."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fer_helpers import metrics, paths, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST


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
        test = stats.ttest_1samp(values, 0)
        interval = test.confidence_interval()
        rows.append((over, len(values), values.mean(), interval.low, interval.high, test.pvalue))
    return pd.DataFrame(rows, columns=["over", "n", "difference", "low", "high", "p"])

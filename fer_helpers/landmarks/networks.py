"""Landmarks of the Deep Alignment Network beside dlib's, from the records of its runs on the embedded data set."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fer_helpers import metrics, records, study
from fer_helpers.datasets import load
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.landmarks import find, normalised_error

WITH, WITHOUT = "emotionaldan/dan_facekit", "emotionaldan/dan_facekit_alpha_0"


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """`compare` on the runs in `results_dir` with the landmark term and, where there are any, without.

    Quick trains one with it.
    """
    names = (WITH,) if profile == "quick" else (WITH, WITHOUT)
    found = []
    for name in names:
        if profile == "quick":
            found.append(study.run(name, results_dir=results_dir))
        else:
            files = [records.path(results_dir, name, seed) for seed in study.get(name).seeds]
            found += [records.read(file) for file in files if file.exists()]
    return compare([record for record in found if PRIVATE_TEST in record["metrics"]])


def compare(runs: list[dict]) -> pd.DataFrame:
    """Landmark error of the runs' two stages, and of dlib, on the PrivateTest faces that dlib finds.

    Errors are in outer eye-corner distances; an image's is its mean over an experiment's runs. Columns: method, alpha,
    runs, n, mean, low, high (95 %), difference (to dlib on the same faces), difference_low, difference_high, p (paired
    t-test). Raises FerError without a run.
    """
    if not runs:
        raise FerError(
            f"There is no run of {WITH} yet. Run: python -m fer_helpers train {WITH} --profile full"
        )
    faces = load("facekit").split(PRIVATE_TEST)
    seen = find(faces.images)
    reference = normalised_error(seen.points, faces.landmarks)[seen.found]
    errors: dict[tuple, list[np.ndarray]] = {}
    for record in runs:
        alpha = record["config"]["loss_weights"][0]
        for stage, summary in record["metrics"][PRIVATE_TEST]["landmark_error"].items():
            errors.setdefault((stage, alpha), []).append(metrics.each_error(summary)[seen.found])
    rows = [_row("dlib", None, [reference], reference)]
    rows += [_row(stage, alpha, each, reference) for (stage, alpha), each in errors.items()]
    return pd.DataFrame(rows)


def _row(method: str, alpha: float | None, errors: list[np.ndarray], reference: np.ndarray) -> dict:
    """One line: `errors` has an array (n,) for each run."""
    each = np.mean(errors, axis=0)
    summary = metrics.summarise_errors(each)
    row = {"method": method, "alpha": alpha, "runs": 0 if method == "dlib" else len(errors)}
    row |= {"n": summary["n"], "mean": summary["mean"], "low": summary["interval"][0]}
    row |= {"high": summary["interval"][1]}
    if method == "dlib":
        return row
    test = stats.ttest_rel(each, reference)
    interval = test.confidence_interval()
    return row | {
        "difference": float(np.mean(each - reference)),
        "difference_low": interval.low,
        "difference_high": interval.high,
        "p": test.pvalue,
    }

"""The course's own networks beside what was aimed at before any of them was trained."""

from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import architectures, metrics, paths, records, report, seeds
from fer_helpers.labels import CLEAN_PUBLIC_TEST, MIRRORED, PRIVATE_TEST
from fer_helpers.study import compact
from fer_helpers.study.experiment import Experiment

# column of the table -> results in a record
VIEWS = {
    "mirror-averaged": f"{PRIVATE_TEST} {MIRRORED}",
    "single view": PRIVATE_TEST,
    "clean": f"{PRIVATE_TEST} {MIRRORED} clean",
}


def table(results_dir: Path | str | None = None) -> pd.DataFrame:
    """One row a network of `study.compact`, the runs of the ablation left out: goal and results on PrivateTest.

    Columns: network, parameters, goal, seeds (with a record), the columns of VIEWS (mean over the seeds, with the 95 %
    Wilson interval as if it stood for one test set) and verdict: "reached", "missed", "goal in the interval" (missed by
    less than chance), "no goal" or "not run yet". `results_dir`: default the committed full records.
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    nets = [experiment for experiment in compact.EXPERIMENTS if experiment not in compact.ABLATION]
    return pd.DataFrame([_row(experiment, folder) for experiment in nets])


def ablation(results_dir: Path | str | None = None) -> pd.DataFrame:
    """One row a factor of the recipe: accuracy on what selects, clean PublicTest, and gain on the recipe itself.

    Columns: factor, seeds, clean PublicTest (with the 95 % interval), gain.
    """
    found = seeds.selection_table(compact.ABLATION, results_dir)
    rows = found[found["seeds"] > 0]
    text = [f"{row.accuracy:.4f} [{row.low:.3f}, {row.high:.3f}]" for row in rows.itertuples()]
    gains = ["" if gain != gain else f"{gain:+.4f}" for gain in rows["gain"]]
    columns = {"factor": rows["title"], "seeds": rows["seeds"], CLEAN_PUBLIC_TEST: text, "gain": gains}
    return pd.DataFrame(columns).reset_index(drop=True)


def _row(experiment: Experiment, folder: Path) -> dict:
    files = [records.path(folder, experiment.id, seed) for seed in experiment.seeds]
    found = [records.read(file)["metrics"] for file in files if file.exists()]
    found = [scores for scores in found if VIEWS["mirror-averaged"] in scores]
    name = experiment.id.split("/")[1]
    goal = compact.GOALS.get(name)
    means = {column: _mean([scores[view] for scores in found]) for column, view in VIEWS.items()}
    return {
        "network": name,
        "parameters": architectures.NETS[experiment.architecture].total,
        "goal": goal,
        "seeds": len(found),
        **{column: report.with_interval(scores) for column, scores in means.items()},
        "verdict": _verdict(goal, means["mirror-averaged"]),
    }


def _mean(scores: list[dict]) -> dict | None:
    if not scores:
        return None
    n, accuracy = scores[0]["n"], float(np.mean([each["accuracy"] for each in scores]))
    return {"accuracy": accuracy, "interval": metrics.wilson_interval(round(accuracy * n), n)}


def _verdict(goal: float | None, scores: dict | None) -> str:
    if scores is None:
        return "not run yet"
    if goal is None:
        return "no goal"
    if scores["accuracy"] >= goal:
        return "reached"
    return "goal in the interval" if scores["interval"][1] >= goal else "missed"

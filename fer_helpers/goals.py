"""The course's own networks beside what was aimed at before any of them was trained."""

from pathlib import Path

import pandas as pd

from fer_helpers import metrics, paths, records, seeds
from fer_helpers.labels import CLEAN_PUBLIC_TEST, MIRRORED, PRIVATE_TEST, TEN_CROPS
from fer_helpers.study import compact
from fer_helpers.study.experiment import Experiment

# column of the table -> results in a record; the first one is held against the goal
VIEWS = {
    "mirror-averaged": f"{PRIVATE_TEST} {MIRRORED}",
    "single view": PRIVATE_TEST,
    "ten-crop": f"{PRIVATE_TEST} {TEN_CROPS}",
    "clean, mirror-averaged": f"{PRIVATE_TEST} {MIRRORED} clean",
}
JUDGED = next(iter(VIEWS))


def table(results_dir: Path | str | None = None) -> pd.DataFrame:
    """One row a network of `study.compact`, the runs of the ablation left out: goal and results on PrivateTest.

    Columns: network, parameters (of a record; missing without one), goal, floor (missing for the larger ones), seeds
    (full runs with results), the columns of VIEWS (mean over the seeds, with the 95 % Wilson interval as if it stood
    for one test set) and verdict: "reached", "missed" or "goal in the interval" (missed by less than chance), the last
    two with "floor reached" where it is; "not run yet"; or how far the runs came of which one stopped at an epoch
    limit. `results_dir`: default the committed full records.
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    rows = pd.DataFrame([_row(experiment, folder) for experiment in compact.NETWORKS])
    return rows.astype({"parameters": "Int64"})


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
    runs = [records.read(file) for file in files if file.exists()]
    runs = [run for run in runs if run["profile"] == "full" and VIEWS[JUDGED] in run["metrics"]]
    views = {name: [run["metrics"][view] for run in runs] for name, view in VIEWS.items()}
    means = {name: metrics.mean_over_runs(scores) if scores else None for name, scores in views.items()}
    goal, floor = compact.GOALS[experiment.architecture], compact.FLOORS.get(experiment.architecture)
    cut = dict.fromkeys(each for run in runs for each in records.epochs_cut(run))
    return {
        "network": experiment.id.split("/")[1],
        "parameters": runs[0]["parameters"]["total"] if runs else None,
        "goal": goal,
        "floor": floor,
        "seeds": len(runs),
        **{name: metrics.with_interval(mean) for name, mean in means.items()},
        "verdict": "unfinished: " + ", ".join(cut) if cut else _verdict(goal, floor, means[JUDGED]),
    }


def _verdict(goal: float, floor: float | None, scores: dict | None) -> str:
    if scores is None:
        return "not run yet"
    if scores["accuracy"] >= goal:
        return "reached"
    verdict = "goal in the interval" if scores["interval"][1] >= goal else "missed"
    return f"{verdict}, floor reached" if floor and scores["accuracy"] >= floor else verdict

"""The ensembles of data240, voted again by runs of the course from their stored probabilities.

Which branches vote stands in `architectures.data240_ensemble.MEMBERS`. The large ones enlarge the images to 224 pixels
and need a graphics card; until they have a finished run, a network on 48 pixels stands in. Nothing is fitted, and
nothing is chosen by its results.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fer_helpers import datasets, metrics, records
from fer_helpers.ensembles import soft_vote
from fer_helpers.ensembles.tables import check_rows
from fer_helpers.labels import MERGED, PRIVATE_TEST, TRAINING

# branch -> experiments that can vote in its place, the nearest first, which must not see the test sets either; the
# first with a finished run does, else the first with any; a branch that votes again takes the next seed
RUNS = {
    "mobilenet_v2": ("data240/mobilenet_v2", "ljmu/mobilenet_v2"),
    "features_inception_v3": ("data240/inception_v3", "data240/resnet50v2", "ljmu/tuned"),
    "inception_v3": ("data240/inception_v3", "data240/resnet50v2", "ljmu/tuned"),
    "called_xception": ("data240/called_xception",),
    "simple_cnn_1024": ("data240/simple_cnn_1024", "data240/simple_cnn"),
}
ENSEMBLES = {"top-3": "top_3", "top-4": "top_4", "top-5": "top_5"}
ONE_VOTE = "top-5, one vote a network"
# Pairs to compare, named before anything was measured
COMPARISONS = (
    ("five are better than three", "top-5", "top-3"),
    ("one vote a network is better than three for the small one", ONE_VOTE, "top-5"),
)
SCORES = ("n", "accuracy", "low", "high")
COLUMNS = ["kind", "name", "votes", "stands_for", "initial_weights", "epochs", "note"]
COLUMNS += [prefix + name for prefix in ("", "clean_", "merged_") for name in SCORES]
COLUMNS += ["macro_recall", "right"]


class Vote(NamedTuple):
    """A run that votes in the place of a branch."""

    branch: str
    experiment: str
    seed: int
    weight: float = 1.0

    @property
    def run(self) -> str:
        """Name of the run."""
        return f"{self.experiment}-seed{self.seed}"

    @property
    def stands_in(self) -> bool:
        """Whether it is another network than the branch."""
        return self.experiment != f"data240/{self.branch}"

    def path(self, results_dir: Path) -> Path:
        """Where the run's record stands."""
        return records.path(results_dir, self.experiment, self.seed)


def ensembles(results_dir: Path) -> dict[str, list[Vote]]:
    """Who votes in each of ENSEMBLES and in ONE_VOTE, by the records in `results_dir`."""
    from fer_helpers.architectures import data240_ensemble  # starts Keras

    found = {}
    for name, key in ENSEMBLES.items():
        branches = [build.__name__ for build in data240_ensemble.MEMBERS[key]]
        found[name] = []
        for k, branch in enumerate(branches):
            votes = [Vote(branch, experiment, branches[:k].count(branch)) for experiment in RUNS[branch]]
            there = [vote for vote in votes if vote.path(results_dir).exists()]
            finished = [
                vote for vote in there if not records.epochs_cut(records.read(vote.path(results_dir)))
            ]
            found[name].append((finished or there or votes[-1:])[0])
    times = Counter(vote.branch for vote in found["top-5"])
    return found | {ONE_VOTE: [vote._replace(weight=1 / times[vote.branch]) for vote in found["top-5"]]}


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """Members and ensembles of data240 on FER2013, by the runs in `results_dir`.

    Columns: kind ("member" or "ensemble"), name, votes (an ensemble's runs), stands_for (the branches whose place a run
    takes), initial_weights and epochs of a member, note ("not run yet: " and the runs without a record; then no score
    is there); n, accuracy, low and high on PrivateTest, with "clean_" on its clean rows and with "merged_" on
    PublicTest and PrivateTest as one; macro_recall and right (see `metrics.right`) on PrivateTest. Raises FerError when
    a run's probabilities do not belong to this copy of FER2013.
    """
    data = datasets.load("fer2013")
    sets = {PRIVATE_TEST: data.split(PRIVATE_TEST), MERGED: data.subset(data.splits != TRAINING)}
    composed = ensembles(results_dir)
    votes = [vote for each in composed.values() for vote in each]
    stored, rows = {}, []
    for vote in {vote.run: vote for vote in votes}.values():
        places = {each.branch for each in votes if each.run == vote.run and each.stands_in}
        row = {"kind": "member", "name": vote.run, "stands_for": ", ".join(sorted(places))}
        path = vote.path(results_dir)
        if path.exists() and PRIVATE_TEST in (record := records.read(path))["metrics"]:
            stored[vote.run] = records.read_probabilities(path)
            check_rows(vote.run, record, stored[vote.run][PRIVATE_TEST], sets[PRIVATE_TEST])
            row["initial_weights"] = record["initial_weights"]
            row["epochs"] = f"{record['epochs']['done']} of {record['epochs']['recipe']}"
        rows.append(row | _scores([vote], stored, sets))
    for name, each in composed.items():
        row = {"kind": "ensemble", "name": name, "votes": ", ".join(vote.run for vote in each)}
        rows.append(row | _scores(each, stored, sets))
    table = pd.DataFrame(rows, columns=COLUMNS)
    words = ["votes", "stands_for", "initial_weights", "epochs", "note", "right"]
    return table.assign(**table[words].fillna(""))


def _scores(votes: list[Vote], stored: dict[str, dict], sets: dict[str, datasets.Dataset]) -> dict:
    """Columns of the weighted soft vote, or only which runs are missing."""
    if missing := [vote.run for vote in votes if vote.run not in stored]:
        return {"note": f"not run yet: {', '.join(missing)}"}
    weights = np.array([vote.weight for vote in votes])
    said = {name: soft_vote(np.stack([stored[vote.run][name] for vote in votes]), weights) for name in sets}
    test, p = sets[PRIVATE_TEST], said[PRIVATE_TEST]
    scores = metrics.summarise(test.labels, p)
    views = {"": scores, "clean_": metrics.summarise(test.labels[test.clean], p[test.clean])}
    views["merged_"] = metrics.summarise(sets[MERGED].labels, said[MERGED])
    row = {"macro_recall": scores["macro_recall"], "right": scores["right"]}
    for prefix, view in views.items():
        values = (view["n"], view["accuracy"], *view["interval"])
        row |= {prefix + name: value for name, value in zip(SCORES, values, strict=True)}
    return row

"""Ensembles in tables: members beside votes, paired tests, and every FER2013 run of the full profile together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import datasets, metrics, paths, records
from fer_helpers.ensembles import METHODS, oracle, weighted
from fer_helpers.errors import FerError
from fer_helpers.labels import CLEAN_PUBLIC_TEST, HELD_OUT, PRIVATE_TEST, PUBLIC_TEST
from fer_helpers.study import compact

SHOWN = 0.005  # members with less weight count as left out
TOP = (3, 4, 5)  # sizes of the ensembles of data240
# Pairs to compare, named before anything was measured; "best member" is the best one where the others are fitted.
COMPARISONS = (
    ("a soft vote of all is better than the best member", "soft vote", "best member"),
    ("probabilities are better than votes", "soft vote", "hard vote"),
    ("fitted weights are better than equal ones", "weighted vote", "soft vote"),
    ("a chosen few are better than all", "greedy selection", "soft vote"),
    ("a second-level classifier is better than the mean", "stacking", "soft vote"),
    ("five are better than three", "top-5 soft vote", "top-3 soft vote"),
)


def compare(
    names: list[str],
    selection: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    clean: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score members and ensembles: what is fitted or chosen sees `selection` only; both sets are (p, labels).

    One row for each member, in the order of their accuracy on `selection`, for the soft vote of the best three, four
    and five of them, for each of METHODS on all, and for the oracle. Columns: kind, name, members, fitted (accuracy on
    `selection`); n, accuracy, low, high on `test`; the same with "clean_" on its rows `clean` (default: all);
    macro_recall on `test`, weights in words, and `right` (see `metrics.right`).
    """
    (p, labels), (p_test, labels_test) = selection, test
    order = np.argsort(-(p.argmax(axis=2) == labels).mean(axis=1), kind="stable")
    names, p, p_test = [names[k] for k in order], p[order], p_test[order]
    clean = np.ones(len(labels_test), bool) if clean is None else clean

    entries = [("member", name, weighted(one)) for name, one in zip(names, np.eye(len(p)), strict=True)]
    for size in [size for size in TOP if size < len(names)]:
        best = np.repeat([1 / size, 0], [size, len(p) - size])
        entries.append(("ensemble", f"top-{size} soft vote", weighted(best)))
    entries += [("ensemble", name, fit(p, labels)) for name, fit in METHODS.items()]
    rows = []
    for kind, name, ensemble in entries:
        answers, said = ensemble.predict(p).argmax(axis=1), ensemble.predict(p_test)
        row = _row(kind, name, answers == labels, said.argmax(axis=1) == labels_test, clean)
        recall = metrics.summarise(labels_test, said)["macro_recall"]
        voting = len(p) if ensemble.weights is None else int(np.sum(ensemble.weights >= SHOWN))
        weights = "" if kind == "member" else _in_words(names, ensemble.weights)
        rows.append(row | {"members": voting, "macro_recall": recall, "weights": weights})
    bound = (oracle(q.argmax(axis=2) == truth) for q, truth in ((p, labels), (p_test, labels_test)))
    rows.append(_row("oracle", "at least one is right", *bound, clean) | {"members": len(p), "weights": ""})
    return pd.DataFrame(rows)


def _row(kind: str, name: str, fitted: np.ndarray, right: np.ndarray, clean: np.ndarray) -> dict:
    row = {"kind": kind, "name": name, "members": 0, "fitted": float(fitted.mean())}
    for prefix, hits in (("", right), ("clean_", right[clean])):
        low, high = metrics.wilson_interval(int(hits.sum()), len(hits))
        row |= {f"{prefix}n": len(hits), f"{prefix}accuracy": float(hits.mean())}
        row |= {f"{prefix}low": low, f"{prefix}high": high}
    return row | {"macro_recall": None, "weights": "", "right": np.packbits(right).tobytes().hex()}


def paired_tests(
    table: pd.DataFrame, comparisons: Sequence[tuple[str, str, str]] = COMPARISONS
) -> pd.DataFrame:
    """Pairs (claim, first, second) tested on the test set's images, from the table alone: no images, no labels.

    One row a pair that is there: accuracies, on how many images only one is right, exact McNemar p, and p adjusted by
    Holm.
    """
    table = table.dropna(subset="accuracy").astype({"n": int})  # a missing row makes the column one of floats
    best = table[table["kind"] == "member"].head(1).assign(name="best member")  # first is best on `selection`
    of = {row["name"]: row for row in pd.concat([table, best]).to_dict("records")}
    rows = []
    for claim, *pair in comparisons:
        if not set(pair) <= set(of):
            continue  # not run yet, or fewer than six members, which have no top-5
        a, b = (metrics.right(of[name]) for name in pair)
        accuracies = [round(of[name]["accuracy"], 4) for name in pair]
        only = int((a & ~b).sum()), int((b & ~a).sum())
        rows.append([claim, *pair, *accuracies, *only, metrics.mcnemar(a, b)])
    columns = ["claim", "first", "second", "accuracy of the first", "of the second"]
    result = pd.DataFrame(rows, columns=[*columns, "only the first is right", "only the second", "p"])
    return result.assign(**{"p, Holm": metrics.holm(result["p"])})


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """`compare` over every FER2013 run in `results_dir`: fitted on clean PublicTest, reported on PrivateTest.

    Raises FerError when there are no two such runs, or when their probabilities do not belong to this copy of FER2013.
    """
    data = datasets.load("fer2013")
    chosen, test = data.split(PUBLIC_TEST), data.split(PRIVATE_TEST)
    names, p, p_test = [], [], []
    for name, record, probabilities in fer2013_runs(results_dir):
        check_rows(name, record, probabilities[PRIVATE_TEST], test)
        names.append(name)
        p.append(probabilities[PUBLIC_TEST][chosen.clean])
        p_test.append(probabilities[PRIVATE_TEST])
    if len(names) < 2:
        raise FerError(
            "An ensemble needs two full runs on FER2013; `python -m fer_helpers runs` lists what is there."
        )
    selection = np.stack(p), chosen.labels[chosen.clean]
    return compare(names, selection, (np.stack(p_test), test.labels), test.clean)


def check_rows(
    name: str, record: dict, p: np.ndarray, test: datasets.Dataset, view: str = PRIVATE_TEST
) -> None:
    """Raise FerError unless a run gave the probabilities (n, classes) that it calls `view` for the rows of `test`."""
    right = metrics.right(record["metrics"][view])
    if len(p) != len(test) or not np.array_equal(p.argmax(axis=1) == test.labels, right):
        raise FerError(f"{name} was scored on other rows than those of {test.name} here: use fer2013.csv.")


def fer2013_runs(results_dir: Path | None = None) -> list[tuple[str, dict, dict[str, np.ndarray]]]:
    """(name, record, probabilities by split) of every full run on FER2013 whose test sets are scored.

    A run that was selected on images that it was trained on as well is left out, and so are the ablation's short runs.
    """
    folder = results_dir or paths.results_dir("full")
    short = {experiment.id for experiment in compact.ABLATION}
    runs = []
    for record in records.find(folder):
        honest = record["selection"]["split"] in (PUBLIC_TEST, CLEAN_PUBLIC_TEST, HELD_OUT)
        wanted = honest and record["experiment"] not in short and PRIVATE_TEST in record["metrics"]
        if record["dataset"]["name"] == "fer2013" and wanted:
            path = records.path(folder, record["experiment"], record["seed"])
            name = f"{record['experiment']}-seed{record['seed']}"
            runs.append((name, record, records.read_probabilities(path)))
    return runs


def _in_words(names: list[str], weights: np.ndarray | None) -> str:
    if weights is None:
        return ""
    pairs = sorted(zip(weights, names, strict=True), reverse=True)
    return "; ".join(f"{name} {weight:.2f}" for weight, name in pairs if weight >= SHOWN)

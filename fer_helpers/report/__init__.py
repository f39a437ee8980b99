"""From records to tables: published numbers beside ours, pairs of runs, runs.

Every number of ours comes from a record, every other one from data/published.csv. `claims` judges what the papers
conclude, `readme` writes the tables of reports/README.md, `page` makes index.html, and `numbers` looks for a record
behind every number in our texts.
"""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers import metrics, paths, published, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import MERGED, PRIVATE_TEST, PUBLIC_TEST

PUBLIC_COLUMNS = ["published PublicTest", "our PublicTest"]  # where epochs are selected: no results


def check_paper(paper: str) -> None:
    """Raise FerError when the study has no such paper."""
    if paper not in study.PAPERS:
        raise FerError(f"The study has no paper called {paper!r}. The papers are: {', '.join(study.PAPERS)}.")


def title(paper: str) -> str:
    """What a paper is about, from the first sentence of its room of the study."""
    return study.PAPERS[paper].__doc__.split(": ", 1)[1].split(".")[0].replace("\n", " ")


def verdict(
    record: dict | None, claim: float | None, same_set: bool = True, test_set: str = PRIVATE_TEST
) -> str:
    """One phrase for a row: how our accuracy on `test_set` stands to the published one.

    A quick run, one that stopped at an epoch limit, and one with random in place of ImageNet weights are not called a
    reproduction. Where the paper does not name its test set (`same_set` False), the phrase says only which number is
    larger.
    """
    if record is None or PRIVATE_TEST not in record["metrics"]:
        return "not run yet"
    if record["profile"] != "full":
        return "no reproduction: quick profile"
    epochs = record["epochs"]
    if epochs["stopped_by"] == "limit":
        return f"no reproduction: {epochs['done']} of {epochs['recipe']} epochs"
    if record.get("config", {}).get("pretrained") and record["initial_weights"].startswith("random"):
        return "no reproduction: random in place of ImageNet weights"
    if claim is None:
        return "not in the paper"
    low, high = record["metrics"][test_set]["interval"]
    if same_set:
        return "better" if claim < low else "worse" if claim > high else "reproduced"
    return "higher" if claim < low else "lower" if claim > high else "in the interval"


def with_interval(scores: dict | None) -> str:
    """Text form of an accuracy with its interval, or an empty cell."""
    return (
        f"{scores['accuracy']:.4f} [{scores['interval'][0]:.3f}, {scores['interval'][1]:.3f}]"
        if scores
        else ""
    )


def device(record: dict) -> str:
    """What a run was made on, in a few words; "" where its record does not say."""
    if not (made_on := record.get("device")):
        return ""
    processor = made_on["gpu"] or f"{made_on['cores']} CPU cores"
    return f"{processor}, {made_on['precision'].removeprefix('mixed_')}"


def _claims(numbers: pd.DataFrame, paper: str, table: str, row: str) -> dict[str, float]:
    """Published accuracies of a row of a table: test set -> accuracy; a set that is inferred ends in "unstated"."""
    wanted = pd.Series({"paper": paper, "table": table, "row": row, "metric": "accuracy"})
    found = numbers[(numbers[wanted.index] == wanted).all(axis=1)]
    inferred = ~found["test_set"].str.endswith("unstated") & found["note"].str.contains("do not state")
    return dict(zip(found["test_set"] + np.where(inferred, ", unstated", ""), found["value"], strict=True))


def _printed(claim: float | None) -> str:
    return "" if claim is None else f"{claim:.4f}"


def _test_claim(claims: dict[str, float]) -> tuple[float | None, str, str]:
    """The published test accuracy, what its test set is where not one of ours, and which of ours it is beside."""
    for name, test_set in ((PRIVATE_TEST, PRIVATE_TEST), ("merged 7178", MERGED)):
        if name in claims:
            return claims[name], "", test_set
        if f"{name}, unstated" in claims:
            return claims[f"{name}, unstated"], "set unstated", test_set
    others = (
        (value, "set unstated" if name.endswith("unstated") else name, PRIVATE_TEST)
        for name, value in claims.items()
        if (name.endswith("unstated") or name.startswith("random")) and not name.startswith("validation")
    )
    return next(others, (None, "", PRIVATE_TEST))


def result_table(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """Published accuracies of a paper beside ours from the records in `results_dir` (default: the committed full ones).

    One row for each row of each table that an experiment of the study answers, then our variants. A row "as coded" has
    the slip of the authors' code, the row without these words the network that the paper describes. A published test
    accuracy is one on PrivateTest unless "set unstated" stands beside it. "merged" is PublicTest and PrivateTest as
    one, where neither selects. Accuracies, device and verdict are those of seed 0, which was named beforehand; "mean of
    seeds" is over all runs on PrivateTest. Raises FerError when the study has no such paper.
    """
    check_paper(paper)
    folder = Path(results_dir or paths.REPORTS / "full")  # whatever FER_RESULTS_DIR says: it is for new runs
    found = {(r["experiment"], r["seed"]): r for r in records.find(folder, paper)}
    numbers = published.load()
    rows = []
    for experiment in study.EXPERIMENTS.values():
        if experiment.paper != paper or not experiment.seeds:
            continue
        record = found.get((experiment.id, 0))
        scores = record["metrics"] if record else {}
        seeds = [
            r["metrics"][PRIVATE_TEST]["accuracy"]
            for (name, _), r in found.items()
            if name == experiment.id and PRIVATE_TEST in r["metrics"]
        ]
        for table, row in experiment.rows or (("ours", experiment.title),):
            claims = _claims(numbers, paper, table, row)
            claim, other_set, test_set = _test_claim(claims)
            rows.append(
                {
                    "table": table,
                    "row": f"{row}, {experiment.variant}" if experiment.variant else row,
                    "published PublicTest": _printed(claims.get(PUBLIC_TEST)),
                    "our PublicTest": with_interval(scores.get(PUBLIC_TEST)),
                    "published test": _printed(claim) + (f", {other_set}" if other_set else ""),
                    "our merged": with_interval(scores.get(MERGED)),
                    "our PrivateTest": with_interval(scores.get(PRIVATE_TEST)),
                    "our clean PrivateTest": with_interval(scores.get(f"{PRIVATE_TEST} clean")),
                    "epochs": f"{record['epochs']['done']} of {record['epochs']['recipe']}" if record else "",
                    "seeds": len(seeds),
                    "mean of seeds": f"{np.mean(seeds):.4f}" if len(seeds) > 1 else "",
                    "device": device(record) if record else "",
                    "verdict": verdict(record, claim, not other_set, test_set),
                }
            )
    order = sorted(range(len(rows)), key=lambda k: (rows[k]["table"] == "ours", rows[k]["table"]))
    return pd.DataFrame([rows[k] for k in order])


def paper_report(paper: str, profile: str, results_dir: Path) -> str:
    """Text of a paper's tables and of where our numbers come from."""
    lines = [
        f"Paper {paper}, {profile} profile. Accuracy with 95 % Wilson interval; epochs trained of the recipe's."
    ]
    for name, table in result_table(paper, results_dir).groupby("table", sort=False):
        lines += ["", name, table.drop(columns="table").to_string(index=False)]
    if paper == "compact":  # no paper: goals in place of published numbers
        from fer_helpers import goals  # here, because it uses this module

        lines += [
            "",
            "Goals, set before the runs",
            goals.table(results_dir).fillna("").to_string(index=False),
        ]
        lines += ["", "Factors of the recipe", goals.ablation(results_dir).to_string(index=False)]
    tests = paired_tests(paper, results_dir)
    if not tests.empty:
        lines += ["", "Claims about pairs, on PrivateTest (exact McNemar test, p adjusted by Holm)"]
        lines.append(tests.to_string(index=False))
    lines += ["", "Records", runs_table(results_dir, paper).to_string(index=False)]
    return "\n".join(lines)


def pairs(paper: str, results_dir: Path | str | None = None) -> list[dict]:
    """The pairs of `COMPARISONS` in the paper's room of the study whose two runs (seed 0) are there, tested.

    Each has claim, first and second (names), records (of both), only_first and only_second (images that one alone has
    right), p (exact McNemar test on PrivateTest) and p_holm (adjusted for all pairs of the paper that are there).
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    found = []
    for claim, *names in study.PAPERS[paper].COMPARISONS:
        files = [records.path(folder, f"{paper}/{name}", 0) for name in names]
        runs = [records.read(file) for file in files if file.exists()]
        if len(runs) < 2 or not all(PRIVATE_TEST in run["metrics"] for run in runs):
            continue
        a, b = (metrics.right(run["metrics"][PRIVATE_TEST]) for run in runs)
        only = {"only_first": int((a & ~b).sum()), "only_second": int((b & ~a).sum())}
        pair = {"claim": claim, "first": names[0], "second": names[1], "records": runs}
        found.append(pair | only | {"p": metrics.mcnemar(a, b)})
    adjusted = metrics.holm([pair["p"] for pair in found])
    return [pair | {"p_holm": p} for pair, p in zip(found, adjusted, strict=True)]


def paired_tests(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """What `pairs` finds, as a table to read.

    Runs that stopped at an epoch limit take part and are marked with their epochs.
    """
    rows = []
    for pair in pairs(paper, results_dir):
        accuracy = [round(run["metrics"][PRIVATE_TEST]["accuracy"], 4) for run in pair["records"]]
        unfinished = [
            f"{name} {run['epochs']['done']} of {run['epochs']['recipe']} epochs"
            for name, run in zip((pair["first"], pair["second"]), pair["records"], strict=True)
            if run["epochs"]["stopped_by"] == "limit"
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


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, without the columns that are empty throughout."""
    table = table.astype(str)
    table = table.loc[:, (table != "").any()]
    lines = [list(table), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_table(paper: str, results_dir: Path | str | None = None) -> str:
    """The paper's rows as reports/README.md shows them, in Markdown."""
    return markdown(result_table(paper, results_dir).drop(columns=PUBLIC_COLUMNS))


def accuracies(results_dir: Path, paper: str = "*") -> pd.DataFrame:
    """Test accuracy of every scored record, for `plots.accuracies`: name, accuracy, low, high and published (or NaN).

    It is the one on PrivateTest, or on both test splits as one where the paper reports that.
    """
    numbers = published.load()
    rows = []
    for record in records.find(results_dir, paper):
        if PRIVATE_TEST not in record["metrics"] or record["experiment"] not in study.EXPERIMENTS:
            continue
        experiment = study.get(record["experiment"])
        table, row = next(iter(experiment.rows), ("", ""))
        claim, _, test_set = _test_claim(_claims(numbers, experiment.paper, table, row))
        test_set = test_set if test_set in record["metrics"] else PRIVATE_TEST
        scores, epochs = record["metrics"][test_set], record["epochs"]
        name = experiment.title + (f", seed {record['seed']}" if len(experiment.seeds) > 1 else "")
        if epochs["stopped_by"] == "limit":
            name += f", {epochs['done']} of {epochs['recipe']} epochs"
        claim = np.nan if claim is None else claim
        rows.append((textwrap.fill(name, 36), scores["accuracy"], *scores["interval"], claim))
    return pd.DataFrame(rows, columns=["name", "accuracy", "low", "high", "published"])


def runs_table(results_dir: Path | str, paper: str = "*") -> pd.DataFrame:
    """The run records in `results_dir`, one line a run."""
    rows = [
        {
            "experiment": r["experiment"],
            "seed": r["seed"],
            "data": r["dataset"]["name"],
            "epochs": f"{r['epochs']['done']}/{r['epochs']['recipe']} ({r['epochs']['stopped_by']})",
            "best": r["epochs"]["best"],
            "minutes": round(r["seconds"] / 60, 1),
            "precision": r["device"]["precision"],
            "commit": (r["commit"] or "unknown")[:10],
        }
        for r in records.find(results_dir, paper)
    ]
    names = ["experiment", "seed", "data", "epochs", "best", "minutes", "precision", "commit"]
    return pd.DataFrame(rows, columns=names)


def summary(results_dir: Path) -> pd.DataFrame:
    """Every accuracy of every record in `results_dir`, one row each."""
    names = ["experiment", "profile", "seed", "test_set", "n", "accuracy", "low", "high", "macro_recall"]
    names += ["parameters", "epochs", "stopped_by", "commit"]
    rows = []
    for record in records.find(results_dir):
        run = [record["experiment"], record["profile"], record["seed"]]
        code = [
            record["parameters"]["total"],
            record["epochs"]["done"],
            record["epochs"]["stopped_by"],
            record["commit"],
        ]
        for split, scores in record["metrics"].items():
            numbers = [scores["accuracy"], *scores["interval"], scores["macro_recall"]]
            rows.append([*run, split, scores["n"], *(round(number, 6) for number in numbers), *code])
    return pd.DataFrame(rows, columns=names)


def write_summary(results_dir: Path) -> pd.DataFrame:
    """Write the summary of a results folder as `summary.csv` into it, and return it."""
    table = summary(results_dir)
    with paths.atomic_write(results_dir / "summary.csv") as temporary:
        table.to_csv(temporary, index=False)
    return table

"""From records to tables and the report page.

Every number of ours comes from a record, every other one from data/published.csv.
"""

from pathlib import Path

import jinja2
import nbformat
import numpy as np
import pandas as pd

from fer_helpers import metrics, paths, published, records, study
from fer_helpers.errors import FerError
from fer_helpers.labels import MERGED, PRIVATE_TEST, PUBLIC_TEST

TEMPLATE = Path(__file__).with_name("report_template.html")


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


def _claims(numbers: pd.DataFrame, paper: str, table: str, row: str) -> dict[str, float]:
    """Published accuracies of a row of a table: test set -> accuracy; a set that is inferred ends in "unstated"."""
    wanted = pd.Series({"paper": paper, "table": table, "row": row, "metric": "accuracy"})
    found = numbers[(numbers[wanted.index] == wanted).all(axis=1)]
    inferred = ~found["test_set"].str.endswith("unstated") & found["note"].str.contains("do not state")
    return dict(zip(found["test_set"] + np.where(inferred, ", unstated", ""), found["value"], strict=True))


def _printed(claim: float | None) -> str:
    return "" if claim is None else f"{claim:.4f}"


def _test_claim(claims: dict[str, float]) -> tuple[float | None, bool, str]:
    """The published test accuracy, whether the paper names its test set, and which of ours it is compared with."""
    for name, test_set in ((PRIVATE_TEST, PRIVATE_TEST), ("merged 7178", MERGED)):
        if name in claims:
            return claims[name], True, test_set
        if f"{name}, unstated" in claims:
            return claims[f"{name}, unstated"], False, test_set
    unstated = (
        value
        for name, value in claims.items()
        if name.endswith("unstated") and not name.startswith("validation")
    )
    return next(unstated, None), False, PRIVATE_TEST


def result_table(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """Published accuracies of a paper beside ours from the records in `results_dir` (default: the committed full ones).

    One row for each row of each table that an experiment of the study answers, then our variants. A row "as coded" has
    the slip of the authors' code, the row without these words the network that the paper describes. A published test
    accuracy is one on PrivateTest unless "set unstated" stands beside it. "merged" is PublicTest and PrivateTest as
    one, where neither selects. Raises FerError when the study has no such paper.
    """
    if paper not in study.PAPERS:
        raise FerError(f"The study has no paper called {paper!r}. The papers are: {', '.join(study.PAPERS)}.")
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
            r for (name, _), r in found.items() if name == experiment.id and PRIVATE_TEST in r["metrics"]
        ]
        for table, row in experiment.rows or (("ours", experiment.title),):
            claims = _claims(numbers, paper, table, row)
            claim, same_set, test_set = _test_claim(claims)
            rows.append(
                {
                    "table": table,
                    "row": f"{row}, {experiment.variant}" if experiment.variant else row,
                    "published PublicTest": _printed(claims.get(PUBLIC_TEST)),
                    "our PublicTest": with_interval(scores.get(PUBLIC_TEST)),
                    "published test": _printed(claim)
                    + ("" if same_set or claim is None else ", set unstated"),
                    "our merged": with_interval(scores.get(MERGED)),
                    "our PrivateTest": with_interval(scores.get(PRIVATE_TEST)),
                    "our clean PrivateTest": with_interval(scores.get(f"{PRIVATE_TEST} clean")),
                    "epochs": f"{record['epochs']['done']} of {record['epochs']['recipe']}" if record else "",
                    "seeds": len(seeds),
                    "verdict": verdict(record, claim, same_set, test_set),
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
    tests = paired_tests(paper, results_dir)
    if not tests.empty:
        lines += ["", "Claims about pairs, on PrivateTest (exact McNemar test, p adjusted by Holm)"]
        lines.append(tests.to_string(index=False))
    lines += ["", "Records", runs_table(results_dir, paper).to_string(index=False)]
    return "\n".join(lines)


def paired_tests(paper: str, results_dir: Path | str | None = None) -> pd.DataFrame:
    """The paper's claims about pairs (`COMPARISONS` in its room of the study), tested on the images of PrivateTest.

    One row a pair whose two runs are there (seed 0): accuracies, on how many images only one is right, the exact
    McNemar p-value, and the same adjusted for all rows (Holm). Runs that stopped at an epoch limit take part and are
    marked with their epochs.
    """
    folder = Path(results_dir or paths.REPORTS / "full")
    rows = []
    for claim, *pair in study.PAPERS[paper].COMPARISONS:
        files = [records.path(folder, f"{paper}/{name}", 0) for name in pair]
        found = [records.read(file) for file in files if file.exists()]
        if len(found) < 2 or not all(PRIVATE_TEST in record["metrics"] for record in found):
            continue
        a, b = (metrics.right(record["metrics"][PRIVATE_TEST]) for record in found)
        unfinished = [
            f"{name} {record['epochs']['done']} of {record['epochs']['recipe']} epochs"
            for name, record in zip(pair, found, strict=True)
            if record["epochs"]["stopped_by"] == "limit"
        ]
        rows.append(
            {
                "claim": claim,
                "first": pair[0],
                "second": pair[1],
                "accuracy of the first": round(found[0]["metrics"][PRIVATE_TEST]["accuracy"], 4),
                "of the second": round(found[1]["metrics"][PRIVATE_TEST]["accuracy"], 4),
                "only the first is right": int((a & ~b).sum()),
                "only the second": int((b & ~a).sum()),
                "p": metrics.mcnemar(a, b),
                "unfinished": "; ".join(unfinished),
            }
        )
    table = pd.DataFrame(rows)
    if rows:
        table.insert(8, "p, Holm", [f"{p:.3g}" for p in metrics.holm(table["p"])])
        table["p"] = [f"{p:.3g}" for p in table["p"]]
    return table


def markdown_table(paper: str, results_dir: Path | str | None = None) -> str:
    """The paper's rows as README.md shows them, in Markdown."""
    table = result_table(paper, results_dir)
    merged = ["our merged"] if any(table["our merged"]) else []
    columns = [
        "table",
        "row",
        "published test",
        *merged,
        "our PrivateTest",
        "our clean PrivateTest",
        "verdict",
    ]
    lines = [columns, ["---"] * len(columns), *table[columns].astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def accuracies(results_dir: Path) -> pd.DataFrame:
    """PrivateTest accuracy of every scored record: name, accuracy, low, high, and published (NaN for a variant)."""
    numbers = published.load()
    rows = []
    for record in records.find(results_dir):
        if PRIVATE_TEST not in record["metrics"]:
            continue
        scores = record["metrics"][PRIVATE_TEST]
        experiment = study.get(record["experiment"])
        table, row = next(iter(experiment.rows), ("", ""))
        claim = _claims(numbers, experiment.paper, table, row).get(PRIVATE_TEST, float("nan"))
        name = f"{experiment.title}, seed {record['seed']}"
        rows.append((name, scores["accuracy"], *scores["interval"], claim))
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


def card(notebook_path: Path) -> dict:
    """What the report shows of an executed notebook: title, sentence, minutes, key figure and key numbers.

    The cells are tagged `key-figure` and `key-numbers`; the first one of each counts.
    """
    notebook = nbformat.read(notebook_path, as_version=4)
    lines = notebook.cells[0].source.strip().splitlines()
    seconds = notebook.metadata.get("papermill", {}).get("duration")
    figure = numbers = ""
    is_html = False
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                continue
            data = output.get("data", {})
            if "key-figure" in tags and not figure and "image/png" in data:
                figure = data["image/png"]
            if "key-numbers" in tags and not numbers:
                is_html = "text/html" in data
                numbers = data.get("text/html") or data.get("text/plain") or output.get("text", "")
    return {
        "name": notebook_path.stem,
        "title": lines[0].lstrip("# ").replace("`", ""),
        "sentence": next((line for line in lines[1:] if line.strip()), ""),
        "minutes": f"{seconds / 60:.1f}" if seconds else "?",
        "figure": figure,
        "numbers": numbers,
        "numbers_are_html": is_html,
    }


def write_index(profile: str, results_dir: Path) -> Path:
    """Write `index.html` and `summary.csv` into `results_dir` and return the path of the page."""
    results_dir = Path(results_dir)
    cards = [card(path) for path in sorted(results_dir.glob("notebooks/[0-9]*.ipynb"))]
    full = results_dir if profile == "full" else None
    table = summary(results_dir)
    with paths.atomic_write(results_dir / "summary.csv") as temporary:
        table.to_csv(temporary, index=False)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        profile=profile,
        cards=cards,
        papers={paper: result_table(paper, full).to_dict("records") for paper in study.PAPERS},
        summary=table.to_dict("records"),
        runs=list(records.find(results_dir)),
        commit=records.current_commit() or "unknown",
    )
    with paths.atomic_write(results_dir / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return results_dir / "index.html"

"""The run records of a folder, one line a run or one line an accuracy."""

from pathlib import Path

import pandas as pd

from fer_helpers import paths, records


def device(record: dict) -> str:
    """What a run was made on, in a few words; "" where its record does not say."""
    if not (made_on := record.get("device")):
        return ""
    processor = made_on["gpu"] or f"{made_on['cores']} CPU cores"
    return f"{processor}, {made_on['precision'].removeprefix('mixed_')}"


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

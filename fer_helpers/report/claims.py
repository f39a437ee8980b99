"""What became of each conclusion of the five papers: one table, every figure from a record."""

from pathlib import Path

import pandas as pd

from fer_helpers import paths, study
from fer_helpers.report import papers
from fer_helpers.report.conclusions import CONCLUSIONS


def table(results_dir: Path | str | None = None, paper: str | None = None) -> pd.DataFrame:
    """One row a conclusion, judged by the records in `results_dir` (default: the committed full ones).

    Columns: paper, place (section or table), claim (in our words), measured, verdict ("held", "did not hold", "cannot
    be told" or "not run yet") and why. Differences are in percentage points, accuracies on PrivateTest unless said
    otherwise. A run that stopped at an epoch limit decides nothing. `paper`: only this one's conclusions.
    """
    if paper:
        papers.check_paper(paper)
    folder = Path(results_dir or paths.REPORTS / "full")
    rows = []
    for key in [paper] if paper else CONCLUSIONS:
        for conclusion in CONCLUSIONS.get(key, ()):
            found = conclusion.evidence(folder)
            why = "; ".join(filter(None, (found.why, conclusion.note)))
            rows.append((key, conclusion.place, conclusion.claim, found.measured, found.verdict, why))
    return pd.DataFrame(rows, columns=["paper", "place", "claim", "measured", "verdict", "why"])


def markdown(judged: pd.DataFrame) -> str:
    """The table as reports/README.md shows it."""
    return papers.markdown(judged.assign(measured=judged["measured"].str.replace("; ", "<br>")))


def text(results_dir: Path | str | None = None, paper: str | None = None) -> str:
    """The table as the command line prints it: a paragraph a conclusion."""
    lines = []
    for row in table(results_dir, paper).itertuples():
        lines += [f"{row.paper}, {row.place}: {row.claim}", f"    {row.verdict.upper()}"]
        lines += [f"    {part}" for part in (row.measured, row.why) if part]
    return "\n".join(lines)


def count(judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """How many conclusions of each paper held, in `table` unless given: papers as rows, verdicts as columns."""
    judged = table() if judged is None else judged
    found = pd.crosstab(judged["paper"], judged["verdict"])
    return found.reindex(
        index=[paper for paper in study.PAPERS if paper in found.index],
        columns=["held", "did not hold", "cannot be told", "not run yet"],
        fill_value=0,
    )

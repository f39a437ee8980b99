"""The page that `make reports` ends with: index.html, made of records, conclusions and executed notebooks."""

import base64
import io
from pathlib import Path

import jinja2
import matplotlib.pyplot as plt
import nbformat
import pandas as pd

from fer_helpers import paths, plots, records, study
from fer_helpers.report import claims, papers, runs

TEMPLATE = Path(__file__).with_name("page.html")
SIGNS = {
    "held": "✓",
    "did not hold": "✗",
    "cannot be told": "?",
    "not run yet": "–",
}  # readable without colours


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


def figure(paper: str, results_dir: Path | None = None) -> str:
    """The paper's accuracies with their intervals beside the published ones, as PNG (base64); "" without a run."""
    table = papers.accuracies(results_dir or paths.REPORTS / "full", paper)
    if table.empty:
        return ""
    plots.use_style()
    drawn, buffer = plots.accuracies(table), io.BytesIO()
    drawn.savefig(buffer, dpi=110)
    plt.close(drawn)
    return base64.b64encode(buffer.getvalue()).decode()


def write_index(profile: str, results_dir: Path) -> Path:
    """Write `index.html` and `summary.csv` into `results_dir` and return the path of the page.

    The tables of the papers and what became of their conclusions come from the full profile: from `results_dir` where
    it holds that, else from the committed records.
    """
    results_dir = Path(results_dir)
    cards = [card(path) for path in sorted(results_dir.glob("notebooks/[0-9]*.ipynb"))]
    full = results_dir if profile == "full" else None
    table = runs.write_summary(results_dir)
    conclusions = claims.table(full)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        profile=profile,
        cards=cards,
        papers={paper: _rows(papers.result_table(paper, full)) for paper in study.PAPERS},
        figures={paper: figure(paper, full) for paper in study.PAPERS},
        titles={paper: papers.title(paper) for paper in study.PAPERS},
        claims={paper: rows.to_dict("records") for paper, rows in conclusions.groupby("paper", sort=False)},
        verdicts=conclusions["verdict"].value_counts().to_dict(),
        signs=SIGNS,
        summary=table.to_dict("records"),
        runs=list(records.find(results_dir)),
        commit=records.current_commit() or "unknown",
    )
    with paths.atomic_write(results_dir / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return results_dir / "index.html"


def _rows(table: pd.DataFrame) -> list[dict]:
    """Rows of a table of results without the columns that are empty throughout."""
    table = table.drop(columns=papers.PUBLIC_COLUMNS)
    return table.loc[:, (table.astype(str) != "").any()].to_dict("records")

"""reports/README.md: its tables stand between markers and are written from the records, its texts by hand."""

import re
from pathlib import Path

from fer_helpers import goals, paths, study
from fer_helpers.errors import FerError
from fer_helpers.report import claims, papers, runs

AFTER_PAPERS = "## Conclusions of the papers"  # a paper without a section gets one before this heading


def path() -> Path:
    """The file in the work tree."""
    return paths.REPORTS / "README.md"


def tables() -> dict[str, str]:
    """Marker -> table in Markdown: one a paper, the conclusions, and how many of them held."""
    found = {
        paper: papers.markdown(papers.result_table(paper).drop(columns=papers.PUBLIC_COLUMNS))
        for paper in study.PAPERS
    }
    found["compact"] = papers.markdown(goals.table().astype(object).fillna(""))  # no paper: goals
    found["ablation"] = papers.markdown(goals.ablation())
    judged = claims.table()
    counts = claims.count(judged).rename_axis(columns=None).reset_index()
    return found | {"verdicts": papers.markdown(counts), "conclusions": claims.markdown(judged)}


def filled(text: str) -> str:
    """The text with today's tables between its markers. Raises FerError where a marker is missing."""
    for name, table in tables().items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if name in study.PAPERS and begin not in text and AFTER_PAPERS in text:
            section = f"### {name}: {papers.title(name)}\n\n{begin}\n{end}\n\n"
            text = text.replace(AFTER_PAPERS, section + AFTER_PAPERS)
        if begin not in text or end not in text:
            raise FerError(f"{path()} lacks the lines {begin} and {end}: put them where the table belongs.")
        inside = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.S)
        text = inside.sub(lambda _, table=table: table + "\n", text)
    return text


def stale() -> list[str]:
    """The committed files that say something else than the committed records."""
    text, summary = path().read_text(encoding="utf-8"), paths.REPORTS / "full" / "summary.csv"
    fresh = {
        path(): filled(text) == text,
        summary: summary.read_text(encoding="utf-8") == runs.summary(summary.parent).to_csv(index=False),
    }
    return [str(file.relative_to(paths.ROOT)) for file, is_fresh in fresh.items() if not is_fresh]


def write() -> Path:
    """Write the tables and summary.csv from the committed records; returns the file with the tables."""
    runs.write_summary(paths.REPORTS / "full")
    text = filled(path().read_text(encoding="utf-8"))
    with paths.atomic_write(path()) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path()

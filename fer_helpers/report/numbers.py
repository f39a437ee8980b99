"""Has every number in our texts a record? Looks through README.md, reports/README.md, model cards and notebooks.

What is looked at: decimals below 1 with two to four digits (.5991, 0.60) and numbers with a thousands comma (3,589),
outside of code. A decimal must equal, at its own precision,

- in the READMEs: a test accuracy (of a run, or the mean over seeds), a published accuracy or a p-value of a paper that
  the paragraph or its heading names (`uvic_cnn`; a network or experiment counts as its paper), or of any paper where
  none is named; or a number of a measurement that it names (`measure peers`);
- in a sentence of a notebook: the same, or a number in one of its outputs. Exercises and questions invent numbers and
  are left out.

A number with a comma, which is looked at in the READMEs, must be a count of a record, a measurement or published.csv.
CONSTANTS lists the few that come from elsewhere. Tables between markers are compared whole (`readme`), cards entry by
entry. Whole numbers below 1,000, percentages, numbers with a sign and differences in points are not looked at.
"""

import functools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from fer_helpers import labels, measurements, paired, paths, published, records, study
from fer_helpers.report import papers, readme

NUMBER = re.compile(r"(?<![\w.,/:^+-])(?:0?\.\d{2,4}|\d{1,3}(?:,\d{3})+)(?![\w%^]|[.,]\d|/\d)")
WEIGHTS = Path(__file__).parents[1] / "weights"

# number -> where it comes from
CONSTANTS = {
    ".143": "one of seven classes",
    ".245": "879 of PrivateTest's 3,589 images are happy",
    ".236": "118 of the 500 embedded test images are happy",
    ".174": "1/16 + 1/9, notebook 05",
    ".153": "gain of a vote in notebook 12, the difference of two printed accuracies",
    ".015": "the same with common answers",
    ".326": "small_facekit on FER2013, `measure across`",
}


def problems() -> list[str]:
    """Every number without a record, as "file:line: number", and every stale file or card."""
    found = [f"{name} is stale: python -m fer_helpers report --write" for name in readme.stale()]
    for path in (paths.ROOT / "README.md", readme.path()):
        found += in_text(path.read_text(encoding="utf-8"), path.relative_to(paths.ROOT))
    for path in sorted(WEIGHTS.glob("*.json")):
        found += in_card(json.loads(path.read_text(encoding="utf-8")), path.name)
    for path in sorted(paths.NOTEBOOKS.rglob("[0-9][0-9]_*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            found += in_notebook(nbformat.read(path, as_version=4), path.relative_to(paths.ROOT))
    return found


def in_text(text: str, name: Path | str) -> list[str]:
    """Numbers without a record in a Markdown text whose generated tables stand between markers."""
    blank = lambda match: "\n" * match.group().count("\n")  # noqa: E731 (keeps the numbers of the lines)
    text = re.sub(r"<!-- begin .*?<!-- end .*?-->|```.*?```", blank, text, flags=re.S)
    found, heading, line = [], "", 1
    for block in re.split(r"(?<=\n)(?=\n|[-|#] |\d+\. )", text):
        heading = block if block.lstrip().startswith("#") else heading
        known = decimals(_papers(block) or _papers(heading)) | _measured(block)
        found += [f"{name}:{line + n}: {number}" for n, number in _numbers(block) if not _has(number, known)]
        line += block.count("\n")
    return found


def in_card(card: dict, name: str) -> list[str]:
    """Entries of a model card that differ from the run record which it names."""
    path = records.path(paths.REPORTS / "full", card["experiment"], card["seed"])
    if not path.exists():
        return [f"{name}: no record {path.name}"]
    record = records.read(path)
    scores = record["metrics"]
    pairs = [(card["parameters"], record["parameters"]["total"]), (card["epochs"], record["epochs"])]
    pairs += [(value, scores.get(split, {}).get("accuracy")) for split, value in card["accuracy"].items()]
    pairs += [(n, scores.get(split, {}).get("n")) for split, n in card["n"].items()]
    return [f"{name}: {ours}, the record says {true}" for ours, true in pairs if ours != true]


def in_notebook(notebook: nbformat.NotebookNode, name: Path | str) -> list[str]:
    """Numbers in a notebook's sentences that neither an output nor a record has."""
    known = set(decimals(_papers("\n".join(cell.source for cell in notebook.cells))))
    outputs = "\n".join(_shown(cell) for cell in notebook.cells if cell.cell_type == "code")
    printed = [float(number) for number in re.findall(r"(?<![\w.])\d*\.\d+(?:e[-+]\d+)?", outputs)]
    known |= {*printed, *(number / 100 for number in printed)}  # 24.5 % is .245
    found = []
    for k, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            sentences = re.split(r"^(?:\*\*\d+\.\*\*|## Questions)", cell.source, flags=re.M)[0]
            numbers = [number for _, number in _numbers(sentences) if "," not in number]
            found += [f"{name}, cell {k}: {number}" for number in numbers if not _has(number, known)]
    return found


def decimals(keys: Iterable[str]) -> frozenset[float]:
    """What a decimal in a text on these papers may be; none: in one on all."""
    return frozenset().union(*map(_decimals_of, keys or study.PAPERS))


@functools.cache
def _decimals_of(paper: str) -> frozenset[float]:
    """Accuracies, published and ours, with the means over seeds, and p-values."""
    numbers = published.load().query("metric != 'parameters' and paper == @paper")
    found = set(numbers["value"])
    for record in records.find(paths.REPORTS / "full", paper):
        found |= {
            scores["accuracy"]
            for split, scores in record["metrics"].items()
            if split.startswith((labels.PRIVATE_TEST, labels.MERGED))
        }
    found |= {float(mean.split()[0]) for mean in papers.result_table(paper)["mean of seeds"] if mean}
    return frozenset(found | {pair[key] for pair in paired.declared(paper) for key in ("p", "p_holm")})


@functools.cache
def counts() -> frozenset[int]:
    """What a number with a thousands comma may be: images and parameters of records, measurements and papers."""
    found = set(published.load()["value"])
    for record in records.find(paths.REPORTS / "full"):
        found |= {*record["parameters"].values(), *record["dataset"]["rows"].values()}
        found |= {scores["n"] for scores in record["metrics"].values()}
    for name in measurements.MEASUREMENTS:
        if measurements.path(name, paths.REPORTS / "full").exists():
            table = measurements.read(name).select_dtypes("number")
            found |= set(table.to_numpy().ravel())
    return frozenset(int(number) for number in found if number == number and number == int(number))


def _has(number: str, known: Iterable[float]) -> bool:
    if number in CONSTANTS:
        return True
    if "," in number:
        return int(number.replace(",", "")) in counts()
    digits = len(number.split(".")[1])
    return any(abs(value - float(number)) <= 0.5 * 10**-digits + 1e-9 for value in known)


def _numbers(text: str) -> Iterator[tuple[int, str]]:
    """Line (from 0) and text of each number outside of code and links."""
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+|doi \S+|arXiv \S+", lambda m: " " * len(m.group()), text)
    for match in NUMBER.finditer(text):
        yield text[: match.start()].count("\n"), match.group()


def _papers(text: str) -> frozenset[str]:
    """Papers that a text names, by their key, an experiment or a network that comes with the course."""
    names = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^#+ (\w+):", text, re.M)
    cards = {path.stem: json.loads(path.read_text())["experiment"] for path in WEIGHTS.glob("*.json")}
    return frozenset(study.PAPERS) & {cards.get(name, name).split("/")[0] for name in names}


def _measured(text: str) -> frozenset[float]:
    """Every number of the measurements that a text names, as in `measure peers`."""
    names = set(re.findall(r"`measure (\w+)`", text)) & set(measurements.MEASUREMENTS)
    tables = [measurements.read(name).select_dtypes("number") for name in names]
    return frozenset(float(number) for table in tables for number in table.to_numpy().ravel())


def _shown(cell: nbformat.NotebookNode) -> str:
    """Text of a code cell's outputs."""
    outputs = cell.get("outputs", [])
    data = [output.get("data", {}) for output in outputs]
    html = [re.sub(r"<[^>]+>", " ", each.get("text/html", "")) for each in data]
    return "\n".join([*(o.get("text", "") for o in outputs), *(d.get("text/plain", "") for d in data), *html])

"""The one form in which a notebook is stored, and the writing rules that a machine can check.

    python tools/notebooks.py fix   [FILE or FOLDER ...]   execute in the quick profile, then store
    python tools/notebooks.py check [FILE or FOLDER ...]   name every broken rule, with its cell
    python tools/notebooks.py errors FOLDER                say where executed notebooks failed

A stored notebook keeps its outputs: a reader sees them on a code host, and nbval compares them. Cells are
numbered from 1, headings and text included.
"""

import argparse
import ast
import base64
import copy
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
IGNORED = {"nbval-ignore-output", "nbval-skip"}  # tags of cells whose output nbval does not compare
MAX_CELL_LINES, MAX_KB, MAX_AVERAGE_KB, MIN_COMPARED = 15, 400, 150, 0.60
CODE_CELLS, CODE_LINES, QUESTIONS = (15, 35), (120, 250), (5, 8)

BARELY_COLOURED = 12  # difference of red, green and blue up to which a pixel is grey

Problems = Iterator[tuple[int, str]]  # cell (0: the notebook as a whole), message
RULES: list[tuple[Callable, str]] = []


def rule(scope: str) -> Callable:
    """Register a rule: "all" notebooks, "course" (not the solutions), or "lesson" (not 00 and 90 either)."""
    return lambda function: RULES.append((function, scope)) or function


def scopes(path: Path) -> set[str]:
    """Which rules hold for a notebook, by where it lies and how it is called."""
    if path.parent.name == "solutions":
        return {"all"}
    return {"all", "course"} | (set() if path.name.startswith(("00_", "90_")) else {"lesson"})


# Canonical form --------------------------------------------------------------------------------------


def canonical(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Copy without noise: fixed metadata, cell metadata reduced to tags and alternative text, no stderr.

    Tables keep their HTML without line breaks and style.
    """
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").splitlines())
        cell.metadata = {"tags": sorted(cell.metadata["tags"])} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in (o for o in cell.outputs if "data" in o):
                output.metadata = {}
                if "text/html" in output.data:  # pandas writes a line a cell of a table, JSON adds to each
                    html = re.sub(r"<style scoped>.*?</style>", "", output.data["text/html"], flags=re.S)
                    output.data["text/html"] = re.sub(r">\s+<", "><", html)
            if pictures(cell):  # nbconvert writes it as the picture's alternative text
                cell.metadata["alt"] = reading_sentence(notebook.cells, number)
    return notebook


def small_png(encoded: str) -> str:
    """The PNG (base64) in 32 greys, or in 64 greys and 64 colours; as it is where that is not smaller.

    In a grid of faces nobody misses the other greys. A smooth wall behind coloured boxes would show steps with 32.
    """
    stored = base64.b64decode(encoded)
    picture, buffer = Image.open(io.BytesIO(stored)).convert("RGB"), io.BytesIO()
    pixels = np.asarray(picture)
    coloured = pixels[np.ptp(pixels, axis=-1) > BARELY_COLOURED]
    if len(coloured):
        colours = Image.fromarray(coloured[np.newaxis]).quantize(64, method=Image.Quantize.FASTOCTREE)
        greys = np.rint(np.linspace(0, 255, 64)).astype(int).repeat(3)
        palette = Image.new("P", (1, 1))
        palette.putpalette([*greys.tolist(), *colours.getpalette()[: 3 * 64]])
        small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    else:  # not as a palette: neighbouring greys differ little, of which PNG makes use
        small = picture.convert("L").point(lambda grey: round(round(grey / 255 * 31) * 255 / 31))
    small.save(buffer, "PNG", optimize=True)
    return base64.b64encode(min(stored, buffer.getvalue(), key=len)).decode()


def reading_sentence(cells: list, number: int) -> str:
    """First sentence of the text after a cell, without markup: what its figure shows."""
    following = cells[number + 1] if number + 1 < len(cells) else None
    if following is None or following.cell_type != "markdown":
        return ""
    paragraph = following.source.strip().split("\n\n")[0].replace("\n", " ")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", paragraph)
    return re.split(r"(?<=[.!?]) ", plain)[0]


def as_text(notebook: nbformat.NotebookNode) -> str:
    """The exact text of the stored file: sorted keys, one newline at the end."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def pictures(cell: nbformat.NotebookNode) -> bool:
    """Whether a code cell shows a picture."""
    return any(mime.startswith("image/") for output in cell.outputs for mime in output.get("data", {}))


def code_cells(notebook: nbformat.NotebookNode) -> list[tuple[int, nbformat.NotebookNode]]:
    """Number and cell of every code cell."""
    return [(n, cell) for n, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code"]


def section(notebook: nbformat.NotebookNode, heading: str) -> str:
    """Text under the first heading that contains a word, up to the next heading; "" where there is none."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(rf"^#+ [^\n]*{heading}[^\n]*\n(.*?)(?=^#+ |\Z)", text, re.I | re.M | re.S)
    return found.group(1) if found else ""


# Rules: form -----------------------------------------------------------------------------------------


@rule("all")
def no_stored_error(notebook: nbformat.NotebookNode) -> Problems:
    """A stored error stops the pipeline."""
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield number, f"stores an error ({output.ename}: {output.evalue}): repair the cell"


@rule("all")
def executed_in_order(notebook: nbformat.NotebookNode) -> Problems:
    """Execution counts are 1, 2, 3 ...: nbval compares no cell that has none."""
    for expected, (number, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != expected:
            yield (
                number,
                f"has count {cell.execution_count} instead of {expected}: execute from a fresh kernel",
            )


@rule("all")
def plain_python(notebook: nbformat.NotebookNode) -> Problems:
    """No shell, magic or widget cells: they fail elsewhere, or show nothing in a report."""
    for number, cell in code_cells(notebook):
        if re.search(r"^\s*[!%]", cell.source, re.M) or "get_ipython" in cell.source:
            yield number, "has a shell or magic line: write plain Python"
        if "ipywidgets" in cell.source or any(
            "widget" in mime for o in cell.outputs for mime in o.get("data", {})
        ):
            yield number, "has a widget, which no report shows: let the reader change a value and run again"


@rule("all")
def short_cells(notebook: nbformat.NotebookNode) -> Problems:
    """One idea per code cell."""
    for number, cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if not 1 <= lines <= MAX_CELL_LINES:
            yield number, f"has {lines} lines of code: one idea a cell, 1 to {MAX_CELL_LINES} lines"


@rule("all")
def small_file(notebook: nbformat.NotebookNode) -> Problems:
    """A code host shows small notebooks only."""
    size = len(as_text(notebook)) // 1000
    if size > MAX_KB:
        yield 0, f"has {size} kB, {MAX_KB} kB at most: fewer or smaller figures, lower dpi"


@rule("all")
def no_private_paths(notebook: nbformat.NotebookNode) -> Problems:
    """An output that names a folder of the author's machine differs on every other one."""
    for number, cell in code_cells(notebook):
        texts = [o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in cell.outputs]
        if re.search(r"/(root|home|tmp|Users)/|[A-Z]:\\", "".join(texts)):
            yield number, "prints a folder of this machine: print the file's name only"


@rule("all")
def enough_is_compared(notebook: nbformat.NotebookNode) -> Problems:
    """Nobody makes nbval pass by ignoring."""
    cells = [cell for _, cell in code_cells(notebook)]
    compared = [c for c in cells if c.execution_count and not IGNORED & set(c.metadata.get("tags", []))]
    if len(compared) < MIN_COMPARED * len(cells):
        yield 0, f"nbval compares {len(compared)} of {len(cells)} code cells: {MIN_COMPARED:.0%} are wanted"


@rule("all")
def described_pictures(notebook: nbformat.NotebookNode) -> Problems:
    """Pictures embedded in the text have alternative text."""
    for number, cell in enumerate(notebook.cells, start=1):
        html = re.findall(r"<img\b[^>]*>", cell.source) if cell.cell_type == "markdown" else []
        if html and not all(re.search(r"\balt=.\w", tag) for tag in html) or "![](" in cell.source:
            yield number, "embeds a picture without alternative text"


# Rules: writing --------------------------------------------------------------------------------------


@rule("course")
def has_parameters(notebook: nbformat.NotebookNode) -> Problems:
    """One cell that papermill overwrites; its defaults are the quick ones, because nbval injects none."""
    tagged = [(n, c) for n, c in code_cells(notebook) if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield 0, f'has {len(tagged)} cells tagged "parameters" instead of one'
    for number, cell in tagged:
        defined = {
            t.id: s.value for s in ast.parse(cell.source).body if isinstance(s, ast.Assign) for t in s.targets
        }
        for name in {"PROFILE", "SEED", "RESULTS_DIR"} - set(defined):
            yield number, f"does not define {name}"
        if "PROFILE" in defined and getattr(defined["PROFILE"], "value", None) != "quick":
            yield number, 'PROFILE is not "quick"'


@rule("course")
def opens_well(notebook: nbformat.NotebookNode) -> Problems:
    """The first cell says what, how long, and what the reader will do."""
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield 1, 'is not a text with a title ("# ...")'
    if not re.search(r"\d+ min", first.source):
        yield 1, "does not say how many minutes the notebook takes"
    if not re.search(r"you will\b.*\n\s*[-*] ", first.source, re.I | re.S):
        yield 1, 'has no "you will" list'


@rule("course")
def figures_are_read(notebook: nbformat.NotebookNode) -> Problems:
    """A sentence before a figure says what will be done, a sentence after says what is seen."""
    cells = notebook.cells
    for number, cell in code_cells(notebook):
        if pictures(cell) and cells[number - 2].cell_type != "markdown":
            yield number, "shows a figure without a text before it that says what is drawn"
        if pictures(cell) and not reading_sentence(cells, number - 1):
            yield number, "shows a figure without a sentence after it that reads it"


@rule("lesson")
def has_exercises(notebook: nbformat.NotebookNode) -> Problems:
    """Exercises answer to checks.q<notebook>_<number>."""
    if not any(re.search(r"\bchecks\.q\d+_\d+\(", cell.source) for _, cell in code_cells(notebook)):
        yield 0, "has no exercise: no cell calls checks.q01_1(answer) or the like"


@rule("lesson")
def closes_well(notebook: nbformat.NotebookNode) -> Problems:
    """Recap, questions and further work."""
    for heading in ("Recap", "Questions", "Further work"):
        if not section(notebook, heading).strip():
            yield 0, f'has no section "{heading}"'
    questions = len(re.findall(r"^\d+\. ", section(notebook, "Questions"), re.M))
    if section(notebook, "Questions") and not QUESTIONS[0] <= questions <= QUESTIONS[1]:
        yield 0, f"has {questions} numbered questions: {QUESTIONS[0]} to {QUESTIONS[1]} are wanted"


@rule("lesson")
def right_size(notebook: nbformat.NotebookNode) -> Problems:
    """A lesson is one sitting."""
    cells = [cell for _, cell in code_cells(notebook)]
    lines = sum(len(cell.source.splitlines()) for cell in cells)
    for count, (low, high), what in (
        (len(cells), CODE_CELLS, "code cells"),
        (lines, CODE_LINES, "code lines"),
    ):
        if not low <= count <= high:
            yield 0, f"advice: has {count} {what}: {low} to {high} read well"


# Commands --------------------------------------------------------------------------------------------


def check(path: Path) -> list[str]:
    """Every broken rule of one notebook, as "name:cell: message"; a message with "advice:" is no failure."""
    notebook = nbformat.read(path, as_version=4)
    problems = [p for function, scope in RULES if scope in scopes(path) for p in function(notebook)]
    if path.read_text(encoding="utf-8") != as_text(canonical(notebook)):
        problems.append((0, f"is not in the stored form: python tools/notebooks.py fix {path.name}"))
    return [f"{path.name}:{number or '-'}: {message}" for number, message in problems]


def check_all(paths: list[Path]) -> list[str]:
    """Broken rules of all notebooks, and of the collection."""
    problems = [problem for path in paths for problem in check(path)]
    sizes = [path.stat().st_size // 1000 for path in paths if "course" in scopes(path)]
    if sizes and sum(sizes) / len(sizes) > MAX_AVERAGE_KB:
        problems.append(f"all: {sum(sizes) // len(sizes)} kB on average, {MAX_AVERAGE_KB} kB at most")
    return problems


def fix(path: Path) -> None:
    """Execute a notebook from a fresh kernel and an empty results folder, and store it in canonical form."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as results:
        folders = {"FER_RESULTS_DIR": results, "FER_DATA_DIR": f"{results}/none", "PYTHONPATH": str(ROOT)}
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
        ).execute(env=os.environ | folders)
    for _, cell in code_cells(notebook):
        for output in (o for o in cell.outputs if "image/png" in o.get("data", {})):
            output.data["image/png"] = small_png(output.data["image/png"])
    path.write_text(as_text(canonical(notebook)), encoding="utf-8")


def errors(folder: Path) -> list[str]:
    """Cell and error of every executed notebook in a folder that failed."""
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        added = {"injected-parameters", "papermill-error-cell-tag"}  # cells that the source does not have
        notebook.cells = [c for c in notebook.cells if not added & set(c.metadata.get("tags", []))]
        for number, message in no_stored_error(notebook):
            found.append(f"{path.name}:{number}: {message}\n    executed copy: {path}")
    return found


def find(paths: list[Path]) -> list[Path]:
    """The notebooks named, and all in the folders named, in order."""
    found = [file for path in paths for file in (sorted(path.rglob("*.ipynb")) if path.is_dir() else [path])]
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def main() -> int:
    """Run a command; 1 where a rule is broken."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("command", choices=["fix", "check", "errors"])
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "notebooks"])
    arguments = parser.parse_args()
    if arguments.command == "errors":
        print(*(line for folder in arguments.paths for line in errors(folder)), sep="\n")
        return 0
    paths = find(arguments.paths)
    for path in paths if arguments.command == "fix" else []:
        print(f"executing {path.name}", flush=True)
        fix(path)
    problems = check_all(paths)
    broken = [problem for problem in problems if ": advice: " not in problem]
    print(*problems, f"{len(paths)} notebooks, {len(broken)} broken rules", sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

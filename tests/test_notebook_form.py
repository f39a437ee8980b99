"""Form of the notebooks: every rule finds its bad example, the course keeps them, nbval really compares."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from PIL import Image

import notebooks as form  # tools/notebooks.py
from fer_helpers import paths

BAD = Path(__file__).parent / "notebooks_bad"
RULES = {function.__name__: function for function, _ in form.RULES}
EXAMPLES = sorted(path.stem for path in BAD.glob("*.ipynb") if path.stem in RULES)


def failures(path: Path) -> list[str]:
    return [problem for problem in form.check(path) if ": advice: " not in problem]


def test_a_good_notebook_passes():
    assert failures(BAD / "good.ipynb") == []


def test_every_rule_has_a_bad_example_or_a_test_of_its_own():
    assert set(RULES) - set(EXAMPLES) == {"small_file", "right_size"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_bad_example_breaks_its_rule_and_no_other(name):
    notebook = nbformat.read(BAD / f"{name}.ipynb", as_version=4)
    broken = {other for other, function in RULES.items() if list(function(notebook))} - {"right_size"}
    assert broken == {name}
    assert len(failures(BAD / f"{name}.ipynb")) == len(list(RULES[name](notebook)))


def test_a_message_names_notebook_and_cell():
    assert failures(BAD / "short_cells.ipynb") == [
        "short_cells.ipynb:4: has 16 lines of code: one idea a cell, 1 to 15 lines"
    ]


def test_noise_is_reported_and_removed():
    assert any("not in the stored form" in problem for problem in failures(BAD / "stored_form.ipynb"))
    noisy = nbformat.read(BAD / "stored_form.ipynb", as_version=4)
    text = form.as_text(form.canonical(noisy))
    assert text == (BAD / "good.ipynb").read_text(encoding="utf-8")
    assert form.as_text(form.canonical(nbformat.reads(text, as_version=4))) == text


def test_size_is_limited(tmp_path):
    notebook = nbformat.read(BAD / "good.ipynb", as_version=4)
    notebook.cells[2].source = "We count. " * 50_000
    assert [number for number, _ in form.small_file(notebook)] == [0]
    for name in ("01_a", "02_b"):
        notebook.cells[2].source = "We count. " * 20_000
        (tmp_path / f"{name}.ipynb").write_text(form.as_text(notebook), encoding="utf-8")
    assert any("on average" in problem for problem in form.check_all(form.find([tmp_path])))


def test_a_lesson_of_odd_size_is_advised_only():
    advice = [problem for problem in form.check(BAD / "good.ipynb") if ": advice: " in problem]
    assert len(advice) == 2


def test_the_sentence_after_a_figure_becomes_its_alternative_text():
    notebook = nbformat.read(BAD / "good.ipynb", as_version=4)
    assert [cell.metadata.alt for cell in notebook.cells if "alt" in cell.metadata] == [
        "The picture is grey."
    ]


def stored(pixels: np.ndarray) -> tuple[np.ndarray, int, int]:
    """What a picture (h, w, 3) uint8 looks like when it is stored, and its sizes before and after."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    small = base64.b64decode(form.small_png(base64.b64encode(buffer.getvalue()).decode()))
    return np.asarray(Image.open(io.BytesIO(small)).convert("RGB")), len(buffer.getvalue()), len(small)


def test_stored_figures_are_small_and_keep_greys_and_colours():
    noise = np.random.default_rng(0).normal(0, 10, (96, 96))
    face = np.clip(np.linspace(0, 255, 96) + noise, 0, 255).astype("uint8")[..., np.newaxis].repeat(3, -1)
    again, before, after = stored(face)
    assert after < 0.7 * before and np.abs(again.astype(int) - face).max() <= 5
    chart = face.copy()  # a face with lines in seven colours on it
    colours = np.array(sns.color_palette("colorblind", 7)) * 255
    for k, colour in enumerate(colours.round().astype("uint8")):
        chart[10 * k : 10 * k + 2] = colour
    again, before, after = stored(chart)
    assert after < 0.7 * before and np.abs(again.astype(int) - chart).max() <= 8


def test_tables_are_stored_without_line_breaks():
    notebook = nbformat.read(BAD / "good.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    table = pd.DataFrame({"a b": ["two words"]})
    data = {"text/html": table._repr_html_(), "text/plain": str(table)}
    cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    canonical = form.canonical(notebook)
    cell = next(cell for cell in canonical.cells if cell.cell_type == "code")
    html = cell.outputs[0].data["text/html"]
    assert "\n" not in html and "<style" not in html and "<td>two words</td>" in html
    tags = re.findall(r"<[^>]*>", data["text/html"].replace("<style scoped>", "").replace("</style>", ""))
    assert re.findall(r"<[^>]*>", html) == tags


def test_the_course_keeps_the_rules():
    broken = [
        problem for problem in form.check_all(form.find([paths.NOTEBOOKS])) if ": advice: " not in problem
    ]
    assert broken == []


# nbval -----------------------------------------------------------------------------------------------


def nbval(path: Path) -> subprocess.CompletedProcess:
    """Run nbval on a notebook as `make nbval` does."""
    options = ["-p", "conftest", "--nbval", "--nbval-current-env", "-c", str(paths.ROOT / "pyproject.toml")]
    options += ["--nbval-sanitize-with", str(paths.ROOT / "tests/nbval_sanitize.cfg"), str(path)]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT / "tests"), "PYTHONWARNINGS": ""}
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True)


def executed(path: Path, *sources: str) -> Path:
    """Store an executed notebook with these code cells, as `fix` does."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path.write_text(form.as_text(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    form.fix(path)
    return path


def test_nbval_compares_what_is_printed_and_nothing_else(tmp_path):
    path = executed(
        tmp_path / "count.ipynb",
        "import sys, time\nprint('faces:', 28709)",
        "print(f'{time.time() % 7:.3f} s, {object()}')\nprint(time.time(), file=sys.stderr)",
    )
    same = nbval(path)
    assert same.returncode == 0 and "2 passed" in same.stdout, same.stdout

    text = path.read_text(encoding="utf-8")
    assert text.count("28709\\n") == 1
    path.write_text(text.replace("28709\\n", "28708\\n"), encoding="utf-8")
    changed = nbval(path)
    assert changed.returncode == 1
    assert re.search(r"1 failed, 1 passed", changed.stdout)
    assert "28708" in changed.stdout and "28709" in changed.stdout

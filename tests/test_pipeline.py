"""The pipeline as `make reports` runs it: real snakemake, empty results folder."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from fer_helpers import checkpoints, paths, records, study

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parent / "notebooks_bad"
PARAMETERS = 'PROFILE = "full"\nSEED = 1\nRESULTS_DIR = None'  # what the pipeline must overwrite


def snakemake(folder: Path, *arguments: str, profile: str = "local") -> subprocess.CompletedProcess:
    """Run the Snakefile with its bookkeeping and its results in `folder`, and no real data."""
    (folder / "no-data").mkdir(exist_ok=True)
    environment = os.environ | {
        "FER_RESULTS_DIR": str(folder / "results"),
        "FER_DATA_DIR": str(folder / "no-data"),
        "PYTHONPATH": str(paths.ROOT),
    }
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(paths.ROOT / "Snakefile")]
    command += ["--workflow-profile", str(paths.ROOT / "profiles" / profile), "--directory", str(folder)]
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)


@pytest.fixture
def tiny(tmp_path) -> Path:
    """Folder of a course of three notebooks: one prints its parameters, one fails, one comes last."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    cells = [
        nbformat.v4.new_markdown_cell("# Prints"),
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print(PROFILE, SEED)"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, str(folder / "01_prints.ipynb"))
    nbformat.write(notebook, str(folder / "90_results.ipynb"))
    shutil.copy(EXAMPLES / "pipeline_failure.ipynb", folder / "02_fails.ipynb")
    return folder


def test_a_failing_notebook_fails_the_build_says_where_and_is_kept(tiny, tmp_path):
    results = tmp_path / "results" / "notebooks"
    done = snakemake(tmp_path, "all_notebooks", "--config", f"notebooks={tiny}", "seed=5")
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "02_fails.ipynb:4: stores an error (ValueError: the sixth network has no layers)" in output, output
    assert [path.name for path in results.glob("*.html")] == ["01_prints.html"]  # 90_results waits for all
    failed = nbformat.read(str(results / "02_fails.ipynb"), as_version=4)
    printed = [o.text for cell in failed.cells for o in cell.get("outputs", []) if o.output_type == "stream"]
    assert printed == ["this cell runs, in profile quick\n"]

    executed = nbformat.read(str(results / "01_prints.ipynb"), as_version=4)
    assert executed.cells[-1].outputs[0].text == "quick 5\n"

    (tiny / "02_fails.ipynb").unlink()
    again = snakemake(tmp_path, "all_notebooks", "--config", f"notebooks={tiny}", "seed=5")
    assert again.returncode == 0, again.stderr
    assert [line.split("/")[-1] for line in again.stderr.splitlines() if "Input Notebook" in line] == [
        "90_results.ipynb"
    ]


def test_an_existing_full_record_is_never_trained_again(tiny, tmp_path):
    planned = study.planned()
    runs = tmp_path / "results" / "runs"
    for experiment, seed in planned:
        record = runs / f"{experiment}-seed{seed}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("{}", encoding="utf-8")
        os.utime(record, (1e9, 1e9))  # older than all code and data
    dry_run = ("-n", "all_notebooks", "--config", "profile=full", f"notebooks={tiny}")
    complete = snakemake(tmp_path, *dry_run)
    assert complete.returncode == 0, complete.stderr
    assert "train" not in job_counts(complete)

    missing, seed = planned[0]
    (runs / f"{missing}-seed{seed}.json").unlink()
    for profile in ("local", "slurm"):
        one = snakemake(tmp_path, *dry_run, profile=profile)
        assert one.returncode == 0, one.stderr
        assert job_counts(one) == {"train": 1, "notebook": 3, "all_notebooks": 1, "total": 5}


def test_what_a_run_builds_on_is_trained_before_it(tiny, tmp_path):
    """The third phase needs the second, and that the first; a student needs its teacher. Existing ones are taken.

    Where only the record of one is here, and not its weights, what builds on it is left out and named.
    """
    runs = tmp_path / "results" / "runs"
    wanted = [
        runs / "data240" / "resnet50v2_weighted-seed0.json",
        runs / "compact" / "net_60k_distilled-seed0.json",
    ]
    how = ("--config", "profile=full", f"notebooks={tiny}")
    done = snakemake(tmp_path, "-n", *map(str, wanted), *how)
    assert done.returncode == 0, done.stderr
    assert job_counts(done) == {"train": 5, "total": 5}
    weights = []
    for name in ("data240/resnet50v2", "compact/net_200k"):
        shutil.copytree(paths.REPORTS / "full" / "runs" / name.split("/")[0], runs / name.split("/")[0])
        weights.append(checkpoints.of(records.read(runs / f"{name}-seed0.json")))
        weights[-1].parent.mkdir(parents=True, exist_ok=True)
        weights[-1].touch()
    for record in wanted:
        record.unlink()
    assert job_counts(snakemake(tmp_path, "-n", *map(str, wanted), *how)) == {"train": 2, "total": 2}
    weights[-1].unlink()
    said = snakemake(tmp_path, "-n", str(wanted[0]), *how).stderr
    assert (
        "Left out: compact/net_60k_distilled seed 0, because the weights of compact/net_200k are not" in said
    )
    assert "Left out: data240" not in said and "Left out: ljmu/reference_gan seed 0, because" in said


def test_an_unknown_profile_is_refused(tmp_path):
    done = snakemake(tmp_path, "-n", "--config", "profile=fast")
    assert done.returncode != 0 and "there are two profiles, quick and full" in done.stdout + done.stderr


def job_counts(done: subprocess.CompletedProcess) -> dict[str, int]:
    """The table "Job stats" of a dry run."""
    rows = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    return {
        row[0]: int(row[1])
        for row in rows
        if len(row) == 2 and row[1].isdigit() and row[0].replace("_", "").isalpha()
    }


def test_the_whole_course_from_an_empty_folder(tmp_path):
    """Every notebook runs, trains what it needs, and is listed; nothing lands in the work tree."""
    names = sorted(path.stem for path in paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    done = snakemake(tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-6000:]
    results = tmp_path / "results"
    page = (results / "index.html").read_text(encoding="utf-8")
    for name in names:
        assert f"{name}.html" in page
        assert (results / "notebooks" / f"{name}.html").stat().st_size > 10_000
        executed = nbformat.read(str(results / "notebooks" / f"{name}.ipynb"), as_version=4)
        code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
        assert all(cell.execution_count for cell in code), name
    records = list((results / "runs").rglob("*.json"))
    assert records, "no notebook has trained anything"
    with open(results / "summary.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) >= len(records)

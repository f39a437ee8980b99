"""From handmade records to verdicts, tables and the page."""

import dataclasses
import types

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_helpers import metrics, paths, records, report, study
from fer_helpers.errors import FerError
from fer_helpers.labels import MERGED
from fer_helpers.report import page, papers, readme

CLAIM = 0.5642  # uvic_cnn, Table 1, Medium
STOPPED = {"done": 10, "recipe": 60, "stopped_by": "limit"}


def scores(correct: int, n: int = 3589) -> dict:
    interval = list(metrics.wilson_interval(correct, n))
    return {"n": n, "correct": correct, "accuracy": correct / n, "interval": interval, "macro_recall": 0.5}


def record(experiment: str = "uvic_cnn/medium_n", correct: int = 2025, **changes) -> dict:
    return {
        "format": 1,
        "experiment": experiment,
        "paper": "uvic_cnn",
        "profile": "full",
        "seed": 0,
        "key": "k",
        "dataset": {"name": "fer2013", "fingerprint": "f1ngerpr1nt0"},
        "parameters": {"total": 2_440_615},
        "epochs": {"done": 60, "limit": 60, "recipe": 60, "best": 41, "stopped_by": "recipe"},
        "history": {},
        "seconds": 1200.0,
        "device": {"processor": "Some <CPU>", "cores": 2, "gpu": None, "precision": "float32"},
        "versions": {"python": "3.11", "keras": "3.15", "backend": "jax 0.10"},
        "commit": "0123456789abcdef",
        "metrics": {
            "PublicTest": scores(2000),
            "PrivateTest": scores(correct),
            "PrivateTest clean": scores(1800, 3252),
        },
    } | changes


def write(folder, *all_records: dict) -> None:
    for r in all_records:
        records.write(records.path(folder, r["experiment"], r["seed"]), r, {})


@pytest.mark.parametrize(
    ("ours", "claim", "expected"),
    [
        (record(correct=2025), CLAIM, "reproduced"),
        (record(correct=2025), 2025 / 3589, "reproduced"),
        (record(correct=2200), CLAIM, "better"),
        (record(correct=1800), CLAIM, "worse"),
        (record(), None, "not in the paper"),
        (None, CLAIM, "not run yet"),
        (record(metrics={}), CLAIM, "not run yet"),
        (
            record(epochs=STOPPED),
            CLAIM,
            "no reproduction: 10 of 60 epochs",
        ),
        (record(epochs={"done": 55, "recipe": 60, "stopped_by": "patience"}), CLAIM, "reproduced"),
        (record(profile="quick"), CLAIM, "no reproduction: quick profile"),
        (
            record(built_on=[{"experiment": "p/start", "epochs": STOPPED, "built_on": []}]),
            CLAIM,
            "no reproduction: 10 of 60 epochs of p/start",
        ),
    ],
)
def test_verdict(ours, claim, expected):
    assert papers.verdict(ours, papers.Claim(claim)) == expected


def test_a_paper_that_does_not_name_its_test_set_is_not_reproduced(tmp_path):
    write(tmp_path, record("ucf_keypoints/gap", paper="ucf_keypoints", correct=2960))
    table = report.result_table("ucf_keypoints", tmp_path).set_index("row")
    row = table.loc["No key-point GAP"]
    assert (row["published test"], row["verdict"]) == ("0.8000, set unstated", "higher")
    assert list(table.index).count("Key-point GAP, policy keep") == 1
    assert papers.verdict(record(correct=2025), papers.Claim(0.9, "set unstated")) == "lower"
    assert papers.verdict(record(correct=2025), papers.Claim(0.5642, "set unstated")) == "in the interval"


def test_paired_tests_from_stored_records(tmp_path):
    """Two runs that differ on 100 images: one is right there, the other is not."""
    truth = np.arange(3589) % 7
    right = np.eye(7)[truth]
    worse = right.copy()
    worse[:100] = np.eye(7)[(truth[:100] + 1) % 7]
    for name, probabilities in (("medium_n_a", right), ("medium_n", worse)):
        scored = {"PrivateTest": metrics.summarise(truth, probabilities)}
        write(tmp_path, record(f"uvic_cnn/{name}", metrics=scored))
    table = report.paired_tests("uvic_cnn", tmp_path)
    assert list(table["claim"]) == ["augmentation helps (Medium)"]  # the other pairs have not run
    row = table.iloc[0]
    assert (row["only the first is right"], row["only the second"]) == (100, 0)
    assert (row["accuracy of the first"], row["of the second"]) == (1.0, round(3489 / 3589, 4))
    assert float(row["p"]) == pytest.approx(2 * 0.5**100, rel=0.01) and row["p"] == row["p, Holm"]
    assert "augmentation helps (Medium)" in papers.text("uvic_cnn", "full", tmp_path)


def test_result_table_sets_published_beside_ours(tmp_path, monkeypatch):
    variant = study.Experiment(
        "uvic_cnn/ours", "Our variant", (), "fer2013", "uvic_cnn.medium", (), (), study.uvic_cnn.UVIC
    )
    monkeypatch.setitem(study.EXPERIMENTS, variant.id, variant)
    seeds = (record(seed=1, correct=2035), record(seed=2, correct=2015))
    write(tmp_path, record(), *seeds, record(seed=3, correct=0, epochs=STOPPED), record("uvic_cnn/ours"))
    table = report.result_table("uvic_cnn", tmp_path).set_index(["table", "row"])
    medium = table.loc[("Table 2", "Medium+N")]
    assert (medium["published PublicTest"], medium["published test"]) == ("0.5580", "0.5642")
    assert medium["our PrivateTest"] == "0.5642 [0.548, 0.580]"
    assert medium["our clean PrivateTest"].startswith("0.5535 ")
    assert (medium["epochs"], medium["seeds"], medium["verdict"]) == ("60 of 60", 4, "reproduced")
    half = (
        4.3027 * 10 / 3589 / 3**0.5
    )  # t with two degrees of freedom; the run that stopped early is no seed more
    assert medium["mean of seeds"] == f"0.5642 [{CLAIM - half:.3f}, {CLAIM + half:.3f}]"
    missing = table.loc[("Table 2", "Medium+N+A")]
    assert (missing["our PrivateTest"], missing["seeds"], missing["verdict"]) == ("", 0, "not run yet")
    assert table.index[-1] == ("ours", "Our variant")
    assert table.iloc[-1]["verdict"] == "not in the paper" and table.iloc[-1]["published test"] == ""


def test_the_default_are_the_committed_full_records(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "REPORTS", tmp_path)
    monkeypatch.setenv("FER_RESULTS_DIR", str(tmp_path / "quick"))
    write(tmp_path / "quick", record(profile="quick", correct=3000))
    write(tmp_path / "full", record())
    table = report.result_table("uvic_cnn").set_index("row")
    assert table.loc["Medium", "our PrivateTest"].startswith("0.5642")


def test_the_text_prints_both_tables_and_the_runs(tmp_path):
    write(tmp_path, record())
    text = papers.text("uvic_cnn", "full", tmp_path)
    for part in (
        "Table 1",
        "Table 2",
        "Medium+N+A",
        "0.5642",
        "reproduced",
        "60/60 (recipe)",
        "0123456789 ",
    ):
        assert part in text + " ", text
    assert "nan" not in text.lower()
    with pytest.raises(FerError, match="no paper called 'nonsense'.*uvic_cnn"):
        papers.text("nonsense", "full", tmp_path)
    assert report.runs_table(tmp_path / "nowhere").empty


def executed_notebook(path, numbers: nbformat.NotebookNode) -> None:
    v4 = nbformat.v4
    picture = v4.new_output("display_data", {"image/png": "UE5H"})
    cells = [
        v4.new_markdown_cell("# Depth <b>& width\n\nOne sentence <script>."),
        v4.new_code_cell("figure", outputs=[picture], metadata={"tags": ["key-figure"]}),
        v4.new_code_cell("numbers", outputs=[numbers], metadata={"tags": ["key-numbers"]}),
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(v4.new_notebook(cells=cells, metadata={"papermill": {"duration": 90.0}}), path)


def test_write_index_makes_the_page_and_the_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "REPORTS", tmp_path / "none")
    table = nbformat.v4.new_output("execute_result", {"text/html": "<table>key</table>", "text/plain": "key"})
    executed_notebook(tmp_path / "notebooks" / "03_depth.ipynb", table)
    executed_notebook(
        tmp_path / "notebooks" / "04_text.ipynb", nbformat.v4.new_output("stream", text="<b> 5 < 6")
    )
    write(tmp_path, record(profile="quick", commit=None))
    text = page.write_index("quick", tmp_path).read_text(encoding="utf-8")
    for part in (
        '<a href="notebooks/03_depth.html">Depth &lt;b&gt;&amp; width</a>',
        "took 1.5 minutes",
        "One sentence &lt;script&gt;.",
        'src="data:image/png;base64,UE5H"',
        '<div class="scroll"><table>key</table></div>',
        "<pre>&lt;b&gt; 5 &lt; 6</pre>",  # printed text is text, whatever it begins with
        "Medium+N+A",
        "not run yet",
        "<code>f1ngerpr1nt0</code>",
        "Some &lt;CPU&gt;, 2 cores, no GPU, float32",
        "<code>unknown</code>",
    ):
        assert part in text, part
    assert "<script>" not in text and ">nan<" not in text

    summary = pd.read_csv(tmp_path / "summary.csv")
    columns = "experiment,profile,seed,test_set,n,accuracy,low,high,macro_recall,parameters,epochs,stopped_by,commit"
    assert ",".join(summary.columns) == columns
    assert list(summary["test_set"]) == ["PublicTest", "PrivateTest", "PrivateTest clean"]
    assert summary["accuracy"][1] == pytest.approx(2025 / 3589, abs=1e-6)


def test_write_index_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "REPORTS", tmp_path / "none")
    assert "No run yet." in page.write_index("full", tmp_path / "new").read_text(encoding="utf-8")


def test_the_page_of_full_runs_shows_their_own_folder(tmp_path):
    write(tmp_path, record())
    assert "0.5642 [0.548, 0.580]" in page.write_index("full", tmp_path).read_text(encoding="utf-8")


def test_a_network_with_the_slip_of_the_code_says_so(tmp_path):
    write(tmp_path, record("uvic_cnn/medium_n_a_columns", 2260))
    table = report.result_table("uvic_cnn", tmp_path).set_index("row")
    assert table.loc["Medium + A, as coded", "verdict"] == "reproduced"  # .6297 and the published .6313
    assert table.loc["Medium + A", "verdict"] == "not run yet"


def test_accuracies_are_means_and_name_the_published_one(tmp_path):
    write(tmp_path, record(correct=2020), record(seed=1, correct=2030), record(seed=2, metrics={}))
    write(tmp_path, record("uvic_cnn/deep_n", epochs=STOPPED))
    table = report.accuracies(tmp_path).set_index("name")
    assert list(table.index) == ["Medium+N, mean of 2 seeds", "Deep+N, 10 of 60 epochs"]  # one is unscored
    row = table.loc["Medium+N, mean of 2 seeds"]
    assert row["published"] == CLAIM and row["accuracy"] == pytest.approx(2025 / 3589)
    assert (row["low"], row["high"]) == metrics.wilson_interval(2025, 3589)


def test_a_claim_on_both_test_sets_is_held_against_both(tmp_path):
    both = papers.Claim(0.3, "", MERGED)
    merged = record(metrics={"PrivateTest": scores(3000), MERGED: scores(2100, 7178)})
    assert papers.verdict(merged, both) == "reproduced"
    assert (
        papers.verdict(record(correct=1077), both) == "reproduced"
    )  # no such set on other data: PrivateTest


def test_a_new_paper_and_its_runs_need_no_new_code(tmp_path, monkeypatch):
    """What somebody adds tomorrow: a room of the study, declared experiments, a first record."""
    room = types.ModuleType("room", "Experiments of tomorrow: networks of another paper. And more.")
    entry = dataclasses.replace(study.get("uvic_cnn/medium_n"), id="tomorrow/first", title="First", rows=())
    room.COMPARISONS = (("the first is better", "first", "second"),)
    second = dataclasses.replace(entry, id="tomorrow/second", title="Second")
    monkeypatch.setitem(study.PAPERS, "tomorrow", room)
    for experiment in (entry, second):
        monkeypatch.setitem(study.EXPERIMENTS, experiment.id, experiment)
    write(tmp_path / "full", record("tomorrow/first", paper="tomorrow"), record("tomorrow/gone"))

    text = page.write_index("full", tmp_path / "full").read_text(encoding="utf-8")
    assert "tomorrow: networks of another paper" in text and "0.5642 [0.548, 0.580]" in text
    committed = readme.path().read_text(encoding="utf-8")
    monkeypatch.setattr(paths, "REPORTS", tmp_path)
    filled = readme.filled(committed)
    row = "| ours | First | 0.5642 [0.548, 0.580] |"
    assert committed.count("### ") + 1 == filled.count("### ") and row in filled
    assert filled.index(row) < filled.index(readme.AFTER_PAPERS) and readme.filled(filled) == filled
    with pytest.raises(FerError, match="<!-- begin conclusions -->"):
        readme.filled(committed.replace("<!-- begin conclusions -->", ""))


def test_the_committed_tables_show_the_committed_records():
    """reports/README.md and summary.csv come from the records; after a new run, write both again."""
    assert readme.stale() == [], "python -m fer_helpers report --write"

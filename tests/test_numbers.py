"""Every number in the committed texts has a record; a changed one is found."""

import json

import nbformat
import pytest
from typer.testing import CliRunner

from fer_helpers import cli, paths
from fer_helpers.errors import FerError
from fer_helpers.report import numbers, readme


def test_every_number_has_a_record():
    """To mend: `python -m fer_helpers report --write` for a stale table, else correct the number in its text."""
    assert numbers.problems() == []


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Augmentation helps (`uvic_cnn`: .558 without, .599 with).", []),
        ("Augmentation helps (`uvic_cnn`: .558 without, .601 with).", []),  # printed in Table 2
        ("Augmentation helps (`uvic_cnn`: .558 without, .009 with).", [".009"]),
        (
            "Augmentation helps (`ucf_keypoints`: .558 without, .599 with).",
            [".558", ".599"],
        ),  # another paper's
        ("Medium reaches .5964 on average (`uvic_cnn`).", []),  # mean of three seeds
        ("PublicTest and PrivateTest as one: .5836 (`ljmu`).", []),
        ("PublicTest alone: .5807 (`ljmu`).", [".5807"]),
        ("`small_fer2013` has .581.", []),  # a network counts as its paper
        ("A vote has .688 (`measure ensembles`).", []),
        ("A vote has .788 (`measure ensembles`).", [".788"]),
        ("### uvic_cnn: depth\n\nMedium has .5578 and not .0578.", [".0578"]),
        ("There are 3,589 images, not 3,588, and 2,440,615 parameters.", ["3,588"]),
        ("`x = .009`, 10.009, https://doi.org/10.1177/.009 and .6 are no results.", []),
    ],
)
def test_sentences(sentence, found):
    assert [each.split(": ")[1] for each in numbers.in_text(sentence, "text")] == found


def test_a_changed_number_in_the_readme_is_found():
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    line = text[: text.index(".558 without")].count("\n") + 1
    assert numbers.in_text(text.replace(".558 without", ".009 without"), "README.md") == [
        f"README.md:{line}: .009"
    ]


def test_a_changed_table_is_written_again():
    text = readme.path().read_text(encoding="utf-8")
    changed = text.replace("0.5991 [0.583, 0.615]", "0.6091 [0.583, 0.615]", 1)
    assert changed != text and readme.filled(changed) == readme.filled(text)


def test_a_changed_card_is_found():
    card = json.loads((numbers.WEIGHTS / "small_fer2013.json").read_text(encoding="utf-8"))
    assert numbers.in_card(card, "card") == []
    card["accuracy"]["PrivateTest"] += 0.01
    card["parameters"] += 1
    assert len(numbers.in_card(card, "card")) == 2
    assert numbers.in_card(card | {"seed": 77}, "card") == ["card: no record gap_fer2013-seed77.json"]


def test_a_notebook_may_quote_its_outputs_and_invent_in_exercises():
    v4 = nbformat.v4
    output = v4.new_output("stream", text="accuracy 0.43219, 24.5 % of the images\n")
    cells = [
        v4.new_code_cell("score", outputs=[output]),
        v4.new_markdown_cell(
            "It has .4322, and .245 are happy; guessing has .143. Not .0091.\n\n**1.** Take .777."
        ),
    ]
    assert numbers.in_notebook(v4.new_notebook(cells=cells), "nb") == ["nb, cell 2: .0091"]


def test_the_command_fails_and_says_where(monkeypatch):
    run = CliRunner().invoke
    monkeypatch.setattr(numbers, "problems", lambda: ["README.md:7: .608"])
    failed = run(cli.app, ["report", "--check"])
    assert isinstance(failed.exception, FerError) and failed.output == "README.md:7: .608\n"
    monkeypatch.setattr(numbers, "problems", list)
    assert run(cli.app, ["report", "--check"]).exit_code == 0
    for arguments in ([], ["--write", "--check"], ["--paper", "uvic_cnn", "--check"]):
        assert isinstance(run(cli.app, ["report", *arguments]).exception, FerError)

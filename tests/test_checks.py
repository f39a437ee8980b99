"""The checks of the exercises never raise, whatever a student gives them."""

import re

import numpy as np
import pytest

from fer_helpers import checks, paths

ALL = {name: check for name, check in vars(checks).items() if re.fullmatch(r"q\d\d_\d+", name)}
ODD = [
    "",
    "text",
    [],
    [1, "two", None],
    {},
    float("nan"),
    float("inf"),
    -1,
    0,
    10**30,
    np.zeros(3),
    object(),
    print,
    1j,
]
RIGHT = {  # worked out by hand or known from FER2013's own counts
    "q00_4": 879 / 3589,
    "q00_5": "PublicTest",
    "q03_1": 51_264,
    "q03_2": 146_855,
    "q03_3": 0.25,
    "q04_1": 16_447.5,
    "q04_2": ((2, 1), (6, 0)),
    "q04_3": 122,
    "q04_4": 0.6225,
    "q04_5": 0.2065,
    "q05_1": 0.249,
    "q05_2": 72,
    "q05_3": 211_002,
    "q05_4": 5_444_152,
    "q06_1": 0.0542,
    "q06_2": -11.31,
    "q06_3": 3.81,
    "q06_4": 1_179_783,
    "q06_5": 0.51,
    "q07_1": 805_952,
    "q07_2": (29.6, 12.8),
    "q07_3": 0.1667,
    "q07_4": 0.436,
    "q07_5": True,
    "q08_1": 319_239,
    "q08_2": 170,
    "q08_3": 0.571,
    "q08_4": 24_555,
    "q08_5": True,
    "q09_1": 1_661_925,
    "q09_2": -1.75,
    "q09_3": 33.7,
    "q09_4": 0.143,
    "q09_5": 5,
    "q10_1": 2_098_176,
    "q10_2": 3.333,
    "q10_3": 113,
    "q10_4": 0.178,
    "q10_5": 0.5,
    "q11_1": 8_768,
    "q11_2": 2_654_208,
    "q11_3": 87.3,
    "q11_4": 0.00276,
    "q11_5": 7,
    "q12_1": ("happy", "angry"),
    "q12_2": 0.784,
    "q12_3": 0.7,
    "q12_4": 0.5,
    "q12_5": 0.4583,
    "q13_1": "disgust",
    "q13_2": 2270 / 3173,
    "q13_3": 157 / 309,
    "q13_4": 0.0078125,
    "q13_5": 0.747,
    "q14_1": 66.7,
    "q14_2": 142,
    "q14_3": 0.208,
    "q14_4": 0.538,
    "q14_5": 64,
    "q15_1": 14_592,
    "q15_2": 0.0625,
    "q15_3": 2 / 3,
    "q15_4": 0.4,
    "q15_5": 0.6985,
}


def verdict(capsys, name: str, answer: object) -> str:
    assert ALL[name](answer) is None
    (line,) = capsys.readouterr().out.splitlines()
    number = name[1:].split("_")[1]
    assert line.startswith(f"Exercise {number}: "), line
    return line.removeprefix(f"Exercise {number}: ")


@pytest.mark.parametrize("name", ALL)
def test_no_answer_and_odd_answers(capsys, name):
    for missing in (None, ...):
        assert verdict(capsys, name, missing) == "not answered yet."
    for answer in ODD:
        assert verdict(capsys, name, answer).startswith("Not yet: "), answer


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_is_right(capsys, name):
    assert verdict(capsys, name, RIGHT[name]) == "Right."


def test_every_exercise_of_the_notebooks_has_a_check_and_the_other_way_round():
    notebooks = [path for path in paths.NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    asked = {
        path.stem: set(re.findall(r"checks\.(q\w+)\(", path.read_text(encoding="utf-8")))
        for path in notebooks
    }
    assert set().union(*asked.values()), "no notebook asks anything"
    for notebook, names in asked.items():
        assert names <= set(ALL), notebook
        assert all(name[1:3] == notebook[:2] for name in names), notebook  # q03_1 belongs to notebook 03
    written = {stem[:2] for stem in asked}
    assert {name for name in ALL if name[1:3] in written} <= set().union(*asked.values())

"""The numbers that the five papers print, one a row, from `data/published.csv`.

Columns: paper, table, row, metric, value, test_set, note. Accuracies are fractions; "4.7 m" parameters are
4700000 and the note says how the paper prints them. `test_set` says what was measured on; where the paper is
silent, the note says how we know. Read the notes: some numbers are misprints or contradict each other, and
they stand here as printed. A row of a confusion matrix is named "true -> predicted".
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers.errors import FerError
from fer_helpers.paths import DATA


def load(path: Path | None = None) -> pd.DataFrame:
    """Give the whole table; `value` is a float, every other column text, empty where there is nothing to say.

    Raises FerError when the file is missing.
    """
    path = Path(path or DATA / "published.csv")
    if not path.is_file():
        raise FerError(f"{path} is missing, a part of the project: restore it with `git checkout -- data`.")
    return pd.read_csv(path, keep_default_na=False)


def value(paper: str, table: str, row: str, metric: str = "accuracy", test_set: str | None = None) -> float:
    """Give one printed number: `value("uvic_cnn", "Table 1", "Medium + A")` is 0.6313.

    `test_set` is needed only where a row has the metric for several. Raises FerError unless one row fits.
    """
    numbers = load()
    wanted = {"paper": paper, "table": table, "row": row, "metric": metric}
    if test_set is not None:
        wanted["test_set"] = test_set
    for column, text in wanted.items():
        numbers = numbers[numbers[column] == text]
    if len(numbers) != 1:
        raise FerError(f"{len(numbers)} rows of published.csv fit {wanted}; name exactly one of them.")
    return float(numbers["value"].iloc[0])


def confusion(paper: str, table: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Give a printed confusion matrix (int64, rows true, columns predicted) and its class names in order.

    Raises FerError when this table holds no confusion matrix.
    """
    numbers = load().query("paper == @paper and table == @table and metric == 'confusion'")
    if numbers.empty:
        raise FerError(f"published.csv has no confusion matrix {paper!r}, {table!r}; see its metric column.")
    classes = tuple(dict.fromkeys(cell.split(" -> ")[0] for cell in numbers["row"]))
    return numbers["value"].to_numpy(np.int64).reshape(len(classes), len(classes)), classes

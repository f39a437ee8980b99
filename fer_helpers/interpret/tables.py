"""Tables of the action-unit probe over many networks: does a network call a lowered brow and funnelled lips angry?"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fer_helpers import trained
from fer_helpers.interpret import action_unit_probe as probing


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """`action_unit_table` of each network at hand, named in the columns `net` and `trained_on`."""
    return _of_each(probing.action_unit_table, profile, results_dir)


def measure_interaction(profile: str, results_dir: Path) -> pd.DataFrame:
    """`interaction_table` of each network at hand, named in the columns `net` and `trained_on`."""
    return _of_each(probing.interaction_table, profile, results_dir)


def _of_each(table: Callable[[pd.DataFrame], pd.DataFrame], profile: str, results_dir: Path) -> pd.DataFrame:
    probe, tables = probing.read(), []
    for name, net in trained.at_hand(profile, results_dir).items():
        answers = probing.responses(net.net, net.prepare, classes=net.classes, probe=probe)
        tables.append(table(answers).assign(net=name, trained_on=net.trained_on))
    result = pd.concat(tables, ignore_index=True)
    return result[["net", "trained_on", *result.columns.drop(["net", "trained_on"])]]

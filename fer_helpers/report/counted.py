"""Evidence that is counted or printed: parameters, costs of networks, and what a paper's own tables say."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fer_helpers import paths, published
from fer_helpers.report.evidence import FAILED, HELD, OPEN, Judgement, both_readings, from_measurement, points

# Parameter counts ------------------------------------------------------------------------------------


def fewer(net: str, other: str, times: float = 1, what: str = "trainable") -> Callable:
    """Evidence: `net` has fewer parameters than `other`, at least `times` fewer; also for other costs (`what`)."""

    @from_measurement("complexity")
    def evidence(table: pd.DataFrame, folder: Path) -> Judgement:
        a, b = (table.set_index("net")[what][name] for name in (net, other))
        digits = ",.0f" if a > 100 else ".2f"
        measured = f"{a:{digits}} against {b:{digits}}: {b / a:.1f} times fewer"
        return Judgement(HELD if b > a * times else FAILED, measured)

    return evidence


@from_measurement("complexity")
def pooling_is_several_times_faster(table: pd.DataFrame, folder: Path) -> Judgement:
    """ucf_keypoints: "several" is taken as three."""
    rows = table.set_index("net")
    gap, dense = rows.loc["ucf_keypoints.gap"], rows.loc["ucf_keypoints.fully_connected"]
    ratio = dense["latency_ratio"] / gap["latency_ratio"]
    work = dense["multiply_adds"] / gap["multiply_adds"]
    measured = f"{ratio:.1f} times faster for one image, {work:.1f} times fewer multiply-adds"
    return Judgement(HELD if ratio >= 3 else FAILED, measured)


@from_measurement("complexity")
def size_of_dense_network(table: pd.DataFrame, folder: Path) -> Judgement:
    """ucf_keypoints: 99 MB are weights and two numbers of Adam for each."""
    row = table.set_index("net").loc["ucf_keypoints.fully_connected"]
    printed = published.value("ucf_keypoints", "Text", "Fully connected model", "megabytes")
    with_adam = 3 * 4 * row["trainable"] / 2**20
    measured = f"{row['megabytes']:.1f} MB of weights, {with_adam:.0f} MiB with Adam's two numbers a weight"
    why = f"the head was found from these {printed:.0f} MB, so they cannot speak for it"
    return Judgement(OPEN, measured, why)


@from_measurement("complexity")
def ratio_of_inception(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: InceptionV3 has 315 times the parameters of the simple CNN."""
    counts = table.set_index("net")["trainable"]
    inception, simple = counts["data240_ensemble.inception_v3"], counts["data240_ensemble.simple_cnn"]
    printed = published.value("data240", "InceptionV3", "InceptionV3 / simple CNN", "parameter_ratio")
    same = round(inception / simple) == printed
    return Judgement(HELD if same else FAILED, f"{inception:,} / {simple:,} = {inception / simple:.1f}")


@from_measurement("complexity")
def third_member_is_xception(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: with an Xception, top-3 would have nearly twice the parameters that are printed."""
    counts = table.set_index("net")["trainable"]
    printed = published.value("data240", "Ensemble result", "Top-3", "trainable_parameters")
    real, built = counts["data240_ensemble.top_3_real_xception"], counts["data240_ensemble.top_3"]
    measured = f"{real:,} parameters with an Xception, {built:,} with a CNN of "
    measured += f"{counts['data240_ensemble.called_xception']:,} in its place; printed {printed:,.0f}"
    return Judgement(HELD if printed == real else FAILED, measured)


@from_measurement("complexity")
def cnn_of_the_tables(table: pd.DataFrame, folder: Path) -> Judgement:
    """ljmu: the conclusion's count is that of the base CNN, the tables' that of the tuned one."""
    counts = table.set_index("net")["trainable"]
    concluded = published.value("ljmu", "Conclusion", "CNN", "parameters")
    in_table = published.value("ljmu", "Chosen augmentation", "CNN with Tuning", "trainable_parameters")
    measured = f"base CNN {counts['ljmu.base']:,}, CNN with tuning {counts['ljmu.tuned']:,}; "
    measured += f"the tables print {in_table:,.0f}"
    return Judgement(HELD if concluded == in_table else FAILED, measured)


def compact_networks(folder: Path) -> Judgement:
    """ljmu: is there a published package with fewer parameters that is at least as accurate?"""
    packages = pd.read_csv(paths.DATA / "packages.csv")
    beaten = []
    for row in ("CNN with Tuning", "Reference CNN", "MobileNetV2 transfer learning"):
        size = published.value("ljmu", "Chosen augmentation", row, "trainable_parameters")
        accuracy = published.value("ljmu", "Chosen augmentation", row, test_set="merged 7178")
        better = packages[(packages["parameters"] < size) & (packages["accuracy"] >= accuracy)]
        if len(better):
            best = better.loc[better["accuracy"].idxmax()]
            beaten.append(
                f"{row} {size:,.0f} parameters {accuracy:.4f}, {best['network']} of {best['package']} "
                f"{best['parameters']:,} {best['accuracy']:.4f}"
            )
    return Judgement(FAILED if beaten else HELD, "; ".join(beaten))


# Printed tables --------------------------------------------------------------------------------------


def both_heads_over_80(folder: Path) -> Judgement:
    """ucf_keypoints: what the paper's own Table 1 says of both heads, with and without key-points."""
    bar = published.value("ucf_keypoints", "Text", "GAP and fully connected, both models")
    numbers = published.load().query(
        "paper == 'ucf_keypoints' and table == 'Table 1' and metric == 'accuracy'"
    )
    printed = ", ".join(f"{row} {value:.2f}" for row, value in numbers[["row", "value"]].to_numpy())
    return Judgement(HELD if numbers["value"].min() > bar else FAILED, f"printed in Table 1: {printed}")


def lead_of_emotionaldan(folder: Path) -> Judgement:
    """emotionaldan: its lead over the best competitor in its own tables, in points and in per cent of that one.

    A lead is compared with the claimed one as that is printed, in whole numbers.
    """
    numbers = published.load().query("paper == 'emotionaldan' and metric == 'accuracy'")
    claimed = published.value(
        "emotionaldan", "Text", "EmotionalDAN minus best competitor", "accuracy_difference"
    )
    leads, shares = {}, {}
    for (table, test_set), rows in numbers.groupby(["table", "test_set"]):
        values = rows.set_index("row")["value"]
        best = values.drop("EmotionalDAN").max()
        leads[f"{test_set} {table}"] = values["EmotionalDAN"] - best
        shares[f"{test_set} {table}"] = values["EmotionalDAN"] / best - 1
    measured = ", ".join(
        f"{name} {points(lead)} points ({points(shares[name])} %)" for name, lead in leads.items()
    )
    readings = [HELD if round(max(each.values()), 2) >= claimed else FAILED for each in (leads, shares)]
    verdict, why = both_readings(*readings)
    return Judgement(verdict, f"{measured} over the next", why if verdict == OPEN else "")

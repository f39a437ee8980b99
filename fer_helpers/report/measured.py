"""Evidence that is one of a kind: confusions, action units, landmarks, ensembles, augmentations, leaks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fer_helpers import labels, metrics, paths, published, seeds, study
from fer_helpers.labels import MERGED, PRIVATE_TEST
from fer_helpers.report.evidence import (
    FAILED,
    HELD,
    MISSING,
    OPEN,
    Judgement,
    from_measurement,
    p_value,
    points,
    scored,
    unfinished,
)

# Faces and classes -----------------------------------------------------------------------------------


def disgust_is_taken_for_anger(folder: Path) -> Judgement:
    """uvic_cnn: the most frequent wrong answer to disgust, in every run of Medium+N+A."""
    runs = scored("uvic_cnn/medium_n_a", folder)
    if not runs:
        return Judgement(MISSING, why="no record of uvic_cnn/medium_n_a")
    true, taken = labels.EMOTIONS.index("disgust"), []
    for run in runs.values():
        row = np.array(run["metrics"][PRIVATE_TEST]["confusion"])[true]
        row[true] = 0
        taken.append(f"{labels.EMOTIONS[row.argmax()]} {row.max()} of {row.sum()} wrong answers")
    angry = sum(text.startswith("angry") for text in taken)
    return Judgement(HELD if angry == len(taken) else FAILED, "; ".join(taken))


def _movement(table: pd.DataFrame, movement: str, weight: float = 1.0) -> pd.Series:
    """What Medium+N+A says to an action unit of the rendered probe."""
    rows = table.query("net == 'uvic_cnn/medium_n_a' and movement == @movement and weight == @weight")
    return rows.iloc[0]


@from_measurement("action_units")
def one_action_unit_stays_neutral(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: AU4 or AU22 alone raises anger, and the answer stays neutral."""
    rows = {name: _movement(table, name) for name in ("AU4", "AU22")}
    measured = "; ".join(
        f"{name}: log-odds of anger {row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}], "
        f"{row['predicted']} for {row['share']:.0%} of {row['people']} people"
        for name, row in rows.items()
    )
    as_claimed = all(row["low"] > 0 and row["predicted"] == "neutral" for row in rows.values())
    return Judgement(HELD if as_claimed else FAILED, measured)


@from_measurement("action_units")
def two_action_units_are_anger(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: AU4 and AU22 together change the answer to angry."""
    row = _movement(table, "AU4+AU22")
    measured = f"at full strength {row['predicted']} for {row['share']:.0%} of {row['people']} people, "
    measured += f"angry for {row['first']:.0%}"
    return Judgement(HELD if row["predicted"] == "angry" else FAILED, measured)


@from_measurement("action_units")
def slight_smiles_are_seen(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: happy at half strength at most, angry only above; both as the commonest answer."""
    least = {}
    for movement, emotion in (("AU12", "happy"), ("AU4+AU22", "angry")):
        rows = table[(table["movement"] == movement) & (table["predicted"] == emotion)]
        least[emotion] = rows[rows["net"] == "uvic_cnn/medium_n_a"]["weight"].min()  # NaN: at no strength
    words = [
        f"{emotion} from {weight:.0%} of the movement on" if weight > 0 else f"{emotion} at no strength"
        for emotion, weight in least.items()
    ]
    as_claimed = least["happy"] <= 0.5 and not least["angry"] <= 0.5
    return Judgement(HELD if as_claimed else FAILED, ", ".join(words))


@from_measurement("live_timing")
def ten_frames_a_second(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: the whole loop, without our savings (plain)."""
    rows = table.query("loop == 'plain'").set_index("stage")
    claimed = published.value("uvic_cnn", "Text", "Live application", "frames_per_second")
    rate = rows.loc["whole", "frames_per_second"]
    measured = f"{rate:.0f} frames a second: detection {rows.loc['detect', 'median_ms']:.0f} ms, "
    measured += f"network {rows.loc['forward', 'median_ms']:.0f} ms, on a CPU"
    return Judgement(HELD if rate >= claimed else FAILED, measured)


@from_measurement("landmark_networks")
def stages_locate_landmarks(table: pd.DataFrame, folder: Path) -> Judgement:
    """emotionaldan: the error of the second stage, trained with the landmark term, beside dlib's."""
    row = table.query("method == 'stage_2' and alpha > 0").iloc[0]
    dlib = table.query("method == 'dlib'")["mean"].iloc[0]
    measured = f"mean error {row['mean']:.4f} against dlib's {dlib:.4f} on {row['n']:.0f} rendered faces, "
    measured += f"difference [{row['difference_low']:+.4f}, {row['difference_high']:+.4f}]"
    low, high = row["difference_low"], row["difference_high"]
    return Judgement(HELD if high < 0 else FAILED if low > 0 else OPEN, measured)


@from_measurement("landmark_classifiers")
def distances_are_not_good(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: the better classifier on eight distances beside Mini-VGG on pixels."""
    runs = scored("data240/mini_vgg_no_fc", folder)
    if not runs:
        return Judgement(MISSING, why="no record of data240/mini_vgg_no_fc")
    best = table.query("features == '8 distances'").nlargest(1, "accuracy").iloc[0]
    pixels = next(iter(runs.values()))["metrics"][PRIVATE_TEST]
    measured = f"{best['accuracy']:.4f} [{best['low']:.3f}, {best['high']:.3f}] ({best['model']}) against "
    measured += f"{pixels['accuracy']:.4f} of Mini-VGG on pixels"
    low, high = pixels["interval"]
    return Judgement(HELD if best["high"] < low else FAILED if best["low"] > high else OPEN, measured)


@from_measurement("ensembles")
def top_3_beats_its_members(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: the soft vote of the three best of ours, chosen on PublicTest, beside its best member on PrivateTest."""
    rows = table.set_index("name")
    vote = rows.loc["top-3 soft vote"]
    members = [part.rsplit(" ", 1)[0] for part in vote["weights"].split("; ")]
    best = rows.loc[members].nlargest(1, "accuracy").iloc[0]
    a, b = (metrics.right({"right": row["right"], "n": int(row["n"])}) for row in (vote, best))
    interval = stats.ttest_1samp(a.astype(float) - b, 0).confidence_interval()
    measured = f"{vote['accuracy']:.4f} against {best['accuracy']:.4f} ({best.name}): "
    measured += f"{points(a.mean() - b.mean())} points [{points(interval.low)}, {points(interval.high)}], "
    measured += p_value(metrics.mcnemar(a, b))
    verdict = HELD if interval.low > 0 else FAILED if interval.high < 0 else OPEN
    return Judgement(verdict, measured)


def class_weights(before: str, after: str) -> Callable:
    """Evidence for data240: with class weights accuracy falls and macro recall rises, on both test sets as one."""

    def evidence(folder: Path) -> Judgement:
        runs = [scored(name, folder).get(0) for name in (before, after)]
        if not all(runs):
            return Judgement(MISSING, why=f"no record of {after if runs[0] else before}")
        a, b = (run["metrics"].get(MERGED, run["metrics"][PRIVATE_TEST]) for run in runs)
        lost, gained = b["accuracy"] - a["accuracy"], b["macro_recall"] - a["macro_recall"]
        measured = f"accuracy {a['accuracy']:.4f}, then {b['accuracy']:.4f} ({points(lost)} points); "
        measured += f"macro recall {a['macro_recall']:.4f}, then {b['macro_recall']:.4f} ({points(gained)})"
        if cut := unfinished(*runs):
            return Judgement(OPEN, measured, cut)
        p = metrics.mcnemar(metrics.right(a), metrics.right(b))
        verdict = HELD if lost < 0 < gained and p < 0.05 else FAILED if lost > 0 and p < 0.05 else OPEN
        return Judgement(verdict, f"{measured}; {p_value(p)} for the accuracy")

    return evidence


# Augmentation, pruning, data -------------------------------------------------------------------------


def shift_and_flip_are_best(folder: Path) -> Judgement:
    """ljmu: of ten augmentations, tried alone on the base CNN, the two with the largest gain over none."""
    table = seeds.selection_table(study.ljmu.IMPACT, folder)
    alone = table.drop(index=["base_none", "base_chosen"])
    if alone["gain"].isna().any():
        done = int((table["seeds"] > 0).sum())
        return Judgement(MISSING, why=f"{done} of {len(table)} experiments have a run")
    order = alone.sort_values("gain", ascending=False)
    measured = ", ".join(f"{row.title.split(', ')[1]} {points(row.gain)}" for row in order[:4].itertuples())
    best = set(order.index[:2])
    verdict = HELD if best == {"base_shift", "base_flip"} else FAILED
    return Judgement(verdict, f"{measured} points, best first, mean of {order['seeds'].min()} seeds")


@from_measurement("pruning")
def pruning_gives_a_compact_model(table: pd.DataFrame, folder: Path) -> Judgement:
    """ljmu: the largest share of weights that can go without leaving the unpruned network's interval."""
    exact = table.query("precision == 'float32'").set_index("sparsity")
    kept = exact[(exact.index > 0) & (exact["merged"] >= exact.loc[0, "merged_low"])]
    if kept.empty:
        return Judgement(FAILED, f"already {exact.index[1]:.0%} cost more than chance")
    most = kept.loc[kept.index.max()]
    measured = f"{exact.loc[0, 'merged']:.4f} with all weights, {most['merged']:.4f} without "
    measured += f"{kept.index.max():.0%} of them ({most['weights']:,.0f} left)"
    return Judgement(HELD, measured)


def leak_explains_validation(folder: Path) -> Judgement:
    """ljmu, row 10: selection accuracy with a selection set that is trained on, and with one that is not."""
    runs = [scored(f"ljmu/mobilenet_v2_gan{suffix}", folder).get(0) for suffix in ("", "_leaked")]
    if not all(runs):
        return Judgement(MISSING, why="no record of ljmu/mobilenet_v2_gan and the same with a leak")
    clean, leaked = (run["selection"]["accuracy"] for run in runs)
    row = ("ljmu", "Chosen augmentation, GAN data", "MobileNetV2 transfer learning")
    printed = published.value(*row, test_set="validation unstated")
    measured = f"{clean:.4f} on unseen images, {leaked:.4f} where they are trained on; printed {printed:.4f}"
    near = abs(clean - printed) < abs(leaked - printed)
    return Judgement(HELD if near else FAILED, measured)


def data_quality(folder: Path) -> Judgement:
    """data240: rows of PrivateTest that also stand elsewhere, or show no face."""
    rows = pd.read_csv(paths.DATA / "fer2013_clean_rows.csv").query("split == @PRIVATE_TEST")
    bad = rows["status"].value_counts().drop("clean")
    share = metrics.wilson_interval(int(bad.sum()), len(rows))
    measured = f"{bad.sum():,} of {len(rows):,} test images: "
    measured += ", ".join(f"{count} {status}" for status, count in bad.items())
    return Judgement(HELD if share[0] > 0.05 else OPEN, measured)

"""Evidence that is one of a kind: confusions, action units, landmarks, ensembles, augmentations, leaks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest, studentized_range

from fer_helpers import labels, metrics, paths, published, seeds, study
from fer_helpers.labels import MERGED, PRIVATE_TEST
from fer_helpers.live import timing
from fer_helpers.report.evidence import (
    FAILED,
    HELD,
    MISSING,
    OPEN,
    Judgement,
    agreed,
    by_runs,
    from_measurement,
    missing,
    p_value,
    points,
    scored,
    signed,
)

# Faces and classes -----------------------------------------------------------------------------------


def disgust_is_taken_for_anger(folder: Path) -> Judgement:
    """uvic_cnn: is anger the most frequent wrong answer to disgust in every run of Medium+N+A, or the second one?

    The two most frequent answers are compared by an exact binomial test.
    """
    runs = scored("uvic_cnn/medium_n_a", folder)
    if not runs:
        return missing("uvic_cnn/medium_n_a")
    true, verdicts, measured = labels.EMOTIONS.index("disgust"), [], []
    for run in runs.values():
        wrong = dict(zip(labels.EMOTIONS, run["metrics"][PRIVATE_TEST]["confusion"][true], strict=True))
        wrong.pop("disgust")
        (most, count), (_, next_count) = sorted(wrong.items(), key=lambda item: -item[1])[:2]
        measured.append(f"{most} {count} of {sum(wrong.values())} wrong answers, the next {next_count}")
        by_chance = binomtest(count, max(count + next_count, 1)).pvalue >= 0.05
        verdicts.append(OPEN if by_chance else HELD if most == "angry" else FAILED)
    return by_runs(agreed(verdicts), "; ".join(measured), runs.values())


def _movement(table: pd.DataFrame, movement: str, weight: float = 1.0) -> pd.Series:
    """What Medium+N+A says to an action unit of the rendered probe."""
    rows = table.query("net == 'uvic_cnn/medium_n_a' and movement == @movement and weight == @weight")
    return rows.iloc[0]


def _most_people(row: pd.Series, share: str) -> str:
    """Verdict on "more than half of the people", with the 95 % Wilson interval of their share."""
    low, high = metrics.wilson_interval(round(row[share] * row["people"]), int(row["people"]))
    return signed(low - 0.5, high - 0.5)


@from_measurement("action_units")
def one_action_unit_stays_neutral(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: AU4 or AU22 alone raises anger, and the answer stays neutral for more than half of the people."""
    rows = {name: _movement(table, name) for name in ("AU4", "AU22")}
    measured = "; ".join(
        f"{name}: log-odds of anger {row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}], "
        f"{row['predicted']} for {row['share']:.0%} of {row['people']} people"
        for name, row in rows.items()
    )
    each = [signed(row["low"], row["high"]) for row in rows.values()]
    each += [_most_people(row, "share") if row["predicted"] == "neutral" else FAILED for row in rows.values()]
    verdict = FAILED if FAILED in each else agreed(each)
    return Judgement(verdict, measured, "may be chance" if verdict == OPEN else "")


@from_measurement("action_units")
def two_action_units_are_anger(table: pd.DataFrame, folder: Path) -> Judgement:
    """uvic_cnn: AU4 and AU22 together change the answer to angry, for more than half of the people."""
    row = _movement(table, "AU4+AU22")
    measured = f"at full strength {row['predicted']} for {row['share']:.0%} of {row['people']} people, "
    measured += f"angry for {row['first']:.0%}"
    return Judgement(_most_people(row, "first"), measured)


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
    measured += f"network ({timing.NET}) {rows.loc['forward', 'median_ms']:.0f} ms, on a CPU"
    return Judgement(HELD if rate >= claimed else FAILED, measured)


@from_measurement("landmark_networks")
def stages_locate_landmarks(table: pd.DataFrame, folder: Path) -> Judgement:
    """emotionaldan: the error of the second stage, trained with the landmark term, beside dlib's."""
    row = table.query("method == 'stage_2' and alpha > 0").iloc[0]
    dlib = table.query("method == 'dlib'")["mean"].iloc[0]
    measured = f"mean error {row['mean']:.4f} against dlib's {dlib:.4f} on {row['n']:.0f} rendered faces, "
    measured += f"difference [{row['difference_low']:+.4f}, {row['difference_high']:+.4f}]"
    return Judgement(signed(-row["difference_high"], -row["difference_low"]), measured)


@from_measurement("landmark_classifiers")
def distances_are_not_good(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: the better classifier on eight distances beside Mini-VGG on pixels."""
    runs = scored("data240/mini_vgg_no_fc", folder)
    if not runs:
        return missing("data240/mini_vgg_no_fc")
    best = table.query("features == '8 distances'").nlargest(1, "accuracy").iloc[0]
    pixels = next(iter(runs.values()))["metrics"][PRIVATE_TEST]
    measured = f"{best['accuracy']:.4f} [{best['low']:.3f}, {best['high']:.3f}] ({best['model']}) against "
    measured += f"{pixels['accuracy']:.4f} of Mini-VGG on pixels"
    low, high = pixels["interval"]
    return by_runs(signed(low - best["high"], high - best["low"]), measured, runs.values())


@from_measurement("ensembles")
def top_3_beats_its_members(table: pd.DataFrame, folder: Path) -> Judgement:
    """data240: the soft vote of the three best of ours, chosen on PublicTest, beside its best member on PrivateTest."""
    rows = table.set_index("name")
    vote = rows.loc["top-3 soft vote"]
    members = [part.rsplit(" ", 1)[0] for part in vote["weights"].split("; ")]
    best = rows.loc[members].nlargest(1, "accuracy").iloc[0]
    a, b = (metrics.right({"right": row["right"], "n": int(row["n"])}) for row in (vote, best))
    low, high = metrics.mean_interval(a.astype(float) - b)
    measured = f"{vote['accuracy']:.4f} against {best['accuracy']:.4f} ({best.name}): "
    measured += f"{points(a.mean() - b.mean())} points [{points(low)}, {points(high)}], "
    measured += p_value(metrics.mcnemar(a, b))
    return Judgement(signed(low, high), measured)


def class_weights(before: str, after: str) -> Callable:
    """Evidence for data240: with class weights accuracy falls and macro recall rises, on both test sets as one.

    The accuracies are paired (McNemar). Of the recalls no record says which images have which class, so that their
    interval is the one for two sets of images, which is too wide.
    """

    def evidence(folder: Path) -> Judgement:
        runs = [scored(name, folder).get(0) for name in (before, after)]
        if not all(runs):
            return missing(after if runs[0] else before)
        a, b = (run["metrics"].get(MERGED, run["metrics"][PRIVATE_TEST]) for run in runs)
        lost, gained = b["accuracy"] - a["accuracy"], b["macro_recall"] - a["macro_recall"]
        half = 1.96 * (_variance_of_macro_recall(a) + _variance_of_macro_recall(b)) ** 0.5
        p = metrics.mcnemar(metrics.right(a), metrics.right(b))
        measured = (
            f"accuracy {a['accuracy']:.4f}, then {b['accuracy']:.4f} ({points(lost)} points, {p_value(p)}); "
        )
        measured += f"macro recall {a['macro_recall']:.4f}, then {b['macro_recall']:.4f} "
        measured += f"({points(gained)} [{points(gained - half)}, {points(gained + half)}])"
        fell = OPEN if p >= 0.05 else HELD if lost < 0 else FAILED
        rose = signed(gained - half, gained + half)
        return by_runs(FAILED if FAILED in (fell, rose) else agreed([fell, rose]), measured, runs)

    return evidence


def _variance_of_macro_recall(scores: dict) -> float:
    """Variance by the binomial distribution of the recall of each class."""
    counts = np.sum(scores["confusion"], axis=1)
    recall, counts = np.diag(scores["confusion"])[counts > 0] / counts[counts > 0], counts[counts > 0]
    return float(np.sum(recall * (1 - recall) / counts)) / len(counts) ** 2


# Augmentation, pruning, data -------------------------------------------------------------------------


def shift_and_flip_are_best(folder: Path) -> Judgement:
    """ljmu: of ten augmentations, tried alone on the base CNN, is each of the two better than every other one?

    All are compared with all over the seeds that all have (Tukey's test; the seed is a block, because it draws the
    images): the weaker of the two with the strongest other one.
    """
    alone = [experiment for experiment in study.ljmu.IMPACT if len(experiment.augment) == 1]
    table = seeds.complete(alone, folder)
    if table.empty:
        done = int((seeds.selection_table(alone, folder)["seeds"] > 0).sum())
        return Judgement(MISSING, why=f"{done} of {len(alone)} augmentations have a run")
    titles = {each.id.split("/")[1]: each.title.split(", ")[1] for each in alone}
    mean = table.mean().sort_values(ascending=False)
    measured = ", ".join(f"{titles[name]} {value:.4f}" for name, value in mean[:4].items())
    if len(table) < 2:
        return Judgement(OPEN, f"{measured}, best first", "one seed says nothing of others")
    measured += f", best first, mean of {len(table)} seeds"
    claimed = ["base_shift", "base_flip"]
    weaker, other = mean[claimed].idxmin(), mean.drop(claimed).idxmax()
    gap, half = mean[weaker] - mean[other], honest_difference(table.to_numpy())
    measured += f"; {titles[weaker]} against {titles[other]}: "
    measured += f"{points(gap)} points [{points(gap - half)}, {points(gap + half)}]"
    verdict = signed(gap - half, gap + half)
    return Judgement(verdict, measured, "may be chance" if verdict == OPEN else "")


def honest_difference(values: np.ndarray) -> float:
    """Tukey's honest significant difference at 5 % between the means of columns, rows being blocks (at least two)."""
    rows, columns = values.shape
    residuals = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    freedom = (rows - 1) * (columns - 1)
    error = (np.sum(residuals**2) / freedom / rows) ** 0.5
    return float(studentized_range.ppf(0.95, columns, freedom) * error)


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
    """ljmu, row 10: is the printed validation accuracy reached, without a leak? The run with one stands beside it."""
    clean, leaked = (scored(f"ljmu/mobilenet_v2_gan{suffix}", folder).get(0) for suffix in ("", "_leaked"))
    if clean is None:
        return missing("ljmu/mobilenet_v2_gan")
    row = ("ljmu", "Chosen augmentation, GAN data", "MobileNetV2 transfer learning")
    printed = published.value(*row, test_set="validation unstated")
    accuracy, n = clean["selection"]["accuracy"], clean["dataset"]["rows"]["selection"]
    low, high = metrics.wilson_interval(round(accuracy * n), n)
    measured = f"{accuracy:.4f} [{low:.3f}, {high:.3f}] on unseen images, printed {printed:.4f}"
    if leaked:
        measured += f"; {leaked['selection']['accuracy']:.4f} where they are trained on"
    return by_runs(HELD if high >= printed else FAILED, measured, filter(None, (clean, leaked)))


def data_quality(folder: Path) -> Judgement:
    """data240: rows of PrivateTest that also stand elsewhere, or show no face."""
    rows = pd.read_csv(paths.DATA / "fer2013_clean_rows.csv").query("split == @PRIVATE_TEST")
    bad = rows["status"].value_counts().drop("clean")
    share = metrics.wilson_interval(int(bad.sum()), len(rows))
    measured = f"{bad.sum():,} of {len(rows):,} test images: "
    measured += ", ".join(f"{count} {status}" for status, count in bad.items())
    return Judgement(HELD if share[0] > 0.05 else OPEN, measured)

"""Networks on databases they were not trained on, as in paper `emotionaldan`, section 3: its Tables 1 and 2.

First a face is found in every photograph and cut out. Paper and code are silent on photographs without a face:
`accuracy` leaves them out, `accuracy_all` counts them as wrong. Contempt is no class of the evaluation: pictures
with this label are left out, and a network that has it (FER+) is wrong when it says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from fer_helpers import landmarks, metrics, pictures, published, trained
from fer_helpers.across import layouts
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS

PHOTOGRAPH = {"padding": 0, "scale": 1, "threshold": 0}  # settings of landmarks.detect

# Group of each emotion; one without a group is left out. The paper does not say how seven become three.
SEVEN = {name: name for name in EMOTIONS}
THREE = dict.fromkeys(("angry", "disgust", "fear", "sad"), "negative") | {
    "happy": "positive",
    "neutral": "neutral",
}
SCHEMES = {
    "7 classes": SEVEN,
    "3 classes": THREE,  # surprise is left out
    "3 classes, surprise positive": THREE | {"surprise": "positive"},
}
ALL, RESTRICTED = "all classes", "classes of the set"


def faces(
    database: layouts.Pictures, frames: Iterable[pictures.Frame]
) -> tuple[dict[pictures.Frame, np.ndarray], np.ndarray]:
    """Find the face of every picture with dlib, and cut it out in each of `frames`, for networks of different training.

    Returns images (n, 48, 48) uint8 of each frame, and found (n,) float32: 1, 0 (the image is then empty), or NaN for a
    picture of at most `pictures.FACE_SIZE`, which is a face already.
    """
    images = {frame: np.zeros((len(database), 48, 48), np.uint8) for frame in frames}
    found = np.zeros(len(database), np.float32)
    for index in tqdm(range(len(database)), desc=database.name, unit="picture", disable=None):
        picture = database.picture(index)
        if max(picture.shape) <= pictures.FACE_SIZE:
            found[index] = np.nan
            for cut in images.values():
                cut[index] = pictures.resize(picture)
        elif (box := landmarks.detect(picture, **PHOTOGRAPH)) is not None:
            found[index] = 1
            for frame, cut in images.items():
                cut[index] = pictures.crop(picture, box, frame)
    return images, found


def score(truth: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> list[dict]:
    """Score `probabilities` (n, classes; NaN in a row without a face) against emotions `truth` (n,).

    One row a scheme and argmax. "all classes": the network's largest probability decides, and its group counts;
    a class without a group is wrong. "classes of the set": the largest one of those in a group that the set has;
    this row is left out where it would be the same. Intervals (95 %, Wilson) take pictures as independent, which
    several of one person are not.
    """
    rows = []
    for scheme, groups in SCHEMES.items():
        used = np.array([label in groups for label in truth])
        wanted = np.array([groups[label] for label in truth if label in groups])
        outputs, seen = probabilities[used], ~np.isnan(probabilities[used, 0])
        if not seen.any():
            continue
        present = set(wanted.tolist())
        inside = np.array([groups.get(label) in present for label in classes])
        if not inside.any():
            raise FerError(f"The network's classes {', '.join(classes)} are none of those of the data.")
        for argmax, choice in ((ALL, np.ones_like(inside)), (RESTRICTED, inside)):
            if argmax == RESTRICTED and inside.all():
                continue
            best = np.where(choice, np.nan_to_num(outputs), -1).argmax(axis=1)
            answers = np.array([groups.get(classes[k], "") for k in best])
            right = (answers == wanted) & seen
            recalls = {group: right[seen & (wanted == group)].mean() for group in sorted(set(wanted[seen]))}
            worst = min(recalls, key=recalls.get)
            low, high = metrics.wilson_interval(int(right.sum()), int(seen.sum()))
            low_all, high_all = metrics.wilson_interval(int(right.sum()), len(right))
            rows.append(
                {
                    "scheme": scheme,
                    "argmax": argmax,
                    "n": int(seen.sum()),
                    "accuracy": right.sum() / seen.sum(),
                    "low": low,
                    "high": high,
                    "macro_recall": float(np.mean(list(recalls.values()))),
                    "worst": worst,
                    "worst_recall": float(recalls[worst]),
                    "largest_class": max((wanted[seen] == group).mean() for group in present),
                    "n_all": len(right),
                    "accuracy_all": right.mean(),
                    "low_all": low_all,
                    "high_all": high_all,
                }
            )
    return rows


def table(nets: Mapping[str, trained.Classifier], data_path: Path | str | None, layout: str) -> pd.DataFrame:
    """Evaluate networks (a name for each) on one database: one row a (net, set, scheme, argmax).

    Columns: net, set, found (share of the photographs with a face; NaN where none was looked for), and those of
    `score`: n and accuracy of the faces found with its interval, macro_recall over the groups, the worst of them with
    its recall, largest_class (accuracy of always giving the set's most frequent group), and n_all and accuracy_all
    with the others as wrong.
    `attrs` holds "notes" (what was taken and left out) and "found" (share found of each emotion).
    Raises FerError when the data cannot be read, or no face is found.
    """
    database = layouts.read(layout, data_path)
    if "contempt" in database.labels:
        database = database.without("contempt")
    images, found = faces(database, (net.frame for net in nets.values()))
    found = pd.Series(found)
    seen = (found != 0).to_numpy()
    if not seen.any():
        raise FerError(
            f"dlib found no face in the {len(found)} pictures of {database.name}: they must show upright frontal "
            "faces of 80 pixels or more."
        )
    rows = []
    for name, net in nets.items():
        probabilities = np.full((len(found), len(net.classes)), np.nan, np.float32)
        probabilities[seen] = net(images[net.frame][seen])
        known = {"net": name, "set": database.name, "found": found.mean()}
        rows += [known | row for row in score(database.labels, probabilities, net.classes)]
    result = pd.DataFrame(rows)
    shares = found.groupby(list(database.labels)).mean().dropna()
    result.attrs = {"notes": list(database.notes), "found": shares.to_dict()}
    return result


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """`table` of every network at hand on every database at hand; quick: the course's own, on FaceKit.

    Behind `net` stands `trained_on`, the data set of its training. `results_dir` has the full runs.
    """
    nets = trained.at_hand(profile, results_dir)
    databases = layouts.at_hand() if profile == "full" else ["facekit"]
    result = pd.concat([table(nets, None, layout) for layout in databases], ignore_index=True)
    result.insert(1, "trained_on", result["net"].map({name: net.trained_on for name, net in nets.items()}))
    return result


def beside_published(ours: pd.DataFrame, number: int) -> pd.DataFrame:
    """Set rows of `table` beside the paper's Table 1 (seven classes) or 2 (three): text, "" where nothing is known.

    Rows are the paper's networks, then ours, which answer with all classes and give accuracy and interval on the
    faces found. The paper's were trained on AffectNet and have no intervals.
    """
    printed = published.load().query("paper == 'emotionaldan' and metric == 'accuracy'")
    printed = printed[printed["table"] == f"Table {number}"]
    sets = list(dict.fromkeys([*printed["test_set"], *ours["set"]]))
    cells = {}
    for row in printed.itertuples():
        cells.setdefault(f"{row.row} (paper)", {})[row.test_set] = f"{row.value:.3f}"
    scheme = "7 classes" if number == 1 else "3 classes"
    for row in ours[(ours["scheme"] == scheme) & (ours["argmax"] == ALL)].itertuples():
        cells.setdefault(row.net, {})[row.set] = f"{row.accuracy:.3f} [{row.low:.3f}, {row.high:.3f}]"
    return pd.DataFrame.from_dict(cells, orient="index", columns=sets).fillna("")

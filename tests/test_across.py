"""The evaluation against numbers worked out by hand, with a network that reads its answer from the image."""

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_helpers import across, datasets, paths, pictures, trained
from fer_helpers.across import layouts
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, FERPLUS_EMOTIONS


class FakeNet:
    """Sure of the class whose number the first pixel holds."""

    def __init__(self, classes=EMOTIONS, frame=pictures.FRAMES["fer2013"]):
        self.classes, self.frame = classes, frame

    def prepare(self, images):
        assert images.dtype == np.uint8 and images.shape[1:] == (48, 48)
        return images[..., None].astype("float32")

    def __call__(self, crops):
        return self.predict(self.prepare(crops))

    def predict(self, batch):
        return np.eye(len(self.classes), dtype="float32")[batch[:, 0, 0, 0].astype(int)]


def row(scored, scheme, argmax):
    return next(r for r in scored if (r["scheme"], r["argmax"]) == (scheme, argmax))


def answers(*names, classes=EMOTIONS, second=None):
    """Probabilities: .6 for the named class, .4 for `second`; None is a picture without a face."""
    result = np.zeros((len(names), len(classes)), np.float32)
    for k, name in enumerate(names):
        if name is None:
            result[k] = np.nan
        else:
            result[k, classes.index(name)] += 0.6
            result[k, classes.index(second or name)] += 0.4
    return result


def test_seven_and_three_classes_by_hand():
    truth = ["happy", "sad", "angry", "neutral", "surprise", "surprise"]
    scored = across.score(truth, answers("happy", "angry", "surprise", "neutral", "happy", "happy"), EMOTIONS)
    seven = row(scored, "7 classes", across.ALL)
    assert (seven["n"], seven["accuracy"]) == (6, pytest.approx(1 / 3))  # happy and neutral
    assert seven["macro_recall"] == pytest.approx((1 + 0 + 0 + 1 + 0) / 5)
    assert (seven["worst"], seven["worst_recall"]) == ("angry", 0)  # the first of several
    three = row(scored, "3 classes", across.ALL)  # without the two surprised; angry called surprised is wrong
    assert (three["n"], three["accuracy"], three["largest_class"]) == (4, 0.75, 0.5)
    assert (three["worst"], three["worst_recall"]) == ("negative", 0.5)
    positive = row(scored, "3 classes, surprise positive", across.ALL)
    assert (positive["n"], positive["accuracy"]) == (6, pytest.approx(5 / 6))
    assert positive["low"] < 5 / 6 < positive["high"]
    assert not [r for r in scored if r["scheme"].endswith("positive") and r["argmax"] == across.RESTRICTED]


def test_restricted_argmax_chooses_among_the_classes_of_the_set():
    scored = across.score(["happy", "neutral"], answers("sad", "fear", second="happy"), EMOTIONS)
    assert row(scored, "7 classes", across.ALL)["accuracy"] == 0
    assert row(scored, "7 classes", across.RESTRICTED)["accuracy"] == 0.5  # happy for both


def test_contempt_of_a_ferplus_network_is_wrong_unless_restricted():
    probabilities = answers("contempt", "sad", classes=FERPLUS_EMOTIONS, second="sad")
    scored = across.score(["sad", "sad"], probabilities, FERPLUS_EMOTIONS)
    for scheme in ("7 classes", "3 classes"):
        assert row(scored, scheme, across.ALL)["accuracy"] == 0.5
        assert row(scored, scheme, across.RESTRICTED)["accuracy"] == 1


def test_pictures_without_a_face_are_left_out_and_counted_as_wrong():
    scored = row(
        across.score(["happy"] * 4, answers("happy", None, "happy", "sad"), EMOTIONS), "7 classes", across.ALL
    )
    assert (scored["n"], scored["accuracy"]) == (3, pytest.approx(2 / 3))
    assert (scored["n_all"], scored["accuracy_all"]) == (4, 0.5)
    assert scored["low_all"] < 0.5 < scored["high_all"]


def photograph(face):
    """A face of 192 pixels in a picture of 392."""
    return cv2.copyMakeBorder(cv2.resize(face, (192, 192)), *[100] * 4, cv2.BORDER_REPLICATE)


def test_faces_are_found_cut_out_and_small_pictures_left_alone():
    known = datasets.load("facekit").split("PrivateTest").images[:6]
    sources = (*map(photograph, known), np.full((300, 300), 128, np.uint8), known[0])
    database = layouts.Pictures("x", sources, ("happy",) * 8, ("",) * 8)
    near, wide = pictures.FRAMES["facekit"], pictures.Frame(0.6, 0)
    cut, found = across.faces(database, [near, wide, near])
    images = cut[near]
    assert found[:7].tolist() == [1] * 6 + [0] and np.isnan(found[7])
    assert np.array_equal(images[7], known[0]) and not images[6].any()

    def likeness(images):
        return np.median(
            [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, known, strict=False)]
        )

    assert likeness(images) > 0.75  # framed much as they were rendered
    assert list(cut) == [near, wide] and likeness(cut[wide]) < 0.5


def test_table_of_a_folder(tmp_path):
    for name, first in (("happy", 3), ("neutral", 3), ("contempt", 0)):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.fromarray(np.full((48, 48), first, np.uint8)).save(tmp_path / name / f"{k}.png")
    table = across.table({"fake": FakeNet(), "other": FakeNet()}, tmp_path, "folder")
    assert list(table["net"].unique()) == ["fake", "other"] and set(table["set"]) == {tmp_path.name}
    assert (table["n"] == 4).all() and (table["accuracy"] == 0.5).all() and table["found"].isna().all()
    assert "2 pictures of contempt are left out." in table.attrs["notes"]
    with pytest.raises(FerError, match="none of those of the data"):
        across.table({"pets": FakeNet(("cat", "dog", "cow", "horse"))}, tmp_path, "folder")


def test_table_reports_the_share_found(tmp_path):
    face = photograph(datasets.load("facekit").images[0])
    (tmp_path / "happy").mkdir()
    (tmp_path / "sad").mkdir()
    grey = Image.fromarray(np.full((300, 300), 128, np.uint8))
    grey.save(tmp_path / "happy" / "none.png")
    grey.save(tmp_path / "sad" / "none.png")
    with pytest.raises(FerError, match="no face in the 2 pictures"):
        across.table({"fake": FakeNet()}, tmp_path, "folder")
    Image.fromarray(face).save(tmp_path / "happy/face.png")

    class Happy(FakeNet):
        def predict(self, batch):
            self.image = batch[0]
            return np.eye(7, dtype="float32")[[3] * len(batch)]

    near, wide = Happy(), Happy(frame=pictures.Frame(0.5, 0))
    table = across.table({"near": near, "wide": wide}, tmp_path, "folder")
    assert not np.array_equal(near.image, wide.image)  # each sees faces as its training images framed them
    assert table["found"].tolist() == [pytest.approx(1 / 3)] * len(table)
    assert table.attrs["found"] == {"happy": 0.5, "sad": 0.0}
    first = table.iloc[0]
    assert (first["n"], first["accuracy"], first["n_all"]) == (1, 1, 3)
    assert first["accuracy_all"] == pytest.approx(1 / 3)


def test_the_measurement_agrees_with_the_cards_of_the_networks():
    table = across.measure("quick", paths.results_dir("quick"))
    seven = table[table["scheme"] == "7 classes"].set_index("net")
    assert dict(seven["trained_on"]) == {
        "compact_fer2013": "fer2013",
        "small_facekit": "facekit",
        "small_fer2013": "fer2013",
    }
    assert set(table["set"]) == {"FaceKit"} and (seven["n"] == 500).all()
    card = trained.card("small_facekit")
    assert seven.loc["small_facekit", "accuracy"] == pytest.approx(card["accuracy"]["PrivateTest"], abs=0.005)


def test_published_table_stands_beside_ours():
    rows = [
        {"net": "fake", "set": "London", "scheme": "7 classes", "argmax": argmax}
        | {"accuracy": accuracy, "low": 0.4, "high": 0.6}
        for argmax, accuracy in ((across.ALL, 0.5), (across.RESTRICTED, 0.55))
    ]
    table = across.beside_published(pd.DataFrame(rows), 1)
    assert list(table.columns) == ["CK+", "JAFFE", "ISED", "London"]
    assert table.loc["EmotionalDAN (paper)"].tolist() == ["0.736", "0.465", "0.620", ""]
    assert table.loc["fake"].tolist() == ["", "", "", "0.500 [0.400, 0.600]"]
    two = across.beside_published(pd.DataFrame(rows), 2)
    assert two.loc["CNN (5) (paper)", "JAFFE"] == "0.765" and "fake" not in two.index

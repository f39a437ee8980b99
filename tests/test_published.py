"""`data/published.csv` against the papers: what is hard-coded here was read from their pages."""

import numpy as np
import pytest

from fer_helpers import published
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS

ALPHABETICAL = tuple(sorted(EMOTIONS))

# Rows of every table; a number lost or added by accident shows here.
ROWS = {
    ("ucf_keypoints", "Table 1"): 8,
    ("ucf_keypoints", "Text"): 8,
    ("uvic_cnn", "Table 1"): 15,
    ("uvic_cnn", "Table 2"): 6,
    ("uvic_cnn", "Figure 2"): 2,
    ("uvic_cnn", "Figure 4"): 49,
    ("uvic_cnn", "Text"): 14,
    ("uvic_cnn", "Authors' log"): 3,
    ("emotionaldan", "Table 1"): 15,
    ("emotionaldan", "Table 2"): 15,
    ("emotionaldan", "Text"): 3,
    ("ljmu", "Chosen augmentation"): 21,
    ("ljmu", "Chosen augmentation, GAN data"): 21,
    ("ljmu", "GAN counts"): 24,
    ("ljmu", "GAN augmentation"): 3,
    ("ljmu", "Conclusion"): 3,
    ("data240", "Data collection"): 3,
    ("data240", "Class weights"): 14,
    ("data240", "ResNet50V2 report, before class weights"): 38,
    ("data240", "ResNet50V2 confusion matrix, before class weights"): 49,
    ("data240", "ResNet50V2 report, after class weights"): 38,
    ("data240", "ResNet50V2 confusion matrix, after class weights"): 49,
    ("data240", "ResNet50V2 curves"): 8,
    ("data240", "Landmark distances"): 8,
    ("data240", "Landmark dump"): 144,
    ("data240", "Mini-VGG inputs"): 3,
    ("data240", "Mini-VGG"): 4,
    ("data240", "InceptionV3"): 4,
    ("data240", "InceptionV3 summary"): 8,
    ("data240", "Model comparison"): 6,
    ("data240", "Ensemble result"): 3,
    ("data240", "Authors' notebook"): 18,
    ("data240", "Authors' slides"): 1,
}

# The closed vocabulary of the column `metric`, by kind.
FRACTIONS = {"accuracy", "precision", "recall", "f1", "auc"}
FRACTIONS |= {"class_share", "parameter_share", "parameter_reduction"}
COUNTS = {"parameters", "trainable_parameters", "non_trainable_parameters", "images", "real_images"}
COUNTS |= {"generated_images", "support", "confusion", "depth", "repeats", "epochs", "features"}
OTHERS = {"accuracy_difference", "class_weight", "feature", "frames_per_second", "landmark_x", "landmark_y"}
OTHERS |= {"loss", "loss_weight", "megabytes", "milliseconds", "parameter_ratio"}
# Of the column `test_set`: empty for a number that was not measured on images.
TEST_SETS = {"", "Training", "PublicTest", "PrivateTest", "merged 7178", "random 6000"}
TEST_SETS |= {"CK+", "JAFFE", "ISED", "CK+ and ISED", "FER+ unstated", "validation unstated", "unstated"}

KEY_ROWS = [
    (0.75, "ucf_keypoints", "Table 1", "Key-point GAP", "accuracy", None),
    (0.81, "ucf_keypoints", "Table 1", "No key-point fully connected", "accuracy", None),
    (8_000_000, "ucf_keypoints", "Table 1", "Key-point fully connected", "parameters", None),
    (0.4806, "uvic_cnn", "Table 1", "Shallow", "accuracy", None),
    (0.5642, "uvic_cnn", "Table 1", "Medium", "accuracy", None),
    (0.6313, "uvic_cnn", "Table 1", "Medium + A", "accuracy", None),
    (0.5898, "uvic_cnn", "Table 1", "Deep", "accuracy", None),
    (0.6823, "uvic_cnn", "Table 1", "Deep + A", "accuracy", None),
    (4_700_000, "uvic_cnn", "Table 1", "Shallow", "parameters", None),
    (0.61, "uvic_cnn", "Table 2", "Medium+N+A", "accuracy", "PublicTest"),
    (0.631, "uvic_cnn", "Table 2", "Medium+N+A", "accuracy", "PrivateTest"),
    (9_411_195, "uvic_cnn", "Authors' log", "Deep", "parameters", None),
    (0.736, "emotionaldan", "Table 1", "EmotionalDAN", "accuracy", "CK+"),
    (0.502, "emotionaldan", "Table 1", "CNN (5)", "accuracy", "JAFFE"),
    (0.21, "emotionaldan", "Table 1", "EmotionNet 2", "accuracy", "ISED"),
    (0.896, "emotionaldan", "Table 2", "EmotionalDAN", "accuracy", "ISED"),
    (0.5863, "ljmu", "Chosen augmentation", "CNN with Tuning", "accuracy", "merged 7178"),
    (0.6892, "ljmu", "Chosen augmentation", "Reference CNN", "accuracy", "merged 7178"),
    (2.1595, "ljmu", "Chosen augmentation", "MobileNetV2 transfer learning", "loss", "merged 7178"),
    (
        0.5723,
        "ljmu",
        "Chosen augmentation, GAN data",
        "MobileNetV2 transfer learning",
        "accuracy",
        "merged 7178",
    ),
    (245_927, "ljmu", "Chosen augmentation", "CNN with Tuning", "trainable_parameters", None),
    (319_527, "ljmu", "Conclusion", "CNN", "parameters", None),
    (0.6116, "data240", "ResNet50V2 report, before class weights", "overall", "accuracy", None),
    (0.5902, "data240", "ResNet50V2 report, after class weights", "macro", "recall", None),
    (0.6121, "data240", "Mini-VGG", "Mini_Vgg No FC, aligned", "accuracy", None),
    (25_100_129, "data240", "Ensemble result", "Top-3", "trainable_parameters", None),
    (0.67, "data240", "Ensemble result", "Top-3", "accuracy", None),
]


@pytest.fixture(scope="module")
def numbers():
    return published.load()


def test_columns_and_row_counts(numbers):
    assert list(numbers.columns) == ["paper", "table", "row", "metric", "value", "test_set", "note"]
    assert numbers.groupby(["paper", "table"], sort=False).size().to_dict() == ROWS


def test_vocabulary_and_no_duplicates(numbers):
    assert set(numbers.metric) == FRACTIONS | COUNTS | OTHERS
    assert set(numbers.test_set) == TEST_SETS
    assert not numbers.duplicated(["paper", "table", "row", "metric", "test_set"]).any()


def test_ranges(numbers):
    assert numbers.value.notna().all()
    fractions = numbers[numbers.metric.isin(FRACTIONS)]
    assert fractions[fractions.value > 1].row.tolist() == [
        "sum"
    ]  # the labels of uvic_cnn's pie sum to 115.8 %
    assert fractions[fractions.row != "sum"].value.between(0, 1).all()
    counts = numbers[numbers.metric.isin(COUNTS)].value
    assert (counts == counts.round()).all() and (counts >= 0).all()


def test_an_inferred_test_set_says_so(numbers):
    silent = numbers[(numbers.paper == "ljmu") & (numbers.test_set == "merged 7178")]
    silent = [*silent.note, *numbers[numbers.test_set == "random 6000"].query("metric == 'accuracy'").note]
    assert len(silent) == 12 + 17 and all("inferred" in note for note in silent)


@pytest.mark.parametrize(("expected", "paper", "table", "row", "metric", "test_set"), KEY_ROWS)
def test_key_rows(expected, paper, table, row, metric, test_set):
    assert published.value(paper, table, row, metric, test_set) == expected


@pytest.mark.parametrize(
    ("paper", "table", "classes", "total", "accuracy"),
    [
        ("uvic_cnn", "Figure 4", EMOTIONS, 3589, 0.5938),
        ("data240", "ResNet50V2 confusion matrix, before class weights", ALPHABETICAL, 7178, 0.6116),
        ("data240", "ResNet50V2 confusion matrix, after class weights", ALPHABETICAL, 7178, 0.6002),
    ],
)
def test_confusion_matrices(paper, table, classes, total, accuracy):
    matrix, names = published.confusion(paper, table)
    assert names == classes and matrix.shape == (7, 7)
    assert matrix.sum() == total
    assert round(np.trace(matrix) / total, 4) == accuracy


@pytest.mark.parametrize("when", ["before", "after"])
def test_reports_follow_from_their_matrices(numbers, when):
    matrix, classes = published.confusion("data240", f"ResNet50V2 confusion matrix, {when} class weights")
    report = numbers[numbers.table == f"ResNet50V2 report, {when} class weights"]
    recall = np.diag(matrix) / matrix.sum(axis=1)
    precision = np.diag(matrix) / matrix.sum(axis=0)
    computed = {
        "recall": recall,
        "precision": precision,
        "f1": 2 * precision * recall / (precision + recall),
        "support": matrix.sum(axis=1),
    }
    share = matrix.sum(axis=1) / matrix.sum()
    for metric, values in computed.items():
        printed = report[report.metric == metric].set_index("row").value
        assert np.allclose(printed[list(classes)], values, atol=6e-5), metric
        if metric != "support":
            assert printed["macro"] == pytest.approx(values.mean(), abs=6e-5)
            assert printed["weighted"] == pytest.approx((values * share).sum(), abs=6e-5)


def test_gan_counts_add_up(numbers):
    counts = numbers[numbers.table == "GAN counts"].pivot(index="row", columns="metric", values="value")
    assert (counts.real_images + counts.generated_images == counts.images).all()
    classes = counts.drop("total")
    assert classes.sum().to_dict() == {"real_images": 28_709, "generated_images": 18_000, "images": 46_709}
    assert counts.loc["total"].to_dict() == classes.sum().to_dict()


def test_class_weights_are_balanced(numbers):
    weights = numbers[numbers.table == "Class weights"].pivot(index="row", columns="metric", values="value")
    assert weights.images.sum() == 22_968
    assert np.allclose(weights.class_weight, 22_968 / (7 * weights.images), rtol=1e-14)


def test_inception_summary_adds_up(numbers):
    total = numbers[numbers.table == "InceptionV3 summary"].value.sum()
    assert total == 21_825_325  # all but 38,528 moving statistics of BatchNorm are trainable
    assert total - published.value("data240", "InceptionV3", "InceptionV3", "trainable_parameters") == 38_528


def test_landmark_dump_gives_the_printed_distances(numbers):
    dump = numbers[numbers.table == "Landmark dump"].pivot(index="row", columns="metric", values="value")
    assert len(dump) == 72 and len(dump.drop_duplicates()) == 68

    def away(first, second):
        return dump.loc[second].to_numpy() - dump.loc[first].to_numpy()

    left, right = "top_lip[0]", "bottom_lip[0]"
    to_lips = {
        corner: (away(corner, "top_lip[3]") + away(corner, "bottom_lip[9]")) / 2 for corner in (left, right)
    }
    heights = [np.ptp(dump[dump.index.str.startswith(f"{eye}_eye[")].landmark_y) for eye in ("left", "right")]
    length = np.linalg.norm
    computed = [
        length(away(left, right)) / length(away("chin[4]", "chin[12]")),
        length(away(left, right)),
        length(away("top_lip[3]", "bottom_lip[9]")),
        *(np.arctan(to_lips[corner][1] / to_lips[corner][0]) for corner in (left, right)),
        *heights,
        length(away("left_eye[3]", "right_eye[0]")) / length(away("left_eyebrow[4]", "right_eyebrow[0]")),
    ]
    assert numbers[numbers.table == "Landmark distances"].value.to_numpy() == pytest.approx(computed)


def test_value_wants_exactly_one_row(tmp_path):
    with pytest.raises(FerError, match="3 rows"):
        published.value("emotionaldan", "Table 1", "CNN (2)")
    with pytest.raises(FerError, match="0 rows"):
        published.value("uvic_cnn", "Table 1", "Enormous")
    with pytest.raises(FerError, match="no confusion matrix"):
        published.confusion("uvic_cnn", "Table 1")
    with pytest.raises(FerError, match="missing"):
        published.load(tmp_path / "nothing.csv")

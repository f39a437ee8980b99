"""The audit's counts on a hand-made set with known faults, and on the real file."""

import numpy as np
import pytest

from fer_helpers import audit, datasets, paths
from fer_helpers.datasets import clean_rows, ferplus
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, FERPLUS_VOTES, PRIVATE_TEST, PUBLIC_TEST, SPLITS, TRAINING

# A letter is a picture, "-" a constant one; the status follows from the definitions in `clean_rows`.
ROWS = [
    (TRAINING, "a", 0, "clean"),
    (TRAINING, "a", 1, "clean"),  # copies inside Training stay; labels of group a conflict
    (TRAINING, "b", 2, "in PublicTest"),
    (TRAINING, "c", 3, "in PublicTest"),  # c stands in both test splits: the first reason counts
    (TRAINING, "-", 4, "constant"),
    (TRAINING, "n", 4, "not a face"),
    (PUBLIC_TEST, "b", 2, "in Training"),
    (PUBLIC_TEST, "c", 3, "in Training"),
    (PUBLIC_TEST, "d", 3, "in PrivateTest"),
    (PUBLIC_TEST, "e", 5, "clean"),
    (PUBLIC_TEST, "e", 5, "duplicate"),
    (PRIVATE_TEST, "c", 3, "in Training"),
    (PRIVATE_TEST, "d", 4, "in PublicTest"),  # conflict, across splits
    (PRIVATE_TEST, "f", 6, "clean"),
    (PRIVATE_TEST, "g", 6, "clean"),
    (PRIVATE_TEST, "g", 6, "duplicate"),
    (PRIVATE_TEST, "n2", 6, "not a face"),
]
SPLIT, PICTURE, LABEL, STATUS = (np.array(column) for column in zip(*ROWS, strict=True))
FACES = np.array([not picture.startswith("n") for picture in PICTURE])
HIDDEN = STATUS == "not a face"


def picture(name: str) -> np.ndarray:
    if name == "-":
        return np.full((48, 48), 9, np.uint8)
    return np.random.default_rng([ord(letter) for letter in name]).integers(0, 256, (48, 48), dtype=np.uint8)


IMAGES = np.stack([picture(name) for name in PICTURE])


def made(**changes) -> datasets.Dataset:
    values = {"name": "made", "images": IMAGES, "labels": LABEL, "classes": EMOTIONS, "splits": SPLIT}
    values |= {"clean": STATUS == "clean", "rows": np.arange(len(ROWS))}
    return datasets.Dataset(**values | changes)


def test_each_row_gets_its_reason():
    assert clean_rows.status(IMAGES, SPLIT, FACES).tolist() == STATUS.tolist()


def test_without_faces_non_faces_stay():
    assert clean_rows.status(IMAGES, SPLIT).tolist() == np.where(HIDDEN, "clean", STATUS).tolist()


def test_one_grey_level_makes_another_picture():
    images = np.stack([IMAGES[0], IMAGES[0]])
    images[1, 47, 47] ^= 1
    assert len(set(clean_rows.groups(images))) == 2
    assert len(set(clean_rows.groups(IMAGES))) == len(set(PICTURE))


def test_counts_of_the_made_set():
    result = audit.audit(made())
    assert (result.groups, result.rows, result.across) == (6, 13, 3)  # a b c d e g
    assert result.in_training == {PRIVATE_TEST: 1, PUBLIC_TEST: 2}
    assert (result.conflicting, result.constant) == (2, 1)
    assert result.clean == {TRAINING: 2, PUBLIC_TEST: 1, PRIVATE_TEST: 2}
    assert result.clean_per_class[PRIVATE_TEST] == [0, 0, 0, 0, 0, 0, 2]
    assert result.ferplus_clean_test is None and result.agreement is None
    text = audit.report(result)
    assert "6 groups of identical images covering 13 rows" in text
    assert "1 PrivateTest and 2 PublicTest rows that stand in Training" in text
    assert "FER+" not in text


def test_agreement_leaves_out_unknown_and_no_face(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path))  # no label.csv there
    votes = np.zeros((len(ROWS), 10), np.uint8)
    votes[:, 0] = 10  # neutral is FER2013's 6
    private = np.flatnonzero(SPLIT == PRIVATE_TEST)  # labels 3 4 6 6 6 6
    votes[private[0]] = [0, 2, 0, 0, 0, 0, 0, 0, 8, 0]  # unknown, most emotion votes for happy = 3
    votes[private[5]] = [0] * 9 + [10]  # no face, no emotion vote: NumPy's argmax says neutral
    result = audit.audit(made(name="fer2013", votes=votes, vote_names=FERPLUS_VOTES))
    assert result.agreement == {"correct": 3, "n": 4, "correct_all": 5, "n_all": 6}
    assert "FER+ agreement 75.0 % of 4 (83.3 % of all 6)" in audit.report(result)
    assert "label.csv files are missing" in audit.report(result)


def test_the_clean_list_is_read_by_row(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("row,split,status\n1,Training,constant\n2,PublicTest,clean\n4,PrivateTest,duplicate\n")
    assert clean_rows.read(5, path).tolist() == [True, False, True, True, False]
    path.write_text("row,split,status\n5,PrivateTest,clean\n")
    with pytest.raises(FerError, match="missing or damaged"):
        clean_rows.read(5, path)
    with pytest.raises(FerError, match="missing or damaged"):
        clean_rows.read(5, tmp_path / "none.csv")


def test_the_committed_list_has_the_published_counts():
    rows = [line.split(",") for line in clean_rows.PATH.read_text().splitlines()[1:]]
    count = {split: [status for _, other, status in rows if other == split] for split in SPLITS}
    assert len(count[PUBLIC_TEST]) == len(count[PRIVATE_TEST]) == 3589
    assert count[PRIVATE_TEST].count("clean") == 3252 and count[PUBLIC_TEST].count("clean") == 3257
    assert len(count[TRAINING]) == 842 and count[TRAINING].count("clean") == 0
    assert sum(status.startswith("in ") for status in count[TRAINING]) == 703


def test_order_tells_labels_and_splits_apart():
    official = clean_rows.order(LABEL, SPLIT)
    assert official != clean_rows.order(LABEL[::-1], SPLIT) and official != clean_rows.order(
        LABEL, SPLIT[::-1]
    )


def test_facekit_has_no_leaks():
    result = audit.audit(datasets.load("facekit"))
    assert result.groups == result.across == result.constant == 0
    assert result.clean == result.images


@pytest.mark.real_data
def test_real_audit():
    text = audit.report(audit.audit(datasets.load("fer2013")))
    for line in (
        "1,514 groups of identical images covering 3,365 rows",
        "557 groups across splits",
        "288 PrivateTest and 280 PublicTest rows that stand in Training",
        "57 groups with conflicting labels",
        "12 constant images",
        "clean PrivateTest 3,252 (450/38/477/843/567/284/593)",
        "clean PublicTest 3,257 (434/40/442/857/622/284/578)",
        "clean Training 27,867 (3860/388/3972/7130/4745/2887/4885)",
        "clean FER+ test 2,862",
        "FER+ agreement 62.9 % of 3,546 (62.5 % of all 3,589)",
    ):
        assert line in text.splitlines()


@pytest.mark.real_data
def test_real_clean_list_equals_its_recomputation(tmp_path):
    result = audit.write_clean_rows(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == clean_rows.PATH.read_bytes()
    data = datasets.load("fer2013")
    assert np.array_equal(data.clean, result == "clean")
    assert (~ferplus.faces(paths.data_dir()) & data.clean).sum() == 0

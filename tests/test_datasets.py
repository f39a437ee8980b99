"""Every form of FER2013 and FER+ that people have, every fault that such files have, and the cache."""

import csv
import gzip
import io
import json
import lzma
import tarfile
import time
import warnings
import zipfile

import cv2
import numpy as np
import pytest

from fer_helpers import datasets, paths
from fer_helpers.datasets import cache, clean_rows, fer2013_files, ferplus
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, FERPLUS_EMOTIONS, PRIVATE_TEST, PUBLIC_TEST, SPLITS, TRAINING

N = 21  # a row of each class in each split
LABELS = np.arange(N) % 7
USAGE = np.repeat(SPLITS, 7)
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 48, 48), dtype=np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # the small sets differ from the official one
FORMS = ["csv", "gz", "xz", "csv.zip", "zip", "tar.gz", "icml", "icml.gz"]


def text(rows=range(N), icml=False) -> str:
    """Rows as the CSV writes them."""
    lines = ["emotion, Usage, pixels" if icml else "emotion,pixels,Usage"]
    for i in rows:
        pixels = " ".join(map(str, IMAGES[i].ravel()))
        lines.append(f"{LABELS[i]},{USAGE[i]},{pixels}" if icml else f"{LABELS[i]},{pixels},{USAGE[i]}")
    return "\n".join(lines) + "\n"


def write(folder, form: str) -> None:
    """Write the set in one of the official packings."""
    content = text(icml=form.startswith("icml")).encode()
    if form in ("csv", "icml"):
        (folder / {"csv": "fer2013.csv", "icml": "icml_face_data.csv"}[form]).write_bytes(content)
    elif form in ("gz", "icml.gz"):
        name = {"gz": "fer2013.csv.gz", "icml.gz": "icml_face_data.csv.gz"}[form]
        (folder / name).write_bytes(gzip.compress(content))
    elif form == "xz":
        (folder / "fer2013.csv.xz").write_bytes(lzma.compress(content))
    elif form in ("csv.zip", "zip"):
        name = {"csv.zip": "fer2013.csv.zip", "zip": "challenges-in-representation-learning.zip"}[form]
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("fer2013/README", "x")
            archive.writestr("fer2013/fer2013.csv", content)
    else:
        with tarfile.open(folder / "fer2013.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo("fer2013/fer2013.csv")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_tree(folder, named=True, names=EMOTIONS, suffix=".png") -> None:
    """Write train/ and test/ class folders, with or without the split in the file names."""
    for i in range(N):
        place = folder / ("train" if USAGE[i] == TRAINING else "test") / names[LABELS[i]]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{USAGE[i] if named else 'im'}_{i:05}{suffix}"), IMAGES[i])


@pytest.fixture(autouse=True)
def empty_state(request, tmp_path, monkeypatch):
    """Give each test its own cache; those on the real file share the run's."""
    if not request.node.get_closest_marker("real_data"):
        monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make an empty folder the place where FER2013 is looked for."""
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def load(name="fer2013", **options):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        return datasets.load(name, **options)


def same(data) -> None:
    assert np.array_equal(data.images, IMAGES)
    assert np.array_equal(data.labels, LABELS) and data.labels.dtype == np.int64
    assert np.array_equal(data.splits, USAGE)
    assert data.classes == EMOTIONS and data.votes is None and data.clean.all()


# ---- layouts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_each_packing_gives_the_same_rows(folder, form):
    write(folder, form)
    same(load())


def test_the_csv_may_lie_in_the_folder_that_kaggles_archive_makes(folder):
    (folder / "fer2013").mkdir()
    write(folder / "fer2013", "csv")
    same(load())


def test_a_csv_is_loaded_by_its_path(tmp_path, folder):
    write(tmp_path, "csv")
    same(load(str(tmp_path / "fer2013.csv")))


def by_row(data) -> None:
    """Check a set whose rows are in another order against the original rows."""
    for image, label, split in zip(data.images, data.labels, data.splits, strict=True):
        row = np.flatnonzero((IMAGES == image).all(axis=(1, 2))).item()
        assert (label, split) == (LABELS[row], USAGE[row])


def test_a_tree_keeps_the_splits_that_its_file_names_say(folder):
    write_tree(folder)
    data = load()
    assert len(data) == N
    by_row(data)
    assert not any("merges" in note for note in data.notes)


def test_a_tree_without_split_names_is_merged_and_says_so(folder):
    write_tree(folder, named=False)
    data = load()
    assert data.counts().sum(axis=1).to_dict() == {TRAINING: 7, PUBLIC_TEST: 0, PRIVATE_TEST: 14}
    assert any("merges the two test halves" in note for note in data.notes)


@pytest.mark.parametrize("names", [None, EMOTIONS, tuple(sorted(EMOTIONS))])
def test_parquet(folder, names):
    """Hugging Face numbers the classes as its metadata say, often by the alphabet."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    number = (names or EMOTIONS).index
    features = {"label": {"names": list(names or ()), "_type": "ClassLabel"}}
    (folder / "data").mkdir()
    for split, part in zip(SPLITS, ("train", "validation", "test"), strict=True):
        rows = np.flatnonzero(USAGE == split)
        pictures = [{"bytes": cv2.imencode(".png", IMAGES[i])[1].tobytes(), "path": None} for i in rows]
        table = pyarrow.table({"image": pictures, "label": [number(EMOTIONS[LABELS[i]]) for i in rows]})
        if names:
            table = table.replace_schema_metadata(
                {"huggingface": json.dumps({"info": {"features": features}})}
            )
        parquet.write_table(table, folder / "data" / f"{part}-00000-of-00001.parquet")
    data = load()
    by_row(data)
    assert any("does not name its labels" in note for note in data.notes) == (names is None)


def test_of_several_layouts_the_first_is_used_and_named(folder):
    write(folder, "csv")
    write_tree(folder)
    data = load()
    same(data)
    assert f"{folder / 'fer2013.csv'} is used, not {folder}." in data.notes[0]


def test_a_damaged_archive_beside_a_good_csv_does_no_harm(folder):
    write(folder, "csv")
    (folder / "archive.zip").write_bytes(b"no zip")
    same(load())


def test_counts_that_differ_are_noted_and_warned_of(folder):
    write(folder, "csv")
    with pytest.warns(
        UserWarning, match="Training has 7 images, the official set 28,709 .angry 1 instead of 3,995"
    ):
        data = datasets.load("fer2013")
    assert sum("the official set" in note for note in data.notes) == 3
    assert any("official order" in note for note in data.notes)


# ---- faults ------------------------------------------------------------------------------------------------


def test_no_data_says_what_where_and_how(folder):
    with pytest.raises(FerError) as error:
        load()
    for part in ("fer2013.csv", str(folder), "Kaggle", "ICML 2013", "FER_DATA_DIR"):
        assert part in str(error.value)


def edited(row: str) -> str:
    """Replace the third line of the CSV."""
    lines = text().splitlines()
    return "\n".join([*lines[:2], row, *lines[3:]]) + "\n"


GREY = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"3,{GREY[:-2]},Training", "line 3: 2,303 pixels instead of 2,304"),
        (f"3,{GREY} 7,Training", "line 3: 2,305 pixels instead of 2,304"),
        (f"3,{GREY[:-1]}256,Training", "line 3: the pixel '256' is not a whole number from 0 to 255"),
        (f"3,{GREY[:-1]}-1,Training", "line 3: the pixel '-1' is not"),
        (f"3,{GREY[:-1]}7.5,Training", "line 3: the pixel '7.5' is not"),
        (f"3,{GREY[:-1]}grey,Training", "line 3: the pixel 'grey' is not"),
        (f"7,{GREY},Training", "line 3: the label '7' is not a number from 0 to 6"),
        (f"happy,{GREY},Training", "line 3: the label 'happy' is not"),
        (f"3,{GREY},Test", "line 3: the split 'Test' is none of Training, PublicTest, PrivateTest"),
        (f"3,{GREY}", "line 3: 2 fields instead of 3"),
        ('3,"7 7', "field larger than field limit|fields instead of 3"),
    ],
)
def test_a_bad_row_is_named(folder, row, fault):
    (folder / "fer2013.csv").write_text(edited(row))
    with pytest.raises(FerError, match=fault) as error:
        load()
    assert str(folder / "fer2013.csv") in str(error.value)


@pytest.mark.parametrize("cut", [5, 14, 3000, 8000])
def test_a_csv_cut_off_in_a_row_is_an_error(folder, cut):
    (folder / "fer2013.csv").write_text(text()[:-cut])
    with pytest.raises(FerError, match=f"line {N + 1}: "):
        load()


@pytest.mark.parametrize("form", ["gz", "xz", "csv.zip", "tar.gz"])
def test_a_packed_file_cut_off_is_an_error(folder, form):
    write(folder, form)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-20000])
    with pytest.raises(FerError, match="damaged|cut off"):
        load()


@pytest.mark.parametrize("content", ["", "emotion,pixels\n3,1 2 3\n", "\x00\x01\n"])
def test_a_header_without_the_columns_is_an_error(folder, content):
    (folder / "fer2013.csv").write_text(content)
    with pytest.raises(FerError, match="names no column .*Usage"):
        load()


def test_a_header_alone_is_an_error(folder):
    (folder / "fer2013.csv").write_text(text(rows=[]))
    with pytest.raises(FerError, match="no rows"):
        load()


def test_a_file_that_is_no_text_is_an_error(folder):
    (folder / "fer2013.csv").write_bytes(b"emotion,pixels,Usage\n\xff\xfe\n")
    with pytest.raises(FerError, match="not a CSV file"):
        load()


def test_a_zip_without_the_csv_is_no_fer2013(folder):
    with zipfile.ZipFile(folder / "fer2013.csv.zip", "w") as archive:
        archive.writestr("train/angry/1.jpg", "x")
    with pytest.raises(FerError, match="unpack it"):
        load()


def test_a_tree_of_other_classes_is_no_fer2013(folder):
    write_tree(folder, names=("a", "b", "c", "d", "e", "f", "g"))
    with pytest.raises(FerError, match="class folders are a, b, c"):
        load()


def test_an_unknown_name_is_an_error():
    with pytest.raises(FerError, match="no data set 'fer2014'"):
        load("fer2014")


# ---- own folders -------------------------------------------------------------------------------------------


def own(root, classes=("dog", "cat"), each=20, shape=(60, 90, 3), suffix=".jpg"):
    generator = np.random.default_rng(1)
    for name in classes:
        (root / name).mkdir(parents=True)
        for i in range(each):
            cv2.imwrite(str(root / name / f"{i}{suffix}"), generator.integers(0, 256, shape, dtype=np.uint8))


def test_an_own_folder_is_split_by_class_and_seed(tmp_path):
    own(tmp_path / "pets")
    data = load(tmp_path / "pets")
    assert data.name == "pets" and data.classes == ("cat", "dog")
    assert data.images.shape == (40, 48, 48) and data.images.dtype == np.uint8
    assert data.counts().to_numpy().tolist() == [[16, 16], [2, 2], [2, 2]]
    assert "by chance (seed 0)" in data.notes[0]
    (tmp_path / "state").rename(tmp_path / "old_state")
    assert load(tmp_path / "pets").fingerprint == data.fingerprint


def test_own_train_and_test_folders_are_kept_and_training_gives_a_validation_set(tmp_path):
    own(tmp_path / "pets" / "Train")
    own(tmp_path / "pets" / "test", each=5)
    data = load(tmp_path / "pets")
    assert data.counts().to_numpy().tolist() == [[18, 18], [2, 2], [5, 5]]
    assert "a tenth of Training" in data.notes[0]


def test_synonyms_of_the_seven_emotions_come_in_fer2013s_order(tmp_path):
    own(
        tmp_path / "me",
        ("Anger", "disgust", "fearful", "Happiness", "sadness", "surprised", "neutral"),
        3,
        (48, 48),
    )
    data = load(tmp_path / "me")
    assert data.classes == EMOTIONS
    assert data.counts().to_numpy().tolist() == [[1] * 7] * 3


@pytest.mark.parametrize("shape", [(200, 100, 3), (20, 20), (48, 48, 4), (100, 30)])
def test_any_size_and_colour_becomes_48_by_48_grey(tmp_path, shape):
    own(tmp_path / "pets", each=3, shape=shape, suffix=".png")
    assert load(tmp_path / "pets").images.shape == (6, 48, 48)


def test_a_uniform_picture_keeps_its_grey(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(3):
            cv2.imwrite(str(tmp_path / "own" / name / f"{i}.png"), np.full((10 + 90 * i, 100), 50, np.uint8))
    assert (load(tmp_path / "own").images == 50).all()


@pytest.mark.parametrize("keep", [0, 100, -300])
def test_a_corrupt_jpeg_is_named(tmp_path, keep):
    own(tmp_path / "pets")
    path = tmp_path / "pets" / "cat" / "3.jpg"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FerError, match="3.jpg is not a readable image"):
        load(tmp_path / "pets")


def test_empty_folders_are_errors(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(FerError, match="no class folders"):
        load(tmp_path / "none")
    own(tmp_path / "pets")
    (tmp_path / "pets" / "emu").mkdir()
    with pytest.raises(FerError, match="emu holds no images"):
        load(tmp_path / "pets")


def test_too_few_classes_or_images_are_errors(tmp_path):
    own(tmp_path / "one", ("cat",))
    with pytest.raises(FerError, match="the one class cat"):
        load(tmp_path / "one")
    own(tmp_path / "few", each=2)
    with pytest.raises(FerError, match="fewer than the 3 images"):
        load(tmp_path / "few")


# ---- cache -------------------------------------------------------------------------------------------------


def cache_file():
    (path,) = (paths.state_dir() / "datasets").glob("*.npz")
    return path


def test_the_second_load_takes_the_cache(folder, monkeypatch):
    write(folder, "csv")
    first = load()
    monkeypatch.setattr(fer2013_files.fer2013_csv, "read", lambda path: pytest.fail("read again"))
    second = load()
    same(second)
    assert second.notes == first.notes and second.fingerprint == first.fingerprint


def test_a_changed_file_is_read_again(folder):
    write(folder, "csv")
    load()
    (folder / "fer2013.csv").write_text(text(rows=range(14)))
    assert len(load()) == 14
    assert cache_file().is_file()  # the stale one was replaced, not kept beside


def test_a_changed_picture_is_read_again(tmp_path):
    own(tmp_path / "pets")
    before = load(tmp_path / "pets")
    cv2.imwrite(str(tmp_path / "pets" / "cat" / "0.jpg"), np.zeros((60, 90), np.uint8))
    assert load(tmp_path / "pets").fingerprint != before.fingerprint


@pytest.mark.parametrize("damage", ["empty", "cut", "flip", "other"])
def test_a_corrupt_cache_is_built_again_with_a_warning(folder, damage):
    write(folder, "csv")
    load()
    path, content = cache_file(), bytearray(cache_file().read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 255
    elif damage == "other":
        buffer = io.BytesIO()
        np.savez(buffer, nothing=1)
        content = buffer.getvalue()
    else:
        content = content[: {"empty": 0, "cut": 20000}[damage]]
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged .* and is built again"):
        same(datasets.load("fer2013"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        same(datasets.load("fer2013"))
    assert not any("damaged" in str(warning.message) for warning in caught)


def test_a_new_format_makes_old_caches_stale(folder, monkeypatch):
    write(folder, "csv")
    load()
    before = cache_file().stat().st_mtime_ns
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    same(load())
    assert cache_file().stat().st_mtime_ns > before


def test_data_load_where_no_cache_can_be_written(folder, tmp_path, monkeypatch):
    write(folder, "csv")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="Without a cache"):
        same(datasets.load("fer2013"))


# ---- the Dataset -------------------------------------------------------------------------------------------


def test_subset_split_and_fingerprint(folder):
    write(folder, "csv")
    data = load()
    public = data.split(PUBLIC_TEST)
    assert len(public) == 7 and public.rows.tolist() == list(range(7, 14))
    assert np.array_equal(data.subset(data.splits == PUBLIC_TEST).images, data.subset(slice(7, 14)).images)
    assert data.subset([3, 1]).rows.tolist() == [3, 1]
    assert data.counts().loc[PUBLIC_TEST, "happy"] == 1
    assert data.fingerprint == data.subset(slice(None)).fingerprint != public.fingerprint
    for field, value in (("images", 255 - IMAGES), ("labels", LABELS[::-1]), ("splits", USAGE[::-1])):
        changed = datasets.replace(data, **{field: value})
        assert changed.fingerprint != data.fingerprint, field
    with pytest.raises(FerError, match="no images in a split 'Validation'"):
        data.split("Validation")
    with pytest.raises(ValueError, match="labels has 20 rows for 21 images"):
        datasets.replace(data, labels=LABELS[:-1])


def test_facekit_is_whole():
    data = load("facekit")
    assert data.classes == data.vote_names == EMOTIONS and data.clean.all() and not data.notes
    assert data.images.shape[1:] == (48, 48) and data.landmarks.shape == (len(data), 68, 2)
    assert data.votes.shape == (len(data), 7) and data.pose.shape == (len(data), 3)
    assert data.action_units.shape == (len(data), len(data.action_unit_names))
    assert all(unit.startswith("AU") for unit in data.action_unit_names)
    assert (data.counts().to_numpy() >= 30).all()


# ---- FER+ --------------------------------------------------------------------------------------------------


def votes(**named) -> np.ndarray:
    """One row of ten counts."""
    order = (*FERPLUS_EMOTIONS, "unknown", "nf")
    return np.array([[named.get(name, 0) for name in order]], np.uint8)


@pytest.mark.parametrize(
    ("row", "majority", "argmax", "distribution"),
    [
        (votes(happy=10), "happy", "happy", {"happy": 1}),
        (votes(happy=5, sad=5), None, "happy", {"happy": 0.5, "sad": 0.5}),  # a half is no majority
        (
            votes(happy=5, sad=4, fear=1),
            "happy",
            "happy",
            {"happy": 5 / 9, "sad": 4 / 9},
        ),  # single vote struck out
        (
            votes(happy=4, sad=1, fear=1, angry=1, disgust=1, neutral=1, unknown=1),
            "happy",
            "happy",
            {"happy": 1},
        ),
        (votes(unknown=6, happy=4), None, None, None),
        (
            votes(happy=4, unknown=4, sad=2),
            None,
            "happy",
            None,
        ),  # takes happy, leaves unknown: 40 % are covered
        (votes(happy=6, unknown=4), "happy", "happy", {"happy": 1}),
        (votes(happy=6, sad=2, fear=1, angry=1), "happy", "happy", {"happy": 1}),  # 6 of 8 are three quarters
        (votes(nf=10), None, None, None),
        (votes(happy=4, sad=2, fear=2, angry=2), None, "happy", None),  # four classes
        (votes(happy=4, sad=3, fear=3), None, "happy", {"happy": 0.4, "sad": 0.3, "fear": 0.3}),
        (
            votes(**dict.fromkeys(FERPLUS_EMOTIONS, 1), unknown=1, nf=1),
            None,
            "neutral",
            None,
        ),  # nothing is left
    ],
)
def test_ferplus_rules(row, majority, argmax, distribution):
    number = {None: -1} | {name: i for i, name in enumerate(FERPLUS_EMOTIONS)}
    assert ferplus.majority(row).tolist() == [number[majority]]
    assert ferplus.argmax(row).tolist() == [number[argmax]]
    expected = [(distribution or {}).get(name, 0) for name in FERPLUS_EMOTIONS]
    assert np.allclose(ferplus.distribution(row), [expected])


@pytest.fixture
def ferplus_folder(folder, monkeypatch):
    """A small FER2013 that counts as the official one, with both forms of FER+; row 20 has no FER+
    picture."""
    write(folder, "csv")
    monkeypatch.setattr(clean_rows, "OFFICIAL_ORDER", clean_rows.order(LABELS, USAGE))
    monkeypatch.setattr(clean_rows, "read", lambda n: np.ones(n, bool))
    table = [[*(10 if k == i % 8 else 0 for k in range(8)), 0, 0] for i in range(N)]
    table[1] = [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]  # no majority, in Training
    table[8] = [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]  # the same in PublicTest
    with open(folder / "fer2013new.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Usage", "Image name", *"abcdefghij"])
        writer.writerows([USAGE[i], f"fer{i:07}.png" if i < 20 else "", *table[i]] for i in range(N))
    table[0] = [0, 0, 0, 0, 0, 0, 0, 10, 0, 0]  # label.csv has changed its mind
    for split, part in zip(SPLITS, ("Train", "Valid", "Test"), strict=True):
        place = folder / "FERPlus" / "data" / f"FER2013{part}"
        place.mkdir(parents=True)
        rows = [i for i in range(20) if USAGE[i] == split]
        with open(place / "label.csv", "w", newline="") as file:
            csv.writer(file).writerows([f"fer{i:07}.png", "(0, 0, 48, 48)", *table[i]] for i in rows)
    return folder


def test_ferplus_from_both_sources(ferplus_folder):
    new, label = load("ferplus", source="fer2013new.csv"), load("ferplus")
    assert new.classes == FERPLUS_EMOTIONS and new.name == "ferplus" and new.targets is None
    assert new.rows.tolist() == label.rows.tolist() == [i for i in range(20) if i not in (1, 8)]
    assert (new.labels[0], label.labels[0]) == (0, 7)
    assert np.array_equal(new.labels[1:], new.rows[1:] % 8) and np.array_equal(
        new.labels[1:], label.labels[1:]
    )
    assert np.array_equal(label.images, IMAGES[label.rows])
    assert load("fer2013").votes[0].tolist() == [10] + [0] * 9  # FER2013 carries those of fer2013new.csv


def test_only_training_follows_the_votes_option(ferplus_folder):
    argmax, soft = load("ferplus", votes="argmax"), load("ferplus", votes="distribution")
    assert argmax.rows.tolist() == soft.rows.tolist() == [i for i in range(20) if i != 8]
    assert soft.targets.shape == (19, 8) and soft.targets.dtype == np.float32
    assert soft.targets[1].tolist() == [0.5, 0.5] + [0] * 6
    assert np.allclose(soft.targets.sum(axis=1), 1)
    assert np.array_equal(soft.targets.argmax(axis=1), soft.labels)


def test_ferplus_faults(ferplus_folder):
    with pytest.raises(FerError, match="not by 'mean'"):
        load("ferplus", votes="mean")
    with pytest.raises(FerError, match="not from 'new.csv'"):
        load("ferplus", source="new.csv")
    path = ferplus_folder / "FERPlus" / "data" / "FER2013Test" / "label.csv"
    path.write_text(path.read_text().replace("fer0000014", "fer9999999"))
    with pytest.raises(FerError, match="fer9999999"):
        load("ferplus")
    path.write_text('fer0000014.png,"(0, 0, 48, 48)",a,0,0,0,0,0,0,0,0,0\n')
    with pytest.raises(FerError, match="ten counts from 0 to 10"):
        load("ferplus")
    path.unlink()
    with pytest.raises(FerError, match="ferplus_label_Test.csv, .*https://github.com/microsoft/FERPlus"):
        load("ferplus")
    new = ferplus_folder / "fer2013new.csv"
    new.write_text("".join(new.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(FerError, match="other rows than FER2013"):
        load("fer2013")
    new.unlink()
    with pytest.raises(FerError, match="fer2013new.csv, .*https://github.com/microsoft/FERPlus"):
        load("ferplus", source="fer2013new.csv")


def test_votes_are_not_paired_with_rows_in_another_order(ferplus_folder):
    (ferplus_folder / "fer2013.csv").unlink()
    write_tree(ferplus_folder)
    with pytest.raises(FerError, match="another order"):
        load("ferplus")
    assert load("fer2013").votes is None


# ---- the real files ----------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_fer2013_within_the_time_limits():
    started = time.perf_counter()
    data = datasets.load("fer2013")
    first = time.perf_counter() - started
    started = time.perf_counter()
    again = datasets.load("fer2013")
    second = time.perf_counter() - started
    started = time.perf_counter()
    fingerprint = again.fingerprint
    third = time.perf_counter() - started
    assert data.notes == () and data.fingerprint == fingerprint
    assert {s: tuple(row) for s, row in data.counts().iterrows()} == fer2013_files.OFFICIAL_COUNTS
    assert data.images[0].ravel()[:8].tolist() == [70, 80, 82, 72, 58, 58, 60, 63] and data.labels[0] == 0
    assert data.votes.shape == (35887, 10)
    assert first < 60 and second < 3 and third < 3, (first, second, third)  # 8, .15 and .1 s on an idle core


@pytest.mark.real_data
def test_real_ferplus_counts():
    def count(**options):
        return datasets.load("ferplus", **options).counts().sum(axis=1).tolist()

    assert count() == [25045, 3191, 3137]
    assert count(source="fer2013new.csv") == [25060, 3199, 3153]
    assert count(votes="distribution") == [27947, 3191, 3137]
    assert count(votes="argmax") == [28385, 3191, 3137]
    assert count(votes="argmax", source="fer2013new.csv") == [28389, 3199, 3153]
    data = datasets.load("ferplus")
    per_class = [[8733, 7284, 3136, 3022, 2098, 116, 536, 120], [1180, 862, 411, 348, 289, 25, 60, 16]]
    assert data.counts().to_numpy().tolist() == [*per_class, [1083, 892, 394, 382, 269, 16, 86, 15]]
    assert (data.clean & (data.splits == PRIVATE_TEST)).sum() == 2862


@pytest.mark.real_data
def test_real_ferplus_rules_on_all_splits():
    splits = datasets.load("fer2013").splits

    def count(kept):
        return [int((kept & (splits == split)).sum()) for split in SPLITS]

    label, listed = ferplus.read_votes(paths.data_dir(), "label.csv")
    assert count(listed) == [28558, 3579, 3573]
    assert count(listed & ferplus.distribution(label).any(axis=1)) == [27947, 3508, 3507]
    new, listed = ferplus.read_votes(paths.data_dir(), "fer2013new.csv")
    assert count(listed & (ferplus.argmax(new) >= 0)) == [28389, 3553, 3546]
    assert count(listed & new[:, :8].any(axis=1)) == [28559, 3579, 3573]

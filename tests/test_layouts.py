"""Each database's own folder form, built small from noise, is read with the right labels, people and notes."""

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fer_helpers import pictures
from fer_helpers.across import layouts
from fer_helpers.errors import FerError


def put(path, size=(20, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(path))).integers(0, 255, size, np.uint8)
    Image.fromarray(noise).save(path)
    return path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def rows(database):
    return [
        (path.name, *row)
        for path, *row in zip(database.sources, database.labels, database.subjects, strict=True)
    ]


def test_ck_takes_last_and_first_frame_of_labelled_sequences(tmp_path):
    for sequence in ("S005/001", "S010/002", "S010/004"):
        for frame in (1, 2, 11):
            name = f"{sequence.replace('/', '_')}_{frame:08d}.png"
            put(tmp_path / "cohn-kanade-images" / sequence / name)
    write(tmp_path / "Emotion/S005/001/S005_001_00000011_emotion.txt", "   3.0000000e+00\n")
    write(tmp_path / "Emotion/S010/002/S010_002_00000011_emotion.txt", "   2.0000000e+00\n")
    database = layouts.read("ck+", tmp_path)
    assert rows(database) == [
        ("S005_001_00000011.png", "disgust", "S005"),
        ("S005_001_00000001.png", "neutral", "S005"),
        ("S010_002_00000011.png", "contempt", "S010"),
        ("S010_002_00000001.png", "neutral", "S010"),
    ]
    assert any("1 sequences have no emotion file" in note for note in database.notes)
    assert database.counts() == {"disgust": 1, "neutral": 2, "contempt": 1}
    assert database.picture(0).shape == (20, 24)
    without = database.without("contempt")
    assert len(without) == 3 and "1 pictures of contempt are left out." in without.notes

    write(tmp_path / "Emotion/S005/001/S005_001_00000011_emotion.txt", "smile\n")
    with pytest.raises(FerError, match="S005_001_00000011_emotion.txt has the label 'smile'"):
        layouts.read("ck+", tmp_path)
    (tmp_path / "Emotion").rename(tmp_path / "elsewhere")
    with pytest.raises(FerError, match="Emotion is missing"):
        layouts.read("ck+", tmp_path)


def test_class_folders_of_ck48_london_and_anyone(tmp_path):
    put(tmp_path / "ck48/anger/S010_004_00000017.png", (48, 48))
    put(tmp_path / "ck48/contempt/S138_008_00000007.png", (48, 48))
    assert rows(layouts.read("ck+48", tmp_path / "ck48")) == [
        ("S010_004_00000017.png", "angry", "S010"),
        ("S138_008_00000007.png", "contempt", "S138"),
    ]
    put(tmp_path / "london/neutral_front/001_03.jpg")
    put(tmp_path / "london/smiling_front/001_08.jpg")
    put(tmp_path / "london/smiling_left_profile/001_06.jpg")
    put(tmp_path / "london/smiling_front/._001_08.jpg")
    london = layouts.read("london", tmp_path / "london")
    assert rows(london) == [("001_03.jpg", "neutral", "001"), ("001_08.jpg", "happy", "001")]
    assert london.notes == (
        "Taken: neutral_front as neutral, smiling_front as happy.",
        "1 pictures with none of the emotions as label are left out.",
    )

    put(tmp_path / "mine/train/Happiness/a.png")
    put(tmp_path / "mine/test/Sadness/b.png")
    assert rows(layouts.read("folder", tmp_path / "mine")) == [("b.png", "sad", "")]
    put(tmp_path / "mine/test/cats/c.png")
    with pytest.raises(FerError, match="cats is called after no emotion"):
        layouts.read("folder", tmp_path / "mine")


def test_jaffe_names_and_palette(tmp_path):
    put(tmp_path / "KA.AN1.39.tiff")
    put(tmp_path / "jaffe/YM.SU3.60.tiff")
    put(tmp_path / "KA.XX1.40.tiff")
    palette = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode="P")
    palette.putpalette([200, 200, 200, 10, 10, 10, 90, 90, 90])
    palette.save(tmp_path / "TM.NE2.178.tiff")
    database = layouts.read("jaffe", tmp_path)
    assert set(rows(database)) == {
        ("KA.AN1.39.tiff", "angry", "KA"),
        ("YM.SU3.60.tiff", "surprise", "YM"),
        ("TM.NE2.178.tiff", "neutral", "TM"),
    }
    assert any(note.startswith("1 pictures with none") for note in database.notes)
    picture = database.picture(database.labels.index("neutral"))
    assert picture.tolist() == [[200, 10], [90, 10]], "palette numbers are no grey levels"


def test_ised_table(tmp_path):
    put(tmp_path / "peakImages/26_7_39.jpg")
    put(tmp_path / "peakImages/5_3_85.jpg")
    table = np.empty((3, 7), object)
    table[0] = ["no", "id", "video", "frame", "clip", "image", "emotion"]
    table[1] = [26, "PS 26", 7, 39, "videos\\PS 26\\7.avi", "peakImages\\26_7_39.jpg", 4]
    table[2] = [5, "PS 5", 3, 85, "videos/PS 5/3.avi", "peakImages/5_3_85.jpg", "happiness"]
    savemat(tmp_path / "ISED_details.mat", {"details": table})
    database = layouts.read("ised", tmp_path)
    assert rows(database) == [("26_7_39.jpg", "disgust", "26"), ("5_3_85.jpg", "happy", "5")]
    (tmp_path / "ISED_details.mat").write_bytes(b"MATLAB 7.3 MAT-file" + bytes(600))
    with pytest.raises(FerError, match="not ISED's table"):
        layouts.read("ised", tmp_path)


def test_affectnet_csv_and_arrays(tmp_path):
    images = tmp_path / "csv/Manually_Annotated_Images"
    put(images / "689/a.jpg")
    put(images / "12/b.jpg")
    put(images / "12/c.jpg")
    listing = (
        "subDirectory_filePath,face_x,expression\n689/a.jpg,1,6\n12/b.jpg,1,7\n12/c.jpg,1,9\n3/gone.jpg,1,0\n"
    )
    write(tmp_path / "csv/Manually_Annotated_file_lists/validation.csv", listing)
    database = layouts.read("affectnet", tmp_path / "csv")
    assert rows(database) == [("a.jpg", "angry", ""), ("b.jpg", "contempt", "")]
    assert "1 of 4 pictures that have a label are not there." in database.notes

    annotations = tmp_path / "npy/val_set/annotations"
    annotations.mkdir(parents=True)
    for number, label in ((0, "3"), (5, 1)):
        put(tmp_path / f"npy/val_set/images/{number}.jpg")
        np.save(annotations / f"{number}_exp.npy", np.array(label))
    assert rows(layouts.read("affectnet", tmp_path / "npy")) == [
        ("0.jpg", "surprise", ""),
        ("5.jpg", "happy", ""),
    ]
    np.save(annotations / "5_exp.npy", np.array([{"not": "a number"}]), allow_pickle=True)
    with pytest.raises(FerError, match="5_exp.npy is damaged"):  # it would have to be unpickled
        layouts.read("affectnet", tmp_path / "npy")


def test_raf_takes_aligned_test_rows(tmp_path):
    write(
        tmp_path / "EmoLabel/list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 4\ntest_0002.jpg 6\n"
    )
    for name in ("train_00001", "test_0001", "test_0002"):
        put(tmp_path / f"Image/aligned/{name}_aligned.jpg", (100, 100))
    assert rows(layouts.read("raf-db", tmp_path)) == [
        ("test_0001_aligned.jpg", "happy", ""),
        ("test_0002_aligned.jpg", "angry", ""),
    ]
    (tmp_path / "EmoLabel/list_patition_label.txt").unlink()
    with pytest.raises(FerError, match="list_patition_label.txt is missing"):
        layouts.read("raf-db", tmp_path)


def test_a_database_is_found_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATABASES_DIR", str(tmp_path))
    assert layouts.at_hand() == ["fer2013", "facekit"]
    put(tmp_path / "jaffe/KA.AN1.39.tiff")
    assert layouts.at_hand() == ["jaffe", "fer2013", "facekit"]
    assert rows(layouts.read("jaffe")) == [("KA.AN1.39.tiff", "angry", "KA")]
    with pytest.raises(FerError, match=f"needs the folder with .* put it at {tmp_path / 'london'}"):
        layouts.read("london")


def test_embedded_set_and_bad_requests(tmp_path):
    facekit = layouts.read("facekit")
    assert len(facekit) == 500 and len(set(facekit.subjects)) == 50 and facekit.picture(0).shape == (48, 48)
    for layout, path, message in (
        ("fer", tmp_path, "no layout 'fer'"),
        ("jaffe", None, "needs the folder"),
        ("jaffe", tmp_path / "none", "no folder"),
        ("jaffe", tmp_path, "no labelled pictures of JAFFE"),
        ("affectnet", tmp_path, "neither validation.csv"),
    ):
        with pytest.raises(FerError, match=message):
            layouts.read(layout, path)
    assert layouts.table().loc["london", "terms"].startswith("CC BY 4.0")


@pytest.mark.real_data
def test_fer2013():
    assert len(layouts.read("fer2013")) == 3589


def test_read_picture_modes_rotation_and_damage(tmp_path):
    upright = np.zeros((10, 30), np.uint8)
    upright[:, :15] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated clockwise
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(pictures.read(tmp_path / "turned.png"), upright)

    Image.fromarray(np.full((4, 4), 200 << 8, np.uint16)).save(tmp_path / "deep.png")
    assert (pictures.read(tmp_path / "deep.png") == 200).all()
    Image.fromarray(np.full((4, 4, 4), (60, 60, 60, 0), np.uint8), mode="RGBA").save(tmp_path / "alpha.png")
    assert (pictures.read(tmp_path / "alpha.png") == 60).all()

    whole = put(tmp_path / "whole.jpg", (200, 200)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    assert cv2.imread(str(tmp_path / "cut.jpg")) is not None  # this is why OpenCV does not read them
    for name in ("cut.jpg", "absent.jpg"):
        with pytest.raises(FerError, match=f"{name} is not a readable picture"):
            pictures.read(tmp_path / name)


def test_crop_follows_the_frame_and_repeats_the_border():
    picture = np.add.outer(np.arange(200), np.zeros(200)).astype(np.uint8)
    picture[:, :100] = 250
    box = np.array([99.5, 51.5, 147.5, 99.5])  # edges of the pixels 100..147, 52..99
    same = pictures.crop(picture, box, pictures.Frame(0, 0))
    assert np.array_equal(same, picture[52:100, 100:148])
    raised = pictures.crop(picture, box, pictures.Frame(0, 0.25))
    assert np.array_equal(raised, picture[40:88, 100:148])
    wide = pictures.crop(picture, box, pictures.Frame(0.5, 0))  # 96 wide: 24 more on each side
    assert (wide[:, :12] == 250).all() and (wide[:, 13:] < 250).all()
    outside = pictures.crop(picture, np.array([151.5, 175.5, 199.5, 223.5]), pictures.Frame(0, 0))
    assert (outside[24:] == 199).all() and outside[0, 0] == 176

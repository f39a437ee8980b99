import math
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from fer_helpers import datasets, landmarks
from fer_helpers.errors import FerError

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)  # left and right in the picture


@pytest.fixture(scope="module")
def portrait():
    """The astronaut's face as a 48-pixel grey crop, and the place and size of the crop in the photograph."""
    left, top, size = 165, 65, 120
    crop = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)[top : top + size, left : left + size]
    return cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA), np.array([left, top]), size / 48


def test_a_photograph_gives_one_face(portrait):
    photograph = astronaut()
    box = landmarks.detect(photograph, padding=0, scale=1, threshold=0)
    points = landmarks.predict(photograph, box, scale=1)
    assert box.shape == (4,) and points.shape == (68, 2) and points.dtype == np.float32
    slack = 0.1 * (box[2] - box[0])  # the chin may touch the box's lower edge
    assert (points >= box[:2] - slack).all() and (points <= box[2:] + slack).all()
    left, right, mouth = points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0), points[48:].mean(0)
    assert left[0] < mouth[0] < right[0] and mouth[1] > max(left[1], right[1])


def test_a_small_crop_gives_the_same_points_as_the_photograph(portrait):
    image, corner, scale = portrait
    seen = landmarks.find(image[None])
    assert seen.found.tolist() == [True] and seen.points.shape == (1, 68, 2) and seen.boxes.shape == (1, 4)
    photograph = astronaut()
    box = landmarks.detect(photograph, padding=0, scale=1, threshold=0)
    truth = landmarks.predict(photograph, box, scale=1)
    difference = seen.points[0] - ((truth - corner + 0.5) / scale - 0.5)  # in pixels of the crop
    assert np.abs(difference.mean(axis=0)).max() < 0.25  # half a pixel of the crop would show
    assert np.abs(difference).mean() < 0.5


@pytest.mark.parametrize("padding", [3, 20])
def test_padding_and_scale_do_not_move_the_points(portrait, padding):
    image, _, _ = portrait
    box = landmarks.detect(image)
    usual = landmarks.predict(image, box)
    for scale in (1, 3):
        shift = (landmarks.predict(image, box, padding=padding, scale=scale) - usual).mean(axis=0)
        assert np.abs(shift).max() < 0.3


class Block:
    """Stands in for dlib: detects the white block of a picture, predicts the corner pixels of the box."""

    def run(self, image, upsample, threshold):
        y, x = np.nonzero(image > 127)
        return [landmarks._dlib().rectangle(x.min(), y.min(), x.max(), y.max())], [1.0], [0]

    def __call__(self, image, box):
        return SimpleNamespace(parts=lambda: [box.tl_corner(), box.br_corner()] * 34)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_boxes_are_edges(monkeypatch, scale):
    monkeypatch.setattr(landmarks, "_detector", Block)
    monkeypatch.setattr(landmarks, "_predictor", Block)
    picture = np.zeros((48, 48), np.uint8)
    picture[12:40, 10:30] = 255
    box = landmarks.detect(picture, scale=scale)
    assert box == pytest.approx([9.5, 11.5, 29.5, 39.5])
    half = 0.5 / scale  # from the edge to the centre of the enlarged pixel
    corners = landmarks.predict(picture, box, scale=scale)[:2]
    assert corners == pytest.approx(np.array([[9.5 + half, 11.5 + half], [29.5 - half, 39.5 - half]]))


def test_48_pixels_need_enlarging(portrait):
    image, _, _ = portrait
    assert landmarks.detect(image, padding=0, scale=1) is None
    assert landmarks.detect(image) is not None


@pytest.fixture
def state(monkeypatch, tmp_path):
    """An empty cache for each test."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path))
    return tmp_path / "landmarks"


@pytest.fixture
def mixed(portrait, state):
    """Five images: a face, nothing, a face, nothing, a face turned dark."""
    blank = np.full((48, 48), 128, np.uint8)
    images = np.stack([portrait[0], blank, portrait[0][:, ::-1], blank // 2, portrait[0] // 2])
    return datasets.Dataset(
        name="mixed",
        images=images,
        labels=np.array([0, 1, 0, 1, 1]),
        classes=("happy", "sad"),
        splits=np.array(["Training"] * 3 + ["PrivateTest"] * 2),
        clean=np.ones(5, bool),
        rows=np.arange(5),
        notes=("A note.",),
    )


FOUND = [True, False, True, False, True]


def test_a_blank_picture_has_no_face_but_points_of_the_whole_frame(mixed):
    seen = landmarks.find(mixed.images)
    assert seen.found.tolist() == FOUND
    assert seen.points.shape == (5, 68, 2) and seen.points.dtype == np.float32
    assert seen.boxes[1].tolist() == [-0.5, -0.5, 47.5, 47.5]
    np.testing.assert_array_equal(seen.points[1], landmarks.predict(mixed.images[1], seen.boxes[1]))
    np.testing.assert_array_equal(seen.boxes[2], landmarks.detect(mixed.images[2]))


def test_policies_for_faces_not_found(mixed):
    everywhere = landmarks.find(mixed.images).points
    keep, whole, drop = (landmarks.attach(mixed, policy) for policy in ("keep", "whole_crop", "drop"))
    assert np.isfinite(keep.landmarks).all(axis=(1, 2)).tolist() == FOUND
    np.testing.assert_array_equal(keep.landmarks[FOUND], everywhere[FOUND])
    np.testing.assert_array_equal(whole.landmarks, everywhere)
    np.testing.assert_array_equal(drop.landmarks, everywhere[FOUND])
    assert drop.rows.tolist() == [0, 2, 4] and drop.labels.tolist() == [0, 0, 1]
    assert len(keep) == len(whole) == 5 and keep.notes == whole.notes == mixed.notes
    assert drop.notes[0] == "A note." and drop.notes[1].startswith("2 of 5 images are left out")
    assert mixed.landmarks is None
    with pytest.raises(FerError, match="'ignore'.*keep, whole_crop, drop"):
        landmarks.attach(mixed, "ignore")


@pytest.fixture
def calls(monkeypatch):
    """Count the images that the detector sees."""
    seen, detect = [], landmarks.detect
    monkeypatch.setattr(landmarks, "detect", lambda image: seen.append(1) or detect(image))
    return seen


def test_one_search_serves_all_policies_and_other_images_have_their_own(mixed, state, calls):
    for policy in landmarks.POLICIES:
        landmarks.attach(mixed, policy)
    assert len(calls) == 5 and len(list(state.iterdir())) == 1
    darker = replace(mixed, images=mixed.images - 1)
    landmarks.attach(darker, "keep")
    assert len(calls) == 10 and len(list(state.iterdir())) == 2


def test_other_settings_search_again(mixed, monkeypatch, calls):
    landmarks.find(mixed.images)
    monkeypatch.setattr(landmarks, "THRESHOLD", 0.0)
    landmarks.find(mixed.images)
    assert len(calls) == 10


def test_an_interrupted_search_goes_on_where_it_stopped(mixed, state, monkeypatch):
    whole = landmarks.find(mixed.images)
    next(state.iterdir()).unlink()
    monkeypatch.setattr(landmarks, "CHUNK", 2)
    predict, left = landmarks.predict, [3]

    def interrupted(image, box):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return predict(image, box)

    monkeypatch.setattr(landmarks, "predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        landmarks.find(mixed.images)
    assert len(list(state.iterdir())) == 1  # the first chunk of two; no half-written file
    left[0] = 3  # enough for the images that are missing, not for all five
    again = landmarks.find(mixed.images)
    for name in ("points", "found", "boxes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))


def _cut(file):
    file.write_bytes(file.read_bytes()[:1000])


def _empty(file):
    file.write_bytes(b"")


def _other_shape(file):
    np.savez(file, points=np.zeros((3, 67, 2)), found=np.ones(3, bool), boxes=np.zeros((3, 4)))


def _objects(file):
    np.savez(file, points=np.array([None], object), found=np.ones(1, bool), boxes=np.zeros((1, 4)))


@pytest.mark.parametrize("damage", [_cut, _empty, _other_shape, _objects])
def test_a_damaged_cache_is_built_again_with_a_warning(mixed, state, damage):
    sound = landmarks.find(mixed.images)
    (file,) = state.iterdir()
    damage(file)
    with pytest.warns(UserWarning, match="damaged"):
        again = landmarks.find(mixed.images)
    np.testing.assert_array_equal(again.points, sound.points)
    with np.load(file, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["points"], sound.points)


def test_without_a_place_for_the_cache_it_still_answers(mixed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="searched anew"):
        assert landmarks.find(mixed.images).found.tolist() == FOUND


def test_a_float_picture_is_refused(portrait):
    with pytest.raises(FerError, match="uint8"):
        landmarks.detect(portrait[0] / 255)


def test_normalised_error_by_hand():
    truth = np.zeros((2, 68, 2), np.float32)
    truth[:, 45] = (20, 0)  # outer eye corners 20 pixels apart
    points = truth.copy()
    points[0] += (3, 4)  # every point is 5 pixels off
    points[1, :17] += (0, 10)  # the jaw alone is off
    assert landmarks.normalised_error(points, truth) == pytest.approx([5 / 20, 17 / 68 * 10 / 20])
    assert landmarks.normalised_error(points, truth, landmarks.INNER) == pytest.approx([5 / 20, 0])
    points[0] = np.nan
    assert math.isnan(landmarks.normalised_error(points, truth)[0])


def test_a_missing_model_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_LANDMARK_MODEL", str(tmp_path / "nothing.dat"))
    with pytest.raises(FerError, match=r"nothing.dat.*pip install face_recognition_models.*commercial"):
        landmarks.model_path()


def test_another_file_is_not_the_model(monkeypatch, tmp_path):
    (tmp_path / "wrong.dat").write_bytes(b"not a model")
    monkeypatch.setenv("FER_LANDMARK_MODEL", str(tmp_path / "wrong.dat"))
    with pytest.raises(FerError, match="SHA-256"):
        landmarks.model_path()


def test_the_model_comes_with_a_package(monkeypatch):
    monkeypatch.delenv("FER_LANDMARK_MODEL", raising=False)
    assert landmarks.model_path().stat().st_size == 99_693_937


def test_dlib_agrees_with_the_embedded_data_set():
    faces = datasets.load("facekit")
    some = faces.subset(np.arange(0, len(faces), 20))
    seen = landmarks.find(some.images)
    assert seen.found.mean() > 0.95  # .999 measured on all of them
    points, truth = seen.points[seen.found], some.landmarks[seen.found]
    assert landmarks.normalised_error(points, truth).mean() < 0.06  # .049 measured
    assert np.abs(np.median((points - truth).mean(axis=1), axis=0)).max() < 0.2  # no half-pixel shift


@pytest.mark.real_data
def test_dlib_misses_sad_faces_of_fer2013_most():
    some = datasets.load("fer2013")
    some = some.subset(np.arange(0, len(some), 20))
    found = landmarks.find(some.images).found
    shares = {name: found[some.labels == k].mean() for k, name in enumerate(some.classes)}
    assert 0.85 < found.mean() < 0.90  # .877 measured on all of them
    assert min(shares, key=shares.get) == "sad"

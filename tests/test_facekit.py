"""The embedded faces: the shipped file, the rasteriser on a few triangles, the renderer where it can run."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_helpers import facekit
from fer_helpers.errors import FerError
from fer_helpers.facekit import generate
from fer_helpers.facekit.expressions import (
    ACTION_UNITS,
    CONFUSION,
    NUISANCE,
    RECIPE,
    mean_weight,
    sample_expression,
    shape_weights,
)
from fer_helpers.labels import EMOTIONS

SHA256 = "43a22f554f25c6a3dfdc2baa039e6e2c3c09358373a6f293cf42591c2341d22a"


@pytest.fixture(scope="module")
def data():
    return facekit.read()


# ---- the shipped file


def test_decoded_arrays_are_the_published_ones(data):
    digest = hashlib.sha256()
    for name in ("images", "labels", "splits", "votes", "landmarks", "identities", "action_units"):
        digest.update(np.ascontiguousarray(data[name]).tobytes())
    assert digest.hexdigest() == SHA256


def test_file_is_small_enough_to_embed():
    assert facekit.PATH.stat().st_size <= 6_000_000


def test_columns_have_the_promised_shapes(data):
    n = sum(generate.SIZES)
    expected = {
        "images": ((n, 48, 48), np.uint8),
        "labels": ((n,), np.int64),
        "splits": ((n,), np.int64),
        "votes": ((n, 7), np.uint8),
        "landmarks": ((n, 68, 2), np.float32),
        "identities": ((n,), np.uint16),
        "action_units": ((n, len(ACTION_UNITS)), np.float32),
        "pose": ((n, 3), np.float32),
        "intensity": ((n,), np.float32),
        "light": ((n, 2), np.float32),
    }
    assert {name: (data[name].shape, data[name].dtype) for name in expected} == expected
    assert data["action_unit_names"].tolist() == list(ACTION_UNITS)


def test_counts_per_split_and_class(data):
    for split, counts in enumerate(generate.COUNTS):
        found = np.bincount(data["labels"][data["splits"] == split], minlength=7)
        assert found.tolist() == list(counts)
        assert found.sum() == generate.SIZES[split]
    assert min(min(counts) for counts in generate.COUNTS[1:]) >= 30
    assert generate.COUNTS[0][EMOTIONS.index("disgust")] < 0.02 * generate.SIZES[0]


def test_nobody_stands_in_two_splits(data):
    people = [set(data["identities"][data["splits"] == split].tolist()) for split in range(3)]
    assert [len(p) for p in people] == list(generate.IDENTITIES)
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])


def test_votes_are_ten_and_follow_the_label(data):
    assert (data["votes"].sum(1) == 10).all()
    agreement = (data["votes"].argmax(1) == data["labels"]).mean()
    assert 0.95 < agreement < 1


def test_landmarks_lie_inside_and_in_order(data):
    points = data["landmarks"]
    assert ((points >= 0) & (points <= 47)).all(2).mean() > 0.995
    x, y = points[..., 0], points[..., 1]
    assert (x[:, 36] < x[:, 39]).all() and (x[:, 39] < x[:, 42]).all() and (x[:, 42] < x[:, 45]).all()
    assert (x[:, 0] < x[:, 16]).all() and (x[:, 48] < x[:, 54]).all()
    assert (y[:, 27] < y[:, 33]).all() and (y[:, 33] < y[:, 57]).all() and (y[:, 57] < y[:, 8]).all()
    eyes = points[:, 42:48].mean(1) - points[:, 36:42].mean(1)
    assert 12 < np.linalg.norm(eyes, axis=1).mean() < 17


def test_landmarks_fit_the_pixels(data):
    """The eye, with its lid, iris and white, has more contrast at its landmarks than four pixels lower."""
    frontal = np.flatnonzero(np.abs(data["pose"][:, 0]) < 0.15)[:400]
    contrast = []
    for image, points in zip(data["images"][frontal], data["landmarks"][frontal], strict=True):
        x, y = np.rint(points[42:48].mean(0)).astype(int)
        contrast.append([image[row - 1 : row + 2, x - 3 : x + 4].std() for row in (y, y + 4)])
    there, lower = np.array(contrast).T
    assert (there > lower).mean() > 0.85


def test_action_units_follow_the_recipe(data):
    units = data["action_units"]
    names = data["action_unit_names"].tolist()
    label = {name: data["labels"] == k for k, name in enumerate(EMOTIONS)}
    strong = {
        "AU12": "happy",
        "AU4": "angry",
        "AU9": "disgust",
        "AU15": "sad",
        "AU2": "surprise",
        "AU20": "fear",
    }
    for unit, emotion in strong.items():
        means = {name: units[label[name], names.index(unit)].mean() for name in EMOTIONS}
        assert max(means, key=means.get) == emotion
        assert means[emotion] > 5 * means["neutral"] and means[emotion] > 0.4
    assert (data["intensity"][label["neutral"]] == 0).all()
    assert (data["intensity"][~label["neutral"]] >= 0.399).all()


def test_pictures_are_as_bright_as_intended(data):
    images = data["images"].astype(np.float32)
    assert 110 < images.mean() < 145
    assert 46 < images.std((1, 2)).mean() < 60
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut short", "text", "foreign", "flipped", "fewer"])
def test_bad_file_says_how_to_restore_it(tmp_path, damage):
    path, good = tmp_path / "faces.npz", facekit.PATH.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut short":
        path.write_bytes(good[: len(good) // 2])
    elif damage == "text":
        path.write_text("version https://git-lfs.github.com/spec/v1\n")
    elif damage == "foreign":
        np.savez(path, a=np.zeros(3))
    elif damage == "flipped":
        path.write_bytes(good[:500_000] + bytes(200) + good[500_200:])
    elif damage == "fewer":
        with np.load(facekit.PATH) as stored:
            np.savez(path, **{k: v[:-1] if k == "labels" else v for k, v in stored.items()})
    with pytest.raises(FerError, match="restore it with `git checkout data/facekit48.npz`") as caught:
        facekit.read(path)
    assert str(path) in str(caught.value)


def test_reading_needs_no_numba():
    code = "import sys; sys.modules['numba'] = None; from fer_helpers import facekit; facekit.read()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_drawing_without_numba_says_so():
    module = "runpy.run_module('fer_helpers.facekit', run_name='__main__')"
    code = f"import runpy, sys; sys.modules['numba'] = None; {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "pip install numba" in done.stderr and "Traceback" not in done.stderr


# ---- expressions


def test_tables_name_known_action_units_and_shares():
    assert set(RECIPE) == set(EMOTIONS)
    assert all(unit in ACTION_UNITS for units in RECIPE.values() for unit in units)
    assert all(unit in ACTION_UNITS for unit in NUISANCE)
    np.testing.assert_allclose(CONFUSION.sum(1), 1)
    assert (CONFUSION.argmax(1) == np.arange(7)).all()


def test_shape_weights():
    assert shape_weights({"AU4": 1.0}) == {"browDown_L": 1.5, "browDown_R": 1.5}
    assert shape_weights({"AU4_L": 0.5}) == {"browDown_L": 0.75}
    assert shape_weights({"AU4": 3.0})["browDown_R"] == 1.8  # capped
    assert shape_weights({"AU26_L": 1.0, "AU26_R": 1.0}) == pytest.approx({"jawOpen": 0.3})
    assert shape_weights({"AU26": 1.0, "AU27": 1.0}) == {"jawOpen": 1.0}  # .3 + .75, capped
    assert mean_weight({"AU12_L": 1.0, "AU12_R": 0.5}, "AU12") == 0.75
    assert mean_weight({"AU12": 0.4}, "AU12") == 0.4
    for key in ("AU99", "AU4_X", "gaze_away"):
        with pytest.raises(FerError, match=key):
            shape_weights({key: 1.0})


def test_sampled_expressions_repeat_and_hold_ten_votes():
    first, second = (sample_expression(np.random.default_rng([0, 0, 7]), 3) for _ in range(2))
    assert first[:2] == second[:2] and (first[2] == second[2]).all()
    assert first[2].sum() == 10 and "AU12_L" in first[0]


# ---- the rasteriser, on triangles made by hand


@pytest.fixture(scope="module")
def renderer():
    pytest.importorskip("numba", reason="the renderer is an optional extra: pip install numba")
    from fer_helpers.facekit import renderer

    return renderer


# Two squares that face the camera: columns 1-6 at depth 0, and columns 4-9 nearer, at depth 1.
SQUARES = np.array(
    [(1, 1, 0), (6, 1, 0), (6, 6, 0), (1, 6, 0), (4, 3, 1), (9, 3, 1), (9, 8, 1), (4, 8, 1)], np.float32
)
CORNERS = np.array([(0, 3, 2), (0, 2, 1), (4, 7, 6), (4, 6, 5)], np.int32)


def test_nearer_square_hides_the_farther_one(renderer):
    colour = np.repeat([[1.0], [2.0]], 4, axis=0).astype(np.float32)
    expected = np.zeros((10, 10))
    expected[1:7, 1:7] = 1
    expected[3:9, 4:10] = 2
    for order in (slice(None), slice(None, None, -1)):  # the order of the triangles must not matter
        depth, image = renderer.rasterise(SQUARES, colour, np.ascontiguousarray(CORNERS[order]), 10)
        np.testing.assert_allclose(image[..., 0], expected, atol=1e-4)
        np.testing.assert_allclose(depth, np.select([expected == 2, expected == 1], [1, 0], -1e9), atol=1e-4)


def test_backs_are_skipped_and_borders_are_cut(renderer):
    colour = np.ones((8, 1), np.float32)
    _, image = renderer.rasterise(SQUARES, colour, np.ascontiguousarray(CORNERS[:, ::-1]), 10)
    assert not image.any()
    _, image = renderer.rasterise(SQUARES - np.float32([5, 5, 0]), colour, CORNERS, 10)
    expected = np.zeros((10, 10))
    expected[:4, :5] = 1  # the second square covers what is left of the first
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-4)


def test_attributes_and_depth_are_interpolated(renderer):
    screen = np.array([(0, 0, 0), (0, 8, 8), (8, 0, 4)], np.float32)
    depth, image = renderer.rasterise(screen, screen[:, :2].copy(), np.array([(0, 1, 2)], np.int32), 9)
    rows, columns = np.mgrid[:9, :9]
    inside = rows + columns <= 8
    np.testing.assert_allclose(image[..., 0][inside], columns[inside], atol=1e-5)
    np.testing.assert_allclose(image[..., 1][inside], rows[inside], atol=1e-5)
    np.testing.assert_allclose(depth[inside], (rows + columns / 2)[inside], atol=1e-5)
    assert (depth[~inside] == -1e9).all()


def test_normals_of_a_tent(renderer):
    points = np.array([(-1, 0, 0), (1, 0, 0), (0, 1, 0)], np.float32)
    normals = renderer.vertex_normals(points, np.array([(0, 1, 2)], np.int32))
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 3)


def test_camera_puts_the_nose_bridge_and_chin_where_it_says(renderer):
    marks = np.zeros((68, 3), np.float32)
    marks[[0, 16]], marks[27], marks[8] = [(-7, 3, 3), (7, 3, 3)], (0, 4, 10), (0, -7, 10)
    view = renderer.View(marks, renderer.Camera(), 48)
    nasion, chin = view.project(marks[[27, 8]])[:, :2]
    np.testing.assert_allclose(chin[1] - nasion[1], 0.57 * 48, rtol=1e-5)
    np.testing.assert_allclose((nasion + chin) / 2, (23.5, 0.635 * 48 - 0.5), atol=1e-4)
    turned = renderer.View(marks, renderer.Camera(yaw=0.3), 48).project(marks[[27]] + np.float32([0, 0, 3]))
    assert turned[0, 0] > 23.5  # positive yaw: to the right of the picture


def test_missing_or_incomplete_model_says_what_to_clone(tmp_path, monkeypatch):
    from fer_helpers.facekit.model import load_model

    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("FER_FACEKIT_DIR", raising=False)
    for folder in (None, tmp_path / "nowhere", tmp_path):
        with pytest.raises(FerError, match="git clone https://github.com/ICT-VGL/ICT-FaceKit"):
            load_model(folder)
    (tmp_path / "vertex_indices.json").write_text('{"expressions": ["jawOpen"]}')
    with pytest.raises(FerError, match="generic_neutral_mesh.obj and 101 more"):
        load_model(tmp_path)


# ---- the whole renderer, where ICT-FaceKit is at hand


@pytest.fixture(scope="module")
def model(renderer):
    folder = os.environ.get("FER_FACEKIT_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("ICT-FaceKit is not here: clone it and set FER_FACEKIT_DIR to its folder")
    from fer_helpers.facekit.model import load_model

    return load_model(folder)


@pytest.mark.parametrize("row", [0, 1234, 3499, 3500, 4321])
def test_shipped_pictures_can_be_drawn_again(model, data, row):
    """Other processors may round differently, and JPEG turns one changed coefficient into grey levels."""
    from fer_helpers.facekit.people import build_head

    split = int(data["splits"][row])
    index, identity = row - sum(generate.SIZES[:split]), int(data["identities"][row])
    labels, people = generate.plan(0, split)
    assert labels[index] == data["labels"][row] and people[index] == identity
    person = generate.make_person(0, identity)
    again = generate.make_image(model, person, build_head(model, person), 0, split, index, int(labels[index]))
    picture = cv2.imdecode(again["jpeg"], cv2.IMREAD_GRAYSCALE)
    assert np.abs(picture.astype(int) - data["images"][row]).mean() < 1
    landmarks = again["landmarks"] / facekit.LANDMARK_STEP
    np.testing.assert_allclose(landmarks, data["landmarks"][row], atol=1 / facekit.LANDMARK_STEP)
    assert (again["votes"] == data["votes"][row]).all()


def test_render_moves_only_what_is_asked(model):
    from fer_helpers.facekit.people import Person
    from fer_helpers.facekit.snapshot import render

    neutral = render(model, Person(), {}, size=96).astype(int)
    assert neutral.shape == (96, 96)
    assert (render(model, Person(), {}, size=96) == neutral).all()
    brows, mouth = slice(20, 50), slice(62, 92)
    frown = np.abs(render(model, Person(), {"AU4": 1.0}, size=96) - neutral)
    smile = np.abs(render(model, Person(), {"AU12": 1.0}, size=96) - neutral)
    assert frown[brows].mean() > 5 * frown[mouth].mean() and frown[brows].mean() > 1
    assert smile[mouth].mean() > 2 * smile[brows].mean()
    half = np.abs(render(model, Person(), {"AU12_L": 1.0}, size=96) - neutral)
    assert half[:, 48:].mean() > 3 * half[:, :48].mean()  # the subject's left is on the right of the picture

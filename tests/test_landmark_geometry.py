"""Drawings, alignment and distances, by hand and against the face that data240 printed on its slides."""

import numpy as np
import pytest

from fer_helpers.landmarks import geometry as geometry

# data240, slide "Extract face landmarks using dlib", and the eight features of that face.
DUMP = {
    "chin": [
        (10, 25), (10, 29), (12, 33), (13, 36), (15, 40), (17, 43), (19, 46), (22, 48), (26, 48), (30, 48), (34, 45),
        (38, 42), (40, 38), (42, 33), (42, 28), (41, 23), (40, 18),
    ],
    "left_eyebrow": [(9, 21), (10, 19), (11, 19), (13, 19), (15, 20)],
    "right_eyebrow": [(20, 18), (23, 17), (25, 16), (28, 15), (31, 16)],
    "nose_bridge": [(18, 23), (18, 26), (18, 29), (18, 32)],
    "nose_tip": [(17, 34), (19, 35), (20, 35), (22, 34), (24, 33)],
    "left_eye": [(12, 24), (13, 22), (15, 22), (17, 24), (15, 24), (13, 25)],
    "right_eye": [(24, 22), (25, 20), (27, 20), (30, 20), (28, 22), (26, 22)],
    "top_lip": [
        (18, 40), (19, 39), (20, 38), (22, 39), (24, 38), (27, 38), (30, 38), (29, 38), (24, 39), (22, 40), (20, 40),
        (19, 40),
    ],
    "bottom_lip": [
        (30, 38), (28, 41), (25, 43), (23, 43), (21, 43), (20, 42), (18, 40), (19, 40), (21, 41), (22, 41), (24, 41),
        (29, 38),
    ],
}  # fmt: skip
SLIDE = [0.4850712500726659, 12.165525060596439, 2.0, 0.0, -0.24497866312686414, 3, 2, 1.3518824678560455]


@pytest.fixture
def face():
    """The face of the slide as (68, 2) points."""
    points = np.full((68, 2), np.nan, np.float32)
    for name, group in DUMP.items():
        points[list(geometry.GROUPS[name])] = group
    return points


def test_the_groups_are_those_of_the_slide(face):
    assert {name: len(group) for name, group in geometry.GROUPS.items()} == {
        k: len(v) for k, v in DUMP.items()
    }
    assert sum(map(len, DUMP.values())) == 72
    assert {index for group in geometry.GROUPS.values() for index in group} == set(range(68))
    for name, group in geometry.GROUPS.items():  # the four points named twice agree
        np.testing.assert_array_equal(face[list(group)], DUMP[name])


def test_the_distances_of_the_slide_to_the_last_digit(face):
    result = geometry.distances(face[None])
    assert result.shape == (1, 8) == (1, len(geometry.DISTANCES)) and result.dtype == np.float64
    assert result[0].tolist() == SLIDE


def test_distances_of_odd_faces(face):
    folded = face.copy()
    folded[:, 0] = 20  # seen exactly from the side: no line has a width
    three = geometry.distances(np.stack([face, np.full_like(face, np.nan), face * 2, folded]))
    np.testing.assert_allclose(three[2], three[0] * [1, 2, 2, 1, 1, 2, 2, 1])  # not scale-free
    assert np.isnan(three[1]).all()
    assert np.abs(three[3, 3:5]).max() <= np.pi / 2


def test_normalised_faces_know_no_place_and_no_size(face):
    normal = geometry.normalise(np.stack([face, face * 3 + (5, -9)]))
    np.testing.assert_allclose(normal[0], normal[1], atol=1e-5)
    np.testing.assert_allclose(normal.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose((normal**2).sum(axis=2).mean(axis=1), 1, rtol=1e-5)


def test_overlay_draws_single_pixels_without_the_jaw(face):
    images = np.full((2, 48, 48), 90, np.uint8)
    points = np.stack([face, np.full_like(face, np.nan)])
    drawn = geometry.draw_overlay(images, points)
    y, x = np.nonzero(drawn[0] == 255)
    assert set(zip(x, y, strict=True)) == {tuple(point) for point in face[17:].astype(int)}
    assert (drawn[0][drawn[0] != 255] == 90).all() and (drawn[1] == 90).all() and (images == 90).all()
    assert (geometry.draw_overlay(images, points, jaw=True)[0] == 255).sum() > len(x)


def test_points_outside_the_image_are_not_drawn(face):
    outside = face.copy()
    outside[17:] += 100
    outside[30] = (-0.6, 10)
    outside[31] = (47.4, 0)
    drawn = geometry.draw_overlay(np.zeros((1, 48, 48), np.uint8), outside[None])
    assert np.argwhere(drawn[0]).tolist() == [[0, 47]]


@pytest.mark.parametrize("slope", [-20, 20])
def test_alignment_levels_the_eyes_and_turns_pixels_with_points(slope):
    """Two bright eyes on a slope come to lie level, where the turned points say, about the point between them."""
    middle, half = np.array([22.0, 20.0]), 9.0
    angle = np.radians(slope)
    along = half * np.array([np.cos(angle), np.sin(angle)])
    points = np.tile(middle + (0, 12), (1, 68, 1)).astype(np.float32)
    points[:, list(geometry.GROUPS["left_eye"])] = middle - along
    points[:, list(geometry.GROUPS["right_eye"])] = middle + along
    y, x = np.mgrid[:48, :48]
    image = np.zeros((48, 48))
    for eye in (middle - along, middle + along):
        image += 200 * np.exp(-((x - eye[0]) ** 2 + (y - eye[1]) ** 2) / 4)
    images, turned = geometry.align(image.astype(np.uint8)[None], points)
    left, right = turned[0, 36], turned[0, 42]
    assert left == pytest.approx(middle - (half, 0), abs=1e-3)
    assert right == pytest.approx(middle + (half, 0), abs=1e-3)
    for part, eye in ((images[0, :, :22], left), (images[0, :, 23:], right - (23, 0))):
        weight = part / part.sum()
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
        assert [(weight * columns).sum(), (weight * rows).sum()] == pytest.approx(eye, abs=0.3)


def test_alignment_repeats_the_border_and_leaves_faceless_images(face):
    images = np.random.default_rng(0).integers(100, 255, (3, 48, 48), dtype=np.uint8)
    points = np.stack([face, np.full_like(face, np.nan), face])
    before = images.copy()
    turned, turned_points = geometry.align(images, points)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(turned[1], images[1])
    assert np.isnan(turned_points[1]).all()
    assert (turned[0] != images[0]).any() and turned.min() >= 100  # no black corners


def test_landmark_image_joins_the_points_of_a_group(face):
    drawn = geometry.landmark_image(np.stack([face, np.full_like(face, np.nan)]))
    assert drawn.shape == (2, 48, 48) and drawn.dtype == np.uint8
    assert not drawn[1].any()
    for x, y in face[:7].astype(int):
        assert drawn[0, y, x] > 100
    assert drawn[0, 27, 10] > 100  # between the chin's first two points
    assert not drawn[0, 25:32, 30:38].any()  # the cheek is empty
    assert 0.05 < (drawn[0] > 0).mean() < 0.4
    wide = face.copy()
    wide[36:42] = [(4, 4), (4, 2), (12, 2), (20, 2), (20, 4), (20, 8)]
    wide[17:22] = [(40, 4), (40, 2), (44, 2), (46, 2), (46, 8)]
    drawn = geometry.landmark_image(wide[None])[0]
    assert drawn[6, 12] > 100 and not drawn[6, 43]  # the line of an eye is closed, that of an eyebrow is not

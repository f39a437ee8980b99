"""What two papers make of the 68 landmarks: drawings, upright faces, and eight distances.

Everywhere: images (n, 48, 48) uint8, points (n, 68, 2) x then y in pixels, left and right as seen in the picture. A
row of NaN points (no face found) leaves its image as it is, gives an empty drawing and NaN distances.
"""

import cv2
import numpy as np

from fer_helpers.labels import IMAGE_SIZE

# The groups of the package face_recognition, which data240 used: 72 points, 68 distinct, because the four
# corners of the lips belong to both. A lip runs along its outer edge and back along its inner one.
GROUPS = {
    "chin": tuple(range(0, 17)),
    "left_eyebrow": tuple(range(17, 22)),
    "right_eyebrow": tuple(range(22, 27)),
    "nose_bridge": tuple(range(27, 31)),
    "nose_tip": tuple(range(31, 36)),
    "left_eye": tuple(range(36, 42)),
    "right_eye": tuple(range(42, 48)),
    "top_lip": (*range(48, 55), 64, 63, 62, 61, 60),
    "bottom_lip": (*range(54, 60), 48, 60, 67, 66, 65, 64),
}
CLOSED = ("left_eye", "right_eye", "top_lip", "bottom_lip")  # drawn as closed lines
DISTANCES = (
    "mouth width / chin width",
    "mouth width",
    "lip gap",
    "left mouth corner angle",
    "right mouth corner angle",
    "left eye height",
    "right eye height",
    "eye distance / eyebrow distance",
)


def draw_overlay(images: np.ndarray, points: np.ndarray, jaw: bool = False) -> np.ndarray:
    """Draw the points into copies of `images`, as white dots of one pixel each.

    Source: ucf_keypoints, section 3.1. The paper leaves colour and size of the dots open; at 48 pixels larger dots
    would cover eyes and mouth. It names eyes, nose, lips and eyebrows, so the jaw line is drawn only on demand.
    """
    result = images.copy()
    chosen = points if jaw else points[:, GROUPS["chin"][-1] + 1 :]
    x, y = np.rint(np.nan_to_num(chosen, nan=-1)).astype(int).transpose(2, 0, 1)
    row, point = np.nonzero((x >= 0) & (y >= 0) & (x < images.shape[2]) & (y < images.shape[1]))
    result[row, y[row, point], x[row, point]] = 255
    return result


def align(images: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn each image so that the line through its eyes is level, and its points with it.

    The turn is by theta = arctan(dy / dx) of the eyes' centres, about the point between them; the border is repeated.
    Source: data240, slide "Face alignment".
    """
    left, right = (points[:, GROUPS[name]].mean(axis=1) for name in ("left_eye", "right_eye"))
    theta, middle = np.degrees(_slope_angle(right - left)), (left + right) / 2
    images, points = images.copy(), points.copy()
    for k in np.flatnonzero(np.isfinite(theta)):
        matrix = cv2.getRotationMatrix2D(middle[k].tolist(), float(theta[k]), 1)
        size = images.shape[2], images.shape[1]
        images[k] = cv2.warpAffine(images[k], matrix, size, borderMode=cv2.BORDER_REPLICATE)
        points[k] = points[k] @ matrix[:, :2].T + matrix[:, 2]
    return images, points


def landmark_image(points: np.ndarray, size: int = IMAGE_SIZE) -> np.ndarray:
    """Draw the points alone, joined by lines group by group: (n, size, size) uint8, white on black.

    Source: data240, slide "Add an empty image with drawn face landmarks"; the chin is one of its groups.
    """
    result = np.zeros((len(points), size, size), np.uint8)
    for k in np.flatnonzero(np.isfinite(points).all(axis=(1, 2))):
        fixed = np.rint(points[k] * 16).astype(np.int32)  # sixteenths of a pixel: shift=4
        for closed in (False, True):
            lines = [fixed[list(group)] for name, group in GROUPS.items() if (name in CLOSED) is closed]
            cv2.polylines(result[k], lines, closed, 255, lineType=cv2.LINE_AA, shift=4)
    return result


def distances(points: np.ndarray) -> np.ndarray:
    """Measure data240's eight features of each face: (n, 8) float64, columns named by `DISTANCES`.

    Angles in radians, heights and widths in pixels, not divided by the size of the face, as on the slides. The "lip
    gap" runs from the upper edge of the upper lip to the upper edge of the lower lip, so a closed mouth has one too.
    """
    points = np.asarray(points, np.float64)
    group = {name: points[:, list(index)] for name, index in GROUPS.items()}
    top, bottom = group["top_lip"], group["bottom_lip"]
    left_corner, right_corner = top[:, 0], bottom[:, 0]
    mouth = _length(left_corner - right_corner)
    middle = (top[:, 3] + bottom[:, 9]) / 2
    eyes = group["left_eye"][:, 3] - group["right_eye"][:, 0]
    eyebrows = group["left_eyebrow"][:, -1] - group["right_eyebrow"][:, 0]
    columns = [
        mouth / _length(group["chin"][:, 4] - group["chin"][:, -5]),
        mouth,
        _length(top[:, 3] - bottom[:, 9]),
        _slope_angle(middle - left_corner),
        _slope_angle(middle - right_corner),
        np.ptp(group["left_eye"][..., 1], axis=1),
        np.ptp(group["right_eye"][..., 1], axis=1),
        _length(eyes) / _length(eyebrows),
    ]
    return np.stack(columns, axis=1)


def normalise(points: np.ndarray) -> np.ndarray:
    """Move each face's centre to (0, 0) and scale its mean squared distance from there to 1: (n, 68, 2)."""
    centred = points - points.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).sum(axis=2).mean(axis=1))[:, None, None]


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)


def _slope_angle(vectors: np.ndarray) -> np.ndarray:
    """arctan(dy / dx), between -pi/2 and pi/2: which way the vector points does not matter."""
    dx, dy = vectors[..., 0], vectors[..., 1]
    return np.arctan(dy / np.where(dx == 0, 1e-6, dx))

"""Network and loss of Tautkute, Trzcinski and Bielski, "I Know How You Feel" (emotionaldan).

EmotionalDAN is the Deep Alignment Network with an emotion head. Stage 1 finds 68 landmarks. They turn and scale the
face into a standard pose, in which stage 2 sees the image, a heat map of the landmarks and an image made from stage 1's
features; it corrects the landmarks and names the emotion. The paper gives the loss; layers and training are those of
the authors' code. The baselines are in `emotionaldan_baselines`.

Training as in that code, in two steps:
    first = stage_1(model); first.compile(optimizer, landmark_loss); first.fit(x, landmarks)
    freeze_stage_1(model); model.compile(optimizer, LOSSES, loss_weights=PUBLISHED_WEIGHTS)
    model.fit(x, {"landmarks": landmarks, "emotion": one_hot})
"""

import keras
import numpy as np
from keras import layers, ops

from fer_helpers import datasets
from fer_helpers.architectures.face_alignment import (
    AddShape,
    AlignToShape,
    HeatMap,
    Invert,
    TransformPoints,
    Warp,
)
from fer_helpers.labels import TRAINING

EYES = (slice(36, 42), slice(42, 48))  # landmarks around each eye


def mean_shape(landmarks: np.ndarray) -> np.ndarray:
    """Mean (68, 2) float32 of the training images' landmarks (n, 68, 2); rows with NaN (no face found) are left out."""
    known = landmarks[np.isfinite(landmarks).all(axis=(1, 2))]
    return known.mean(axis=0, dtype="float64").astype("float32")


def resize_points(points: np.ndarray, old_side: int, new_side: int) -> np.ndarray:
    """Move points (..., 2) along when their image of `old_side` pixels is resized to `new_side` pixels."""
    return (points + 0.5) * (new_side / old_side) - 0.5


def emotional_dan(
    size: int = 112, shape: np.ndarray | None = None, classes: int = 7, width: int = 64
) -> keras.Model:
    """EmotionalDAN (section 2): two stages, each with eight convolutions.

    Input (n, size, size, 1), `size` even; outputs "landmarks" (n, 68, 2) in pixels and "emotion" (n, classes)
    probabilities. `shape` (68, 2), in pixels of `size`, is the mean shape that stage 1 starts from; by default that of
    the embedded faces' training images. `width`: filters of the first convolutions, 64 in the authors' code.
    64,063,267 parameters at size 224 (the authors' code), 23,110,243 at 112 (the original Deep Alignment Network),
    11,966,563 at 48; 8,710 of them are not trainable.
    """
    if shape is None:
        shape = resize_points(mean_shape(datasets.load("facekit").split(TRAINING).landmarks), 48, size)
    inputs = keras.Input((size, size, 1), name="image")
    features = _trunk(inputs, width, "stage1")
    points = _offsets(features, "stage1")
    points = AddShape(shape, name="stage1_landmarks")(points)

    pose = AlignToShape(shape, name="pose")(points)
    aligned = TransformPoints(name="aligned_landmarks")(points, pose)
    feature_image = layers.Dense((size // 2) ** 2, activation="relu", name="stage2_features")(features)
    feature_image = layers.Reshape((size // 2, size // 2, 1), name="feature_image")(feature_image)
    seen = [
        Warp(name="aligned_image")(inputs, pose),
        HeatMap(size, name="heat_map")(aligned),
        layers.UpSampling2D(2, name="feature_image_enlarged")(feature_image),
    ]
    x = layers.BatchNormalization(name="stage2_inputs")(layers.Concatenate(name="seen_by_stage2")(seen))
    features = _trunk(x, width, "stage2")
    points = layers.Add(dtype="float32", name="corrected_landmarks")([aligned, _offsets(features, "stage2")])
    landmarks = TransformPoints(name="landmarks")(points, Invert(name="pose_undone")(pose))
    emotion = layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(features)
    return keras.Model(inputs, {"landmarks": landmarks, "emotion": emotion}, name="emotional_dan")


def _trunk(x: keras.KerasTensor, width: int, stage: str) -> keras.KerasTensor:
    """Eight convolutions and a dense layer: (n, size, size, c) to features (n, 4 width)."""
    for block, filters in enumerate((width, 2 * width, 4 * width, 8 * width), start=1):
        for place in "ab":
            name = f"{stage}_{block}{place}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_conv")(x)
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"{stage}_{block}_pool")(x)  # half, rounded up
    x = layers.Flatten(name=f"{stage}_flatten")(x)
    x = FreezableDropout(0.5, name=f"{stage}_dropout")(x)
    x = layers.Dense(4 * width, activation="relu", name=f"{stage}_dense")(x)
    return layers.BatchNormalization(name=f"{stage}_norm")(x)


def _offsets(features: keras.KerasTensor, stage: str) -> keras.KerasTensor:
    """How far each landmark must move, in pixels: (n, 68, 2) float32."""
    x = layers.Dense(136, dtype="float32", name=f"{stage}_offsets")(features)
    return layers.Reshape((68, 2), dtype="float32", name=f"{stage}_offsets_xy")(x)


@keras.saving.register_keras_serializable("fer_helpers")
class FreezableDropout(layers.Dropout):
    """Dropout that stops when it is frozen, as batch normalisation does: a finished stage 1 always gives the same."""

    def call(self, inputs, training=False):
        """Drop, in training, unless frozen."""
        return super().call(inputs, training=training and self.trainable)


def stage_1(model: keras.Model) -> keras.Model:
    """First stage of an EmotionalDAN, with the same layers: image to landmarks (n, 68, 2)."""
    return keras.Model(model.input, model.get_layer("stage1_landmarks").output, name="stage_1")


def freeze_stage_1(model: keras.Model) -> None:
    """Make the first stage of an EmotionalDAN constant; compile the model afterwards."""
    for layer in model.layers:
        if layer.name.startswith("stage1_"):
            layer.trainable = False


def classifier(model: keras.Model) -> keras.Model:
    """EmotionalDAN with the same layers and one output: image to probabilities (n, classes)."""
    return keras.Model(model.input, model.output["emotion"], name="emotional_dan_classifier")


@keras.saving.register_keras_serializable("fer_helpers")
def landmark_loss(truth: keras.KerasTensor, points: keras.KerasTensor) -> keras.KerasTensor:
    """Mean distance of points (n, 68, 2) from `truth` in units of the true distance between the eyes' centres: (n,).

    First term of the loss in section 2; the paper omits the norm, the code has it. An image whose true landmarks are
    NaN (no face found) gives 0: it counts for the emotion only.
    """
    truth = ops.cast(truth, points.dtype)
    known = ops.all(ops.isfinite(truth), axis=(1, 2))
    truth = ops.where(known[:, None, None], truth, ops.ones_like(truth))  # NaN would spoil the gradients
    right, left = (ops.mean(truth[:, eye], axis=1) for eye in EYES)
    between = ops.where(known, _length(right - left), 1.0)
    return ops.where(known, ops.mean(_length(points - truth), axis=1) / between, 0.0)


def _length(vectors: keras.KerasTensor) -> keras.KerasTensor:
    # the root has no gradient at 0
    return ops.sqrt(ops.maximum(ops.sum(vectors * vectors, axis=-1), 1e-12))


LOSSES = {"landmarks": landmark_loss, "emotion": "categorical_crossentropy"}
PUBLISHED_WEIGHTS = {"landmarks": 0.4, "emotion": 0.6}  # alpha and beta of the paper
CODED_WEIGHTS = {"landmarks": 0.5, "emotion": 0.5}  # those of the authors' code

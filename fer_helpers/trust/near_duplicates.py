"""Test images of which a slightly different copy stands in Training: other light, sharpness or compression.

Two images are compared by a perceptual hash: the lowest frequencies of the cosine transform say in 63 bits what is
where in a picture; the *distance* of two is in how many bits they differ. A hash only suggests a copy. Mirrored test
images, which have about as many chance neighbours as the images themselves and hardly a copy, show how many suggestions
are chance. What is found is a lower bound: a crop that is two pixels narrower is some ten bits away already.
"""

import cv2
import numpy as np
import pandas as pd
from scipy.fft import dctn

from fer_helpers.datasets import Dataset
from fer_helpers.labels import PRIVATE_TEST, TRAINING
from fer_helpers.trust import rate

SIDE, KEPT = 32, 8  # a picture of 32 x 32 pixels, of whose frequencies the 8 x 8 lowest count
DISTANCES = (0, 2, 4, 6, 8)  # always even, because half of the bits of each hash are set


def perceptual_hash(images: np.ndarray) -> np.ndarray:
    """Hash (n,) uint64 of images (n, h, w) uint8: which low frequencies lie above the median, without the mean."""
    small = np.stack([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images])
    low = dctn(small.astype("float32"), axes=(1, 2))[:, :KEPT, :KEPT].reshape(len(images), -1)[:, 1:]
    bits = np.pad(low > np.median(low, axis=1, keepdims=True), ((0, 0), (0, 1)))
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def nearest(hashes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `hashes` (n,) the nearest of `others` (m,): its distance in bits (n,) and its index (n,)."""
    found = []
    for part in np.array_split(hashes, -(-len(hashes) // 64)):  # 64 x m distances at a time
        distances = np.bitwise_count(part[:, None] ^ others)
        found.append((distances.min(axis=1), distances.argmin(axis=1)))
    distance, index = (np.concatenate(values) for values in zip(*found, strict=True))
    return distance.astype(int), index


def likeness(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlation (n,) of the pixels of two images each, (n, h, w) uint8: 1 where they differ in light only."""
    a, b = (pixels.reshape(len(pixels), -1).astype("float64") for pixels in (images, others))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return (a * b).sum(axis=1) / np.sqrt(np.maximum((a**2).sum(axis=1) * (b**2).sum(axis=1), 1e-9))


def audit(data: Dataset, p: np.ndarray) -> pd.DataFrame:
    """Score `p` (n, classes) on PrivateTest, without identical copies, and without near-duplicates of Training.

    Rows: all images, the clean ones, then the clean ones that are farther than each of DISTANCES from every clean row
    of Training, which are those that the networks of `study.compact` see. Columns: kept (in words), n, accuracy, low,
    high; for the last rows also removed (clean images that are no farther), by_chance (as many of their mirror images
    are), same_label (share of the removed whose nearest training image has their label), likeness (median),
    removed_accuracy.
    """
    test, training = data.split(PRIVATE_TEST), data.subset((data.splits == TRAINING) & data.clean)
    right, known = p.argmax(axis=1) == test.labels, perceptual_hash(training.images)
    distance, index = nearest(perceptual_hash(test.images), known)
    mirrored = nearest(perceptual_hash(test.images[:, :, ::-1]), known)[0]
    alike = likeness(test.images, training.images[index])
    rows = [{"kept": "all"} | rate(right), {"kept": "clean"} | rate(right[test.clean])]
    for bits in DISTANCES:
        near = test.clean & (distance <= bits)
        row = {"kept": f"clean, more than {bits} bits away"} | rate(right[test.clean & ~near])
        row |= {"removed": int(near.sum()), "by_chance": int((test.clean & (mirrored <= bits)).sum())}
        if near.any():
            row["same_label"] = float((training.labels[index] == test.labels)[near].mean())
            row["likeness"] = float(np.median(alike[near]))
            row["removed_accuracy"] = float(right[near].mean())
        rows.append(row)
    columns = ["removed", "by_chance", "same_label", "likeness", "removed_accuracy"]
    return pd.DataFrame(rows).reindex(columns=["kept", "n", "accuracy", "low", "high", *columns])

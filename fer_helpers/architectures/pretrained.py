"""ImageNet weights of the networks of `keras.applications`: a file of yours, or a download by Keras.

A file is looked for in the folder that `FER_WEIGHTS_DIR` names, or else in `weights/` beside FER2013. Its name begins
like the network's, as Keras's own files do: `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5`.
"""

import hashlib
import os
import sys
from pathlib import Path

import keras

from fer_helpers import paths

APPLICATIONS = {
    "mobilenet_v2": keras.applications.MobileNetV2,
    "resnet50v2": keras.applications.ResNet50V2,
    "inception_v3": keras.applications.InceptionV3,
}
RANDOM = "random"


def folder() -> Path:
    """Where files of weights are looked for."""
    return Path(os.environ.get("FER_WEIGHTS_DIR") or paths.data_dir() / "weights").expanduser()


def find(name: str) -> tuple[str | None, str]:
    """ImageNet weights of the application called `name`: what a builder takes as `weights`, and words for the record.

    They are None and words that begin with "random" where there is no file and the download fails.
    """
    if files := sorted(folder().glob(f"{name}_*.h5")):
        digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
        return str(files[0]), f"ImageNet, {files[0].name}, sha256 {digest[:16]}"
    try:
        APPLICATIONS[name](include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises nothing narrower where a download fails
        print(f"No ImageNet weights for {name}, it starts from random ones: {error}", file=sys.stderr)
        return None, f"{RANDOM}: no file in the weights folder, and no download"
    return "imagenet", "ImageNet, downloaded by Keras"

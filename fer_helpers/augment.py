"""Augmentation as Keras layers: they act while training and pass images through otherwise."""

import keras

# float32 throughout: the resampling kernels of some backends do not take bfloat16
LAYERS = {
    "flip": lambda: keras.layers.RandomFlip("horizontal", dtype="float32"),
    # shifts of up to 10 % of width and height, edge pixels repeated (uvic_cnn, section 3.2)
    "shift": lambda: keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", dtype="float32"),
}


def pipeline(names: tuple[str, ...]) -> keras.Sequential:
    """Chain the augmentations called `names`, in order; input and output are float images (n, 48, 48, 1)."""
    stack = keras.Sequential([LAYERS[name]() for name in names], name="augmentation")
    stack.dtype_policy = "float32"
    return stack

"""Pruning and whole numbers: how small ljmu's tuned CNN can become, which the paper asks and does not measure.

The smallest of all kernel weights together are set to zero (global magnitude pruning), and the rest is trained on
(Han et al. 2015, arXiv 1506.02626). Every sparsity starts from the same trained network and is trained on equally long,
sparsity 0 as well, so that a gain by more training is not taken for one by pruning. Then weights and activations are
rounded to 8 bits (Jacob et al. 2018, arXiv 1712.05877).
"""

import tempfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from fer_helpers import metrics, paths, runtime, study, trained, training
from fer_helpers.labels import MERGED, PRIVATE_TEST
from fer_helpers.study.experiment import QUICK
from fer_helpers.study.ljmu import TABLE

NETWORK = {"quick": "ljmu/base_none", "full": "ljmu/tuned"}
TRAINED_ON = {"quick": replace(QUICK, epochs=2), "full": replace(TABLE, epochs=6, learning_rate=3e-4)}
SPARSITIES = (0.0, 0.5, 0.8, 0.9, 0.95)
CALIBRATION_IMAGES = 512  # training images that show how large activations become
SEED = 0


def measure(profile: str) -> pd.DataFrame:
    """Prune, train on, round and score: one row a sparsity and precision, float32 and int8.

    Columns: sparsity, precision, weights (not zero before rounding), file_kb (ONNX), zipped_kb (the same, deflated:
    zeros cost little there), pruned (selection accuracy before what is left is trained on), then accuracy and its
    95 % Wilson interval on the selection set (selection), PrivateTest (private), its clean images (clean) and both
    test sets together (merged), and time, that of one image on one thread as a multiple of the first row's. The test
    sets are scored when all networks are made. Raises FerError when the network was not trained on this computer.
    """
    job, weights = _trained(profile)
    calibration = job._arrays(job.training)[0][:CALIBRATION_IMAGES]
    rows, networks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for sparsity in SPARSITIES:
            net, pruned = train_on(job, weights, sparsity)
            kept = sum(int(np.count_nonzero(value)) for value in net.get_weights())
            exact, rounded = (Path(folder) / f"{sparsity}_{kind}.onnx" for kind in ("float32", "int8"))
            runtime.to_onnx(net, exact)
            runtime.to_int8(exact, rounded, calibration)
            for precision, path, before in (("float32", exact, pruned), ("int8", rounded, None)):
                row = {"sparsity": sparsity, "precision": precision, "weights": kept}
                rows.append(row | sizes(path) | {"pruned": before})
                networks.append(runtime.forward(path))
    private, merged = (job._test_sets()[split] for split in (PRIVATE_TEST, MERGED))
    sets = {"selection": job.selection, "private": private, "clean": private.subset(private.clean)}
    for row, forward, ratio in zip(rows, networks, times(networks, calibration[:200]), strict=True):
        for name, data in (sets | {"merged": merged}).items():
            scores = metrics.summarise(data.labels, forward(job._arrays(data)[0]))
            row |= {name: scores["accuracy"]}
            row |= dict(zip((f"{name}_low", f"{name}_high"), scores["interval"], strict=True))
        row["time"] = ratio
    return pd.DataFrame(rows)


def kernels(net: keras.Model) -> list[keras.Variable]:
    """The weights that may be pruned: those of convolutions and dense layers, without biases and normalisation."""
    return [variable for variable in net.trainable_variables if len(variable.shape) > 1]


def prune(net: keras.Model, sparsity: float) -> None:
    """Set the share `sparsity` of all kernel weights to zero, the smallest ones, and keep them there in training."""
    values = [keras.ops.convert_to_numpy(kernel) for kernel in kernels(net)]
    together = np.abs(np.concatenate([value.ravel() for value in values]))
    kept = np.ones(len(together), "float32")
    kept[np.argsort(together, kind="stable")[: round(sparsity * len(together))]] = 0
    parts = np.split(kept, np.cumsum([value.size for value in values])[:-1])
    for kernel, value, part in zip(kernels(net), values, parts, strict=True):
        mask = part.reshape(value.shape)
        kernel.assign(value * mask)
        # the optimiser applies it after every step, on any backend
        kernel.constraint = lambda weights, mask=mask: weights * mask


def train_on(job: training.Job, weights: list[np.ndarray], sparsity: float) -> tuple[keras.Model, float]:
    """Prune the network with these weights and train the rest by the job's recipe.

    Returns it as it is after the epoch with the best selection accuracy, and the selection accuracy before the first.
    """
    net, model = job._build()
    net.set_weights(weights)
    prune(net, sparsity)
    arrays, selection = job._arrays(job.training), job._arrays(job.selection)
    before = model.evaluate(*selection, batch_size=256, verbose=0, return_dict=True)["accuracy"]
    best_accuracy, best = -1.0, weights
    for epoch in range(job.recipe.epochs):
        after = job._fit(model, arrays, selection, epoch)["val_accuracy"]
        if after > best_accuracy:
            best_accuracy, best = after, net.get_weights()
    net.set_weights(best)
    return net, before


def sizes(path: Path) -> dict[str, float]:
    """Size of a file in kB (1,000 bytes): as it is, and deflated."""
    content = path.read_bytes()
    return {"file_kb": len(content) / 1e3, "zipped_kb": len(zlib.compress(content, 9)) / 1e3}


def times(networks: list[trained.Prepare], images: np.ndarray) -> list[float]:
    """Median time of one image for each network, as a multiple of the first one's.

    All networks see an image before the next one comes, so that a busy computer slows all of them alike.
    """
    seconds = np.empty((len(images), len(networks)))
    for i in range(len(images)):
        for k, forward in enumerate(networks):
            began = time.perf_counter()
            forward(images[i : i + 1])
            seconds[i, k] = time.perf_counter() - began
    return np.median(seconds / seconds[:, :1], axis=0).tolist()


def _trained(profile: str) -> tuple[training.Job, list[np.ndarray]]:
    """The job that trains on the pruned network, and the trained network's weights."""
    name = NETWORK[profile]
    classifier = trained.quick(name, SEED) if profile == "quick" else trained.load(name, SEED)
    recipe = TRAINED_ON[profile]
    entry = replace(study.get(name), recipe=recipe, quick=recipe)
    return training.job(entry, profile, SEED, paths.results_dir(profile)), classifier.net.get_weights()

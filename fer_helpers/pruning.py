"""Pruning and whole numbers: how small ljmu's tuned CNN can become, which the paper asks and does not measure.

The smallest of all kernel weights together are set to zero (global magnitude pruning), and the rest is trained on
(Han et al. 2015, arXiv 1506.02626). Every sparsity starts from the same trained network and is trained on equally long,
sparsity 0 as well, so that a gain by more training is not taken for one by pruning. Then weights and activations are
rounded to 8 bits (Jacob et al. 2018, arXiv 1712.05877).
"""

import hashlib
import tempfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from fer_helpers import metrics, runtime, study, trained, training
from fer_helpers.labels import MERGED, PRIVATE_TEST
from fer_helpers.study.experiment import QUICK
from fer_helpers.study.ljmu import TABLE

NETWORK = {"quick": "ljmu/base_none", "full": "ljmu/tuned"}
TRAINED_ON = {"quick": replace(QUICK, epochs=2), "full": replace(TABLE, epochs=10, learning_rate=3e-4)}
SPARSITIES = (0.0, 0.5, 0.8, 0.9, 0.95)
CALIBRATION_IMAGES = 512  # training images that show how large activations become
BATCH = 256  # images that are scored together
SEED = 0


def measure(profile: str, results_dir: Path) -> pd.DataFrame:
    """Prune, train on, round and score: one row a sparsity and precision, float32 and int8.

    Columns: sparsity, precision, weights (not zero before rounding), file_kb (ONNX), zipped_kb (the same, deflated:
    zeros cost little there), pruned (selection accuracy before what is left is trained on), then accuracy and its
    95 % Wilson interval on the selection set (selection), PrivateTest (private), its clean images (clean) and both
    test sets together (merged), and time, that of one image on one thread as a multiple of the first row's. The test
    sets are scored when all networks are made. A full measurement that was interrupted goes on with the epoch where it
    stopped. Raises FerError when the network's full run is not in `results_dir` or its weights not on this computer.
    """
    load = trained.quick if profile == "quick" else trained.load
    weights = load(NETWORK[profile], SEED, results_dir).net.get_weights()
    rows, networks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for sparsity in SPARSITIES:
            job = PrunedJob(sparsity, weights, profile, Path(folder))
            calibration = job.arrays(job.training.subset(slice(CALIBRATION_IMAGES)))[0]
            answers = training.predict(job._initial_net(), job.arrays(job.selection)[0])
            pruned = np.mean(answers.argmax(1) == job.selection.labels)
            job.train()
            net = job.best_net()
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
            parts = np.array_split(job.arrays(data)[0], -(-len(data) // BATCH))
            scores = metrics.summarise(data.labels, np.concatenate([forward(part) for part in parts]))
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


class PrunedJob(training.Job):
    """The job that prunes a trained network and trains what is left."""

    def __init__(self, sparsity: float, weights: list[np.ndarray], profile: str, results_dir: Path):
        """`weights`: those of the trained network."""
        self.sparsity, self.weights = sparsity, weights
        entry, recipe = study.get(NETWORK[profile]), TRAINED_ON[profile]
        entry = replace(entry, id=f"{entry.id}_pruned_{sparsity:g}", recipe=recipe, quick=recipe)
        super().__init__(entry, profile, SEED, results_dir)

    def _initial_net(self, fresh: bool = True) -> keras.Model:
        net = self._net()
        net.set_weights(self.weights)
        prune(net, self.sparsity)
        return net

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "pruning"]

    def _key(self, config: dict) -> str:
        digest = hashlib.sha256(b"".join(value.tobytes() for value in self.weights)).hexdigest()
        return super()._key({**config, "weights": digest})


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

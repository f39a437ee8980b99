"""Sets of generated images with labels, as files in the state folder: what ljmu's rows 8 to 10 add to Training."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fer_helpers import paths, published
from fer_helpers.errors import FerError
from fer_helpers.labels import EMOTIONS, TRAINING

if TYPE_CHECKING:
    from fer_helpers.bicogan.training import Job

KINDS = {
    "paper": "as many of each class as in the paper's table: 3,000, of disgust none",
    "balanced": "as many as bring each class to the largest one",
}


def paper_counts() -> pd.DataFrame:
    """The paper's table of generated images: a line a class, columns real, generated and together."""
    numbers = published.load().query("paper == 'ljmu' and table == 'GAN counts'")
    table = numbers.pivot_table("value", "row", "metric", sort=False).astype(int)
    table.columns.name = table.index.name = None
    return table.rename(
        columns={"real_images": "real", "generated_images": "generated", "images": "together"}
    )


def wanted(kind: str, real: np.ndarray) -> np.ndarray:
    """How many images of each emotion (7,) the set `kind` has beside `real` ones (7,), in the order of EMOTIONS.

    "paper": 3,000 beside the 28,709 rows of FER2013's Training, in proportion beside others. Raises FerError for an
    unknown kind.
    """
    if kind == "balanced":
        return real.max() - real
    if kind != "paper":
        raise unknown(kind)
    table = paper_counts()
    counts = table["generated"].reindex(EMOTIONS).to_numpy()
    return np.rint(counts * real.sum() / table.loc["total", "real"]).astype(int)


def unknown(kind: str) -> FerError:
    """What to say of a set that is not in KINDS."""
    return FerError(f"There is no set of generated images called {kind!r}; the sets are {', '.join(KINDS)}.")


def counts_table(real: np.ndarray) -> pd.DataFrame:
    """Real images (7,) of each emotion, and what both sets make of them; the last line has the sums."""
    columns = {"real": real}
    for kind in KINDS:
        columns[f"{kind}: generated"] = wanted(kind, real)
        columns[f"{kind}: together"] = real + columns[f"{kind}: generated"]
    table = pd.DataFrame(columns, index=list(EMOTIONS))
    table.loc["total"] = table.sum()
    return table


def load(kind: str, profile: str = "quick", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 48, 48) uint8 and labels (n,) int64, index into EMOTIONS, of the corrected GAN with this seed.

    Its generator has seen only the four fifths of Training that `training.hold_out` gives for the same seed. The quick
    set is made now where it is not there (half a minute). Raises FerError when the full one is not there or is damaged.
    """
    if profile == "quick":
        from fer_helpers.bicogan.training import Job

        job = Job("corrected", profile, seed)
        file = path(kind, job)
        if not file.exists():
            if not job.checkpoint_path.exists():
                job.train()
            make(kind, job)
    else:
        file = full_path(kind, seed)
    try:
        with np.load(file, allow_pickle=False) as content:
            return content["images"], content["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FerError(
            f"{file} cannot be read ({error}). Run: python -m fer_helpers gan corrected --profile full --seed {seed} "
            f"--generate {kind} --results-dir FOLDER"
        ) from error


def full_path(kind: str, seed: int) -> Path:
    """Where the set of the full profile stands, in the state folder of the computer that made it."""
    return paths.state_dir() / "generated" / f"fer2013-{kind}-seed{seed}.npz"


def path(kind: str, job: "Job") -> Path:
    """Where the set of a job stands; a quick one carries the job's key, because its code may change."""
    key = f"-{job.key[:12]}" if job.profile == "quick" else ""
    variant = "" if job.name == "corrected" else f"{job.name}-"
    return paths.state_dir() / "generated" / f"{job.data.name}-{variant}{kind}-seed{job.seed}{key}.npz"


def make(kind: str, job: "Job") -> Path:
    """Generate the set `kind` with a trained job and write it with where it comes from.

    "paper" counts beside all of Training, as in the paper's table; "balanced" fills up the rows that an experiment
    trains on.
    """
    numbers = [job.data.classes.index(name) for name in job.variant.classes]
    beside = job.data.split(TRAINING) if kind == "paper" else job.rows
    counts = wanted(kind, np.bincount(beside.labels, minlength=len(EMOTIONS)))[numbers]
    labels = np.repeat(np.arange(len(numbers)), counts)
    images = job.draw(job.generator(), labels, seed=job.seed)
    with paths.atomic_write(path(kind, job)) as temporary:
        np.savez_compressed(
            temporary,
            images=images,
            labels=np.array(numbers, np.int64)[labels],
            source=json.dumps({"gan": job.name, "key": job.key, "seed": job.seed}),
        )
    return path(kind, job)


def digest(images: np.ndarray, labels: np.ndarray) -> str:
    """Hex sha256 of a set: two runs with equal digests were given the same images and labels."""
    return sha256(np.ascontiguousarray(images).tobytes() + labels.astype("<i8").tobytes()).hexdigest()

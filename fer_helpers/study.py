"""The study: every experiment, declared once, and `run`, which gives an experiment's record.

Nothing about an experiment lives anywhere else. An experiment is called `<paper>/<experiment>`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from fer_helpers import paths, records
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST

PROFILES = ("quick", "full")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The rate is multiplied by `plateau_factor` after `plateau_patience` flat epochs."""

    epochs: int
    batch_size: int
    learning_rate: float  # Adam
    plateau_factor: float = 0.5
    plateau_patience: int = 25
    min_learning_rate: float = 1e-4
    stop_patience: int = 50  # epochs without a better selection accuracy
    training_images: int | None = None  # at most so many, drawn by the seed; None: all


# Shows the mechanism on a laptop in seconds. No lesson rests on its accuracy.
QUICK = Recipe(epochs=6, batch_size=64, learning_rate=1e-3, training_images=1500)


@dataclass(frozen=True)
class Experiment:
    """One row of one table of one paper, or a variant that the course adds to it."""

    id: str
    title: str
    rows: tuple[tuple[str, str], ...]  # (table, row) in data/published.csv; none for a variant of ours
    dataset: str  # in the full profile; the quick profile always trains on the embedded data set
    architecture: str
    preprocess: tuple[str, ...]
    augment: tuple[str, ...]
    recipe: Recipe
    quick: Recipe = QUICK
    seeds: tuple[int, ...] = (0,)  # of the full profile; none: the experiment is for the quick profile only

    @property
    def paper(self) -> str:
        """Key of the paper: the part of the id before the slash."""
        return self.id.split("/")[0]


# uvic_cnn, section 3.4: Adam 0.01, batch 128, rate halved after 25 flat epochs; "at least 60 epochs".
UVIC = Recipe(epochs=60, batch_size=128, learning_rate=0.01)
UVIC_DEEP_QUICK = replace(QUICK, epochs=1)  # the deep network takes some 20 s an epoch of 1,500 images
FLIP_AND_SHIFT = ("flip", "shift")


def _uvic(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """An experiment of uvic_cnn: Medium, normalised and augmented (N+A), but for `changes`."""
    entry = {
        "dataset": "fer2013",
        "architecture": "uvic_cnn.medium",
        "preprocess": ("standardise",),
        "augment": FLIP_AND_SHIFT,
        "recipe": UVIC,
    }
    return Experiment(id=f"uvic_cnn/{name}", title=title, rows=rows, **(entry | changes))


_ALL = (
    _uvic("shallow_n", "Shallow+N", ("Table 1", "Shallow"), architecture="uvic_cnn.shallow", augment=()),
    _uvic("medium_n", "Medium+N", ("Table 1", "Medium"), ("Table 2", "Medium+N"), augment=()),
    _uvic("medium_n_a", "Medium+N+A", ("Table 1", "Medium + A"), ("Table 2", "Medium+N+A"), seeds=(0, 1, 2)),
    _uvic(
        "medium_n_a_he", "Medium+N+A+HE", ("Table 2", "Medium+N+A+HE"), preprocess=("equalise", "standardise")
    ),
    _uvic(
        "deep_n",
        "Deep+N",
        ("Table 1", "Deep"),
        architecture="uvic_cnn.deep",
        augment=(),
        quick=UVIC_DEEP_QUICK,
    ),
    _uvic(
        "deep_n_a", "Deep+N+A", ("Table 1", "Deep + A"), architecture="uvic_cnn.deep", quick=UVIC_DEEP_QUICK
    ),
    _uvic(
        "medium_n_a_columns",
        "Medium+N+A, as coded",  # with the batch normalisation over columns of the authors' code
        ("Table 1", "Medium + A"),
        architecture="uvic_cnn.medium_as_published",
    ),
    # variants that the paper does not have: Adam's default rate, and CLAHE, which only the quick profile runs
    _uvic(
        "medium_n_a_rate_1e-3", "Medium+N+A, learning rate 0.001", recipe=replace(UVIC, learning_rate=1e-3)
    ),
    _uvic("medium_n_a_clahe", "Medium+N+A+CLAHE", preprocess=("clahe", "standardise"), seeds=()),
)
EXPERIMENTS = {experiment.id: experiment for experiment in _ALL}


def get(experiment_id: str) -> Experiment:
    """The experiment called `experiment_id`. Raises FerError when there is none."""
    if experiment_id not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise FerError(f"There is no experiment called {experiment_id!r}. The experiments are: {known}.")
    return EXPERIMENTS[experiment_id]


def check_profile(profile: str) -> str:
    """Return `profile` when it is "quick" or "full". Raises FerError otherwise."""
    if profile not in PROFILES:
        raise FerError(f"There is no profile called {profile!r}. The profiles are: {', '.join(PROFILES)}.")
    return profile


def planned() -> list[tuple[str, int]]:
    """Every (experiment id, seed) of the full profile."""
    return [(experiment.id, seed) for experiment in _ALL for seed in experiment.seeds]


def run(
    experiment_id: str, profile: str = "quick", seed: int = 0, results_dir: Path | str | None = None
) -> dict:
    """Record of an experiment in this profile; trains and evaluates it now when there is no fresh one.

    A quick record is fresh while experiment, data and code are unchanged. A full record is never retrained here: its
    "commit" names the code that made it.
    """
    experiment = get(experiment_id)
    folder = Path(results_dir or paths.results_dir(check_profile(profile)))
    path = records.path(folder, experiment.id, seed)
    record = records.read(path) if path.exists() else None
    scored = record is not None and PRIVATE_TEST in record["metrics"]
    if scored and profile == "full":
        return record
    from fer_helpers import training  # starts Keras, which takes seconds: only when something must be trained

    job = training.Job(experiment, profile, seed, folder)
    if scored and record["key"] == job.key:
        return record
    job.train()
    return job.evaluate()

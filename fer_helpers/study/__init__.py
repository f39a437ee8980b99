"""The study: every experiment, declared once, and `run`, which gives an experiment's record.

Nothing about an experiment lives anywhere else: each paper has its room here. An experiment is called
`<paper>/<experiment>`.
"""

from pathlib import Path

from fer_helpers import paths, records
from fer_helpers.errors import FerError
from fer_helpers.labels import PRIVATE_TEST
from fer_helpers.study import compact, data240, emotionaldan, ljmu, ucf_keypoints, uvic_cnn
from fer_helpers.study.experiment import Experiment

PROFILES = ("quick", "full")
PAPERS = {
    "ucf_keypoints": ucf_keypoints,
    "uvic_cnn": uvic_cnn,
    "emotionaldan": emotionaldan,
    "ljmu": ljmu,
    "data240": data240,
    "compact": compact,  # no paper: the course's own networks
}
_ALL = tuple(experiment for paper in PAPERS.values() for experiment in paper.EXPERIMENTS)
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


def needs(experiment: Experiment, profile: str, seed: int) -> list[tuple[str, int]]:
    """The runs, (experiment id, seed), whose weights a run builds on: the phase before it, and its teachers."""
    recipe = experiment.in_profile(profile)
    starts = [(experiment.start, seed)] if experiment.start else []
    teachers = recipe.teachers if isinstance(recipe, compact.CompactRecipe) else ()
    return starts + [(teacher, 0) for teacher in teachers]


def run(
    experiment_id: str,
    profile: str = "quick",
    seed: int = 0,
    results_dir: Path | str | None = None,
    weights: bool = False,
) -> dict:
    """Record of an experiment in this profile; trains and evaluates it now when there is no fresh one.

    A quick record is fresh while experiment, data and code are unchanged, and `weights` also wants the weights behind
    it. A full record is never retrained here: its "commit" names the code that made it.
    """
    experiment = get(experiment_id)
    folder = Path(results_dir or paths.results_dir(check_profile(profile)))
    path = records.path(folder, experiment.id, seed)
    record = records.read(path, profile) if path.exists() else None
    scored = record is not None and PRIVATE_TEST in record["metrics"]
    if scored and profile == "full":
        return record
    from fer_helpers import training  # starts Keras, which takes seconds: only when something must be trained

    job = training.job(experiment, profile, seed, folder)
    if scored and record["key"] == job.key and (job.checkpoint_path.exists() or not weights):
        return record
    job.train()
    return job.evaluate()


def key(experiment_id: str, profile: str, seed: int, results_dir: Path) -> str:
    """Freshness key of the record that `run` gives: of a full one that is there it is that of the code that made it."""
    path = records.path(results_dir, experiment_id, seed)
    if profile == "full" and path.exists():
        return records.read(path, profile)["key"]
    from fer_helpers import training

    return training.job(get(experiment_id), profile, seed, results_dir).key

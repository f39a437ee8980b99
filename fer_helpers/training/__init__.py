"""Training and evaluation of an experiment: epochs that survive a kill, and a record at the end.

Training sees and stores results of the selection set only (PublicTest, or a part of Training where the experiment
says so); `Job.evaluate` scores the test sets afterwards. What an epoch does follows from the seed, the epoch's number
and the history so far, so that a run that was interrupted goes on as if nothing had happened. `jobs` has the plain
job; networks that learn landmarks as well (`alignment`), later phases (`phases`) and the course's own networks
(`compact`) extend it.
"""

import logging
from pathlib import Path

from fer_helpers.errors import FerError
from fer_helpers.labels import CLEAN_PUBLIC_TEST
from fer_helpers.study import Experiment
from fer_helpers.study.compact import CompactRecipe
from fer_helpers.training.alignment import AlignmentJob
from fer_helpers.training.compact import CompactJob
from fer_helpers.training.epochs import one_epoch, predict, score
from fer_helpers.training.jobs import Job
from fer_helpers.training.phases import PhaseJob
from fer_helpers.training.rows import hold_out, targets
from fer_helpers.training.schedule import History, best_epoch, learning_rate, stopped_by

__all__ = [
    "History",
    "Job",
    "best_epoch",
    "hold_out",
    "job",
    "kind",
    "learning_rate",
    "one_epoch",
    "predict",
    "score",
    "stopped_by",
    "targets",
]
logging.getLogger("tensorflow").setLevel("ERROR")  # no advice on speed among the results


def job(experiment: Experiment, profile: str, seed: int, results_dir: Path) -> Job:
    """The job of an experiment, of the kind that its entry asks for. Raises FerError for an impossible entry."""
    return kind(experiment, profile)(experiment, profile, seed, results_dir)


def kind(experiment: Experiment, profile: str) -> type[Job]:
    """The kind of job that an experiment asks for. Raises FerError where none does all that the entry says."""
    compact = isinstance(experiment.in_profile(profile), CompactRecipe)
    chosen = (
        CompactJob
        if compact
        else AlignmentJob
        if experiment.loss_weights
        else PhaseJob
        if experiment.start
        else Job
    )
    if ignored := [name for name in chosen.ignores if getattr(experiment, name)]:
        raise FerError(
            f"{experiment.id}: no training does all of this entry; take away {' and '.join(ignored)}."
        )
    if compact != (experiment.selection == CLEAN_PUBLIC_TEST):
        raise FerError(
            f"{experiment.id}: the selection {CLEAN_PUBLIC_TEST!r} and a CompactRecipe go together."
        )
    return chosen

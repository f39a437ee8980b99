"""Training in phases (paper data240): a later phase goes on from the best weights of the one before.

Each phase is an experiment with its own record, so that it can be tested by itself, and two phases can share their
start: with and without class weights, for example.
"""

from pathlib import Path

import keras

from fer_helpers import checkpoints, records, study
from fer_helpers.errors import FerError
from fer_helpers.training import Job, job


class PhaseJob(Job):
    """A job that starts from the best weights of another experiment with the same profile and seed.

    The other one is trained first where it has no record yet; one that stopped at an epoch limit is taken as it is.
    """

    def _key(self, config: dict) -> str:
        before = job(study.get(self.experiment.start), self.profile, self.seed, self.results_dir)
        return super()._key({**config, "key of the start": before.key})

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "training/phases"]

    def _initial_net(self) -> keras.Model:
        """Return the network with the weights that the phase before has found."""
        before = self._before()
        path = checkpoints.path(self.experiment.start, self.profile, self.seed, before["key"])
        if not path.exists():
            raise FerError(
                f"The weights of {self.experiment.start}, from which {self.experiment.id} goes on, are not in "
                f"{path.parent}. Delete {self._path_before()} to train it again."
            )
        net = self._net()
        checkpoints.restore_best(net, checkpoints.read(path), path)
        self.initial_weights = before["initial_weights"]
        return net

    def _before(self) -> dict:
        return study.run(self.experiment.start, self.profile, self.seed, self.results_dir)

    def _path_before(self) -> Path:
        return records.path(self.results_dir, self.experiment.start, self.seed)

    def _record(self, *arguments) -> dict:
        """Return the record, which says how far the phase before had come."""
        before = records.read(self._path_before())
        start = {name: before[name] for name in ("experiment", "epochs", "selection", "commit")}
        return super()._record(*arguments) | {"start": start}

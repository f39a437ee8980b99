"""Training in phases (paper data240): a later phase goes on from the best weights of the one before.

Each phase is an experiment with its own record, so that it can be tested by itself, and two phases can share their
start: with and without class weights, for example.
"""

from functools import cached_property

import keras

from fer_helpers import checkpoints
from fer_helpers.training.jobs import Job


class PhaseJob(Job):
    """A job that starts from the best weights of another experiment with the same profile and seed.

    The other one is trained first where it has no record yet; one that stopped at an epoch limit is taken as it is.
    """

    @cached_property
    def initial_weights(self) -> tuple[None, str]:
        """None, because the phase before has given the weights, and what that one began with."""
        return None, self.built_on[0]["initial_weights"]

    def _rooms(self) -> list[str]:
        return [*super()._rooms(), "training/phases"]

    def _initial_net(self, fresh: bool = True) -> keras.Model:
        """Return the network with the weights that the phase before has found, which only a fresh one needs."""
        net = self._net()
        if fresh:
            path = checkpoints.find(self.built_on[0])
            checkpoints.restore_best(net, checkpoints.read(path), path)
        return net

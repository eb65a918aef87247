"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """Agent steps summed over emulators, and gradient updates."""

    steps: int = 0
    updates: int = 0
    learn_from: int = 0
    """Steps after which the replay memory is filled enough and updates begin."""
    owed: int = 0
    """Steps since the last update; one is due whenever these are `update_period`."""
    before: int = 0
    """Steps before the last advance."""

    def advance(self, num_envs: int) -> None:
        """Count one step of each emulator; those past the warm-up are owed to the learner."""
        self.before, self.steps = self.steps, self.steps + num_envs
        self.owed += min(max(self.steps - self.learn_from, 0), num_envs)

    def updates_before_copy(self, update_period: int, target_period: int) -> int:
        """Updates until the target network is copied, which is after each one with which the
        updates, at `update_period` steps each, reach or cross a multiple of `target_period`."""
        into = self.updates * update_period % target_period
        return -((into - target_period) // update_period)

    def passed(self, every: int) -> bool:
        """Whether the last advance reached or crossed a multiple of `every` steps."""
        return self.steps // every > self.before // every

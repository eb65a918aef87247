"""How far a run is: what a checkpoint holds beside the learner's tensors, to go on from."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.learner import Learner
from envs.games import rom_digest
from harness.files.journal import Mark
from harness.run.config import RunConfig

LOG_NAME = r"\d{12}\.actions"
"""What an action log is called: the steps before it."""
CREDIBLE_SHARDS = 64
"""More cores than any run has used for an update."""


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


class RandomStreams(NamedTuple):
    """The random numbers of a run, a stream for each purpose."""

    acting: torch.Generator
    sampling: torch.Generator

    @classmethod
    def seeded(
        cls, seed: int, start: int, learner: torch.device, replay: torch.device
    ) -> RandomStreams:
        """Streams of a run of `seed` that begins, or begins anew, after `start` steps."""
        acting, sampling = map(int, np.random.SeedSequence([seed, start]).generate_state(2))
        return cls(
            torch.Generator(learner).manual_seed(acting),
            torch.Generator(replay).manual_seed(sampling),
        )

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint: these streams, and torch's own, which a network may draw from."""
        states = {name: generator.get_state() for name, generator in self._asdict().items()}
        states["torch"] = torch.get_rng_state()
        if self.acting.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.acting.device)
        return states

    def load_state(self, states: dict[str, Tensor]) -> None:
        """Set the streams to what `state` returned."""
        for name, generator in self._asdict().items():
            generator.set_state(states[name])
        torch.set_rng_state(states["torch"])
        if "cuda" in states and self.acting.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self.acting.device)


@dataclass(frozen=True)
class RunState:
    """How far a run is. With the action log it decides everything that follows."""

    counters: Counters
    evaluated: bool
    """Whether the evaluation due at these steps was played."""
    best_score: float | None
    """Mean return of the best evaluation so far."""
    seconds: float
    """Wall time of the run so far, for its curves."""
    scores: list[int]
    """Of the episode that each emulator plays (points)."""
    lengths: list[int]
    """Of the episode that each emulator plays (agent steps)."""
    log: str
    """Name of the action log in the run's folder."""
    start: int
    """Steps of the run before row 0 of that log."""
    rows: int
    """Turns since then; the checkpoint holds those after the last whole chunk."""
    journals: dict[str, Mark]
    """The length of each file that only grows."""
    shards: int
    """Cores that share each update: they decide the order of sums."""
    made_with: dict[str, str]
    """What the run's numbers depend on beside its settings."""


def numeric_environment(
    config: RunConfig, learner: Learner, replay: torch.device, execution: str
) -> dict[str, str]:
    """What decides a run's numbers here, beside its settings."""
    return {
        "ale-py": importlib.metadata.version("ale-py"),
        "cartridge": rom_digest(config.emulators.game),
        "torch": torch.__version__,
        "device": learner.device.type,
        "replay device": replay.type,
        "execution": execution,
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "precision": learner.precision,
    }

"""Options of all commands that play whole games."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from envs.emulators import SEEDS
from harness.cli.parser import option
from harness.console import progress
from harness.errors import UserError
from harness.evaluation.agents import Agent
from harness.evaluation.scoring import EVALUATION_SEED
from harness.metrics.games import OnStep, how_far
from harness.run.hardware import DeviceName


@dataclass(frozen=True)
class GameOptions:
    """How many games, which, and how they are played."""

    episodes: int
    """Games to play (episodes)."""
    seed: int = EVALUATION_SEED
    """Seed of the first game; the next ones count up from it."""
    epsilon: Annotated[float | None, option("FLOAT", "the run's eval-epsilon")] = None
    """Probability of a random action (0 to 1)."""
    stuck_after: Annotated[int | None, option("STEPS", "the run's eval-stuck-after")] = None
    """Cut off a game in which nothing has happened for so long: no reward, no lost life, no new
    screen (steps; 0: never)."""
    network: Annotated[str | None, option("NETWORK", "the one it was trained in")] = None
    """Let the agent's weights play in this network instead, such as half_max. Name your own
    module:Class here, too: its code runs only if you do."""
    device: DeviceName = "auto"
    """Where the network runs; auto takes CUDA, then MPS, then the CPU."""

    def check(self) -> None:
        """Raise UserError for impossible values."""
        if self.episodes < 1:
            raise UserError(f"--episodes must be at least 1, not {self.episodes}")
        if not 0 <= self.seed <= SEEDS - self.episodes:
            last = self.seed + self.episodes - 1
            raise UserError(
                f"--seed and --episodes ask for the seeds {self.seed} to {last}: they must be "
                f"from 0 to {SEEDS - 1}"
            )
        if self.epsilon is not None and not 0 <= self.epsilon <= 1:
            raise UserError(f"--epsilon must be from 0 to 1, not {self.epsilon}")
        if self.stuck_after is not None and self.stuck_after < 0:
            raise UserError(f"--stuck-after must not be negative, not {self.stuck_after}")

    @property
    def seeds(self) -> range:
        """The seeds, one for each game."""
        return range(self.seed, self.seed + self.episodes)

    def epsilon_for(self, agent: Agent) -> float:
        """The given epsilon, or that of the agent's run."""
        return agent.config.exploration.eval_epsilon if self.epsilon is None else self.epsilon

    def stuck_after_for(self, agent: Agent) -> int:
        """The given steps until a game is stuck, or those of the agent's run."""
        return agent.config.eval_stuck_after if self.stuck_after is None else self.stuck_after


@contextmanager
def watched(total: int) -> Iterator[OnStep]:
    """Show on standard error how many of `total` games are over.

    It shows no scores: the games that end first are the short ones, so their scores are biased.
    """
    with progress(how_far(0, total, 0), total) as advance:
        yield lambda over, longest: advance(over, how_far(over, total, longest))

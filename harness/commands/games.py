"""The options that every command which plays whole games shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from envs.emulators import SEEDS
from harness.agents import Agent
from harness.commands.options import option
from harness.device import DeviceName
from harness.errors import UserError
from harness.scoring import EVALUATION_SEED


@dataclass(frozen=True)
class GameOptions:
    """How many games, which, and how they are played."""

    episodes: int
    """Games to play (episodes)."""
    seed: int = EVALUATION_SEED
    """Seed of the first game; the next ones count up from it."""
    epsilon: Annotated[float | None, option("FLOAT", "the run's eval-epsilon")] = None
    """Probability of a random action (0 to 1)."""
    network: Annotated[str | None, option("NETWORK", "the one it was trained in")] = None
    """Let the agent's weights play in this network instead, such as half_max; and your own
    module:Class, whose code runs only where it is named."""
    device: DeviceName = "auto"
    """Where the network runs; auto takes CUDA, then MPS, then the CPU."""

    def check(self) -> None:
        """Raise UserError for values that cannot be."""
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

    @property
    def seeds(self) -> range:
        """One seed a game."""
        return range(self.seed, self.seed + self.episodes)

    def epsilon_for(self, agent: Agent) -> float:
        """The epsilon given, or the one of the agent's protocol."""
        return agent.config.exploration.eval_epsilon if self.epsilon is None else self.epsilon

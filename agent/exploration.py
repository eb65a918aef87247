"""Epsilon-greedy exploration: the schedule of epsilon and the choice of actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class ExplorationConfig:
    """Epsilon falls linearly, then stays constant."""

    epsilon_start: float = 1.0
    """Probability of a random action during and right after the warm-up (0 to 1)."""
    epsilon_final: float = 0.01
    """Probability of a random action at the end of the decay (0 to 1)."""
    epsilon_decay: int = 250_000
    """Length of the decay (steps)."""
    epsilon_decay_from: Literal["warmup", "start"] = "warmup"
    """Where the decay begins: at the end of the warm-up, or at step 0 as CleanRL and SB3 do."""
    eval_epsilon: float = 0.001
    """Probability of a random action when the agent is scored (0 to 1)."""

    def __post_init__(self) -> None:
        for name in ("epsilon_start", "epsilon_final", "eval_epsilon"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name.replace('_', '-')} must be in [0, 1], not {getattr(self, name)}"
                )
        if self.epsilon_decay < 0:
            raise ValueError(f"epsilon-decay must not be negative, not {self.epsilon_decay}")


def epsilon_at(steps: int, warmup: int, config: ExplorationConfig) -> float:
    """Epsilon after `steps` steps of which the first `warmup` are the warm-up."""
    elapsed = steps - (warmup if config.epsilon_decay_from == "warmup" else 0)
    if elapsed <= 0:
        return config.epsilon_start
    fraction = min(1.0, elapsed / config.epsilon_decay) if config.epsilon_decay else 1.0
    return config.epsilon_start + fraction * (config.epsilon_final - config.epsilon_start)


def epsilon_greedy(q_values: Tensor, epsilon: float | Tensor, generator: torch.Generator) -> Tensor:
    """Actions int64 [E] for `q_values` [E, A]. Each environment draws for itself: a uniform action
    with probability `epsilon` (a number or a tensor []), else the one with the largest Q-value."""
    num_envs, num_actions = q_values.shape
    device = q_values.device
    coin = torch.rand(num_envs, generator=generator, device=device) < epsilon
    uniform = torch.randint(num_actions, (num_envs,), generator=generator, device=device)
    return torch.where(coin, uniform, q_values.argmax(1))

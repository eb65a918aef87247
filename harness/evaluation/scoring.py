"""Scores of whole games: during training, and for a report.

The ranges of seeds (31 bits) do not overlap: those of training are below 2^30.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from envs.emulators import EmulatorConfig
from envs.trace import EpisodeTrace
from harness.evaluation.play import Policy, play_episodes
from harness.metrics.games import OnStep
from harness.run.config import RunConfig

SELECTION_SEED = 1_200_000_000
"""First seed of the evaluations during training, which choose the best checkpoint."""
EVALUATION_SEED = 1_500_000_000
"""First seed of reported scores. A checkpoint is chosen by its score in the evaluations during
training, so its score in those games is biased upwards. Reports use other games."""
SIDE_BY_SIDE = 16
"""Games played at the same time (count)."""


@dataclass(frozen=True)
class Episode:
    """The result of a scored game."""

    seed: int
    """Seed of its emulator and of its random actions."""
    score: int
    """Raw, unclipped return of the whole game (points)."""
    length: int
    """Agent steps; 1 step = 4 frames."""
    truncated: bool
    """Whether the frame cap ended it rather than the game."""
    stuck: bool = False
    """Whether it was cut off because nothing happened any more."""


def score_episodes(
    policy: Policy,
    protocol: EmulatorConfig,
    seeds: Sequence[int],
    epsilon: float,
    device: torch.device | str = "cpu",
    *,
    stuck_after: int = 0,
    on_step: OnStep = lambda over, longest: None,
) -> Iterator[tuple[int, Episode]]:
    """One whole game for each seed, as (index in `seeds`, episode), in order of finishing."""
    for index, trace in play_episodes(
        policy, protocol, seeds, epsilon, device, stuck_after=stuck_after, on_step=on_step
    ):
        yield index, Episode(trace.seed, trace.score, len(trace), trace.truncated, trace.stuck)


def evaluation_episodes(
    policy: Policy,
    device: torch.device,
    config: RunConfig,
    on_step: OnStep = lambda over, longest: None,
) -> list[EpisodeTrace]:
    """`eval_episodes` whole games of a policy under the run's protocol, in the order of their
    seeds."""
    protocol = replace(config.emulators, num_envs=SIDE_BY_SIDE)
    seeds = range(SELECTION_SEED, SELECTION_SEED + config.eval_episodes)
    options: dict[str, Any] = {"stuck_after": config.eval_stuck_after, "on_step": on_step}
    epsilon = config.exploration.eval_epsilon
    traces = dict(play_episodes(policy, protocol, seeds, epsilon, device, **options))
    return [traces[index] for index in sorted(traces)]

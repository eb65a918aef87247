"""Scores of whole games."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from agent.learner import Learner
from envs.trace import EpisodeTrace
from harness.config import RunConfig
from harness.play import play_episodes

EVALUATION_SEED = 1_000_000
"""First seed of evaluation episodes, far from those that training uses."""


def evaluation_episodes(
    learner: Learner, config: RunConfig, episodes: int, device: torch.device
) -> Iterator[tuple[int, EpisodeTrace]]:
    """Whole games of the learner's online network under the run's own protocol."""
    protocol = replace(config.emulators, num_envs=min(episodes, 16))
    seeds = range(EVALUATION_SEED, EVALUATION_SEED + episodes)
    return play_episodes(learner.q_values, protocol, seeds, config.exploration.eval_epsilon, device)

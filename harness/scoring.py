"""Scores of whole games."""

from __future__ import annotations

from dataclasses import replace

import torch

from agent.learner import Learner
from envs.trace import EpisodeTrace
from harness.config import RunConfig
from harness.play import play_episodes

EVALUATION_SEED = 1_000_000
"""First seed of evaluation episodes, far from those that training uses."""


def evaluation_episodes(
    learner: Learner, config: RunConfig, device: torch.device
) -> list[EpisodeTrace]:
    """`eval_episodes` whole games of the learner as it is, under the run's own protocol."""
    protocol = replace(config.emulators, num_envs=16)
    seeds = range(EVALUATION_SEED, EVALUATION_SEED + config.eval_episodes)
    epsilon = config.exploration.eval_epsilon
    played = dict(play_episodes(learner.q_values, protocol, seeds, epsilon, device))
    return [played[index] for index in range(len(seeds))]

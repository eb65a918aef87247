"""The epsilon schedule and the coins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch

from agent.exploration import ExplorationConfig, epsilon_at, epsilon_greedy

CONFIG = ExplorationConfig(epsilon_start=1.0, epsilon_final=0.1, epsilon_decay=900)
FROM_START = replace(CONFIG, epsilon_decay_from="start")


AT_ONCE, RISING = replace(CONFIG, epsilon_decay=0), replace(CONFIG, epsilon_start=0.01)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CONFIG, {0: 1, 99: 1, 100: 1, 101: 0.999, 550: 0.55, 1000: 0.1, 10**9: 0.1}),
        # As CleanRL and SB3 do: the warm-up makes no difference.
        (FROM_START, {0: 1, 1: 0.999, 100: 0.9, 450: 0.55, 900: 0.1, 901: 0.1}),
        (AT_ONCE, {0: 1, 100: 1, 101: 0.1}),
        (RISING, {100: 0.01, 550: 0.055, 1000: 0.1}),
    ],
    ids=["after the warm-up", "from step 0", "at once", "rising"],
)
def test_epsilon_by_hand(config: ExplorationConfig, expected: dict[int, float]) -> None:
    assert {steps: epsilon_at(steps, 100, config) for steps in expected} == pytest.approx(expected)


@pytest.mark.parametrize("config", [CONFIG, FROM_START])
def test_epsilon_never_rises_or_leaves_its_bounds(config: ExplorationConfig) -> None:
    values = [epsilon_at(steps, 100, config) for steps in range(1200)]
    assert values == sorted(values, reverse=True)
    assert (values[0], min(values)) == (1.0, pytest.approx(0.1))


ENVS, ACTIONS, DRAWS = 6, 4, 3000


def random_streams(epsilon: float) -> np.ndarray:
    """Actions [DRAWS, ENVS]; the greedy action of environment e is e % ACTIONS."""
    generator = torch.Generator().manual_seed(0)
    q_values = torch.zeros(ENVS, ACTIONS)
    q_values[range(ENVS), torch.arange(ENVS) % ACTIONS] = 1.0
    return np.stack([epsilon_greedy(q_values, epsilon, generator).numpy() for _ in range(DRAWS)])


GREEDY = np.arange(ENVS) % ACTIONS


def test_epsilon_0_is_greedy() -> None:
    assert (random_streams(0.0) == GREEDY).all()


def test_epsilon_1_is_uniform() -> None:
    for actions in random_streams(1.0).T:
        assert scipy.stats.chisquare(np.bincount(actions, minlength=ACTIONS)).pvalue > 0.001


def test_share_of_greedy_actions() -> None:
    """0.6 greedy, and a quarter of the other 0.4 by chance: 0.7, within 4 standard errors."""
    share = (random_streams(0.4) == GREEDY).mean(0)
    assert np.abs(share - 0.7).max() < 4 * np.sqrt(0.7 * 0.3 / DRAWS)


def test_other_actions_are_equally_likely() -> None:
    for actions, greedy in zip(random_streams(0.4).T, GREEDY, strict=True):
        others = np.delete(np.bincount(actions, minlength=ACTIONS), greedy)
        assert scipy.stats.chisquare(others).pvalue > 0.001


def test_each_environment_draws_its_own_coin() -> None:
    """SB3 draws one coin for all: its environments explore together, correlation near 1."""
    correlation = np.corrcoef((random_streams(0.5) == GREEDY).T)
    assert np.abs(correlation - np.eye(ENVS)).max() < 4 / np.sqrt(DRAWS)


def test_random_actions_of_environments_are_independent() -> None:
    actions = random_streams(1.0)
    assert abs((actions[:, 0] == actions[:, 1]).mean() - 1 / ACTIONS) < 0.04


def test_the_generator_decides() -> None:
    """Over the coin and over the action; nothing comes from torch's own random state."""
    q_values = torch.zeros(64, 6)

    def chosen(seed: int) -> torch.Tensor:
        return epsilon_greedy(q_values, 0.5, torch.Generator().manual_seed(seed))

    assert torch.equal(chosen(1), chosen(1))
    assert not torch.equal(chosen(1), chosen(2))
    assert chosen(1).dtype == torch.int64

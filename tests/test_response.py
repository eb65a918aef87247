"""Answers to movement, on features whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.networks import QNetwork, make_network
from harness.probes.patterns import located, moved
from harness.probes.response import (
    consistency,
    equivariance,
    health,
    invariance,
    responses,
    sensitivity,
)


def made(name: str) -> QNetwork:
    network = make_network(name, 6)
    assert isinstance(network, QNetwork)
    return network


def test_no_change_is_perfect_invariance_and_another_state_is_one() -> None:
    features = torch.randn(20, 3, 5)
    assert invariance(features, features) == 0
    assert invariance(features, features.roll(10, 0)) == pytest.approx(1)
    assert invariance(features, features + 2) > 0


def test_only_global_pooling_forgets_a_movement_by_a_pitch() -> None:
    states = np.full((4, 4, 84, 84), 50, np.uint8)
    for i, state in enumerate(states):
        state[:, 40:46, 30 + 3 * i : 36 + 3 * i] = 200
    torch.manual_seed(0)
    stride = responses(made("stride"), states)
    torch.manual_seed(0)
    pooled = responses(made("stride_gap"), states)
    assert stride["conv1"] == pooled["conv1"]  # the same layers so far
    assert stride["conv3"]["8"] > 0.1
    assert pooled["conv3"]["8"] < 1e-3 * pooled["conv3"]["4"]


@pytest.mark.parametrize("name", ["stride", "half_max", "half_avg"])
def test_maps_move_with_the_picture_by_their_pitch(name: str) -> None:
    found = equivariance(made(name), located(4, 1, 8).states)
    assert max(found.values()) < 1e-6


def test_a_global_maximum_does_not_move_with_the_picture() -> None:
    """Nor does it stay quite the same: what the border cuts off comes and goes."""
    states = located(6, 2, 8).states
    assert equivariance(made("stride_gmp"), states)["conv2"] < 1e-6
    assert (moved(states, 8, 0) != states).any()


def test_health_counts_directions_and_dormant_units() -> None:
    values = torch.zeros(100, 10)
    values[torch.arange(100), torch.arange(100) % 4] = 1.0
    found = health([("fc1", values)])["fc1"]
    assert found == {"dormant": pytest.approx(0.6), "srank": 4.0}
    assert health([("conv3", torch.ones(3, 4, 2, 2))])["conv3"] == {"dormant": 0.0}


class Table(torch.nn.Module):
    """Q-values that are the first pixels of the newest frame."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states[:, -1, 0, :3].float()


def test_sensitivity_by_hand() -> None:
    before = np.zeros((4, 4, 84, 84), np.uint8)
    after = before.copy()
    before[:, -1, 0, :3] = [[9, 0, 0], [9, 1, 0], [0, 9, 0], [0, 9, 8]]
    after[:, -1, 0, :3] = [[9, 0, 0], [9, 1, 0], [9, 0, 0], [0, 8, 9]]
    found = sensitivity(Table(), before, after)  # type: ignore[arg-type]
    assert found["flips"] == 0.5
    assert found["chance"] == 0.5
    assert found["flips_decided"] == pytest.approx(1 / 3)  # of those with a gap of 8 or 9
    assert found["value"] == 0.0


def test_consistency_of_a_picture_that_is_everywhere_the_same() -> None:
    states = np.full((6, 4, 84, 84), 7, np.uint8)
    assert consistency(made("stride"), states) == {"1": 1.0, "2": 1.0, "3": 1.0, "chance": 1.0}

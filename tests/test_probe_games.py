"""Game states for probes: whole episodes apart, objects where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from agent.networks import QNetwork, make_network
from envs.labels import labels_of
from harness.probes.games import agent_profile, displaced_pairs, game_world


@pytest.mark.parametrize("game", ["Pong", "Boxing"])
def test_the_object_is_at_its_position(game: str) -> None:
    """What differs from the median screen is brightest or darkest there, not elsewhere."""
    world = game_world(game, 48)
    newest = world.states[:, -1].astype(float)
    odd = np.abs(newest - np.median(newest, 0))
    near = []
    for picture, (x, y) in zip(odd, world.positions, strict=True):
        rows, columns = np.mgrid[:84, :84]
        inside = (abs(columns - x) <= world.radius[0]) & (abs(rows - y) <= world.radius[1])
        near.append(picture[inside].mean() > 4 * picture[~inside].mean())
    assert np.mean(near) > 0.9


def test_no_episode_is_in_two_parts() -> None:
    world = game_world("Pong", 48)
    train, valid, test = (set(world.episodes[part]) for part in world.parts)
    assert not train & valid | train & test | valid & test


@pytest.mark.parametrize("game", ["Pong", "SpaceInvaders", "MsPacman", "Freeway"])
def test_pairs_differ_where_the_object_can_go(game: str) -> None:
    before, after = displaced_pairs(game, labels_of(game).main, 4)
    assert before.shape == after.shape
    assert len(before) >= 4
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_an_agent_of_a_game_without_labels_has_no_sensitivity() -> None:
    network = make_network("stride", 9)
    assert isinstance(network, QNetwork)
    assert agent_profile(network, "asterix", 48) == {}

"""Game states for probes: whole episodes apart, objects where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from ale_py import Action, ALEInterface

from agent.networks import QNetwork, make_network
from envs.console import console
from envs.interventions import Play, displaced
from envs.labels import in_small_pixels, labels_of
from envs.screen import resized
from harness.probes.distractors import distractors
from harness.probes.games import (
    against,
    agent_profile,
    displaced_pairs,
    game_dataset,
    middles,
    own_play,
)


@pytest.mark.parametrize("game", ["Pong", "Boxing"])
def test_the_object_is_at_its_position(game: str) -> None:
    """What differs from the median screen is brightest or darkest there, not elsewhere."""
    dataset = game_dataset(game, 48)
    newest = dataset.states[:, -1].astype(float)
    odd = np.abs(newest - np.median(newest, 0))
    near = []
    for picture, (x, y) in zip(odd, dataset.positions, strict=True):
        rows, columns = np.mgrid[:84, :84]
        inside = (abs(columns - x) <= dataset.radius[0]) & (abs(rows - y) <= dataset.radius[1])
        near.append(picture[inside].mean() > 4 * picture[~inside].mean())
    assert np.mean(near) > 0.9


def test_no_episode_is_in_two_parts() -> None:
    dataset = game_dataset("Pong", 48)
    train, valid, test = (set(dataset.episodes[part]) for part in dataset.parts)
    assert not train & valid | train & test | valid & test


@pytest.mark.parametrize("game", ["Pong", "SpaceInvaders", "MsPacman", "Freeway"])
def test_pairs_differ_where_the_object_can_go(game: str) -> None:
    before, after, positions, moves = displaced_pairs(game, labels_of(game).main, 4)
    assert before.shape == after.shape
    assert len(before) == len(positions) == len(moves) >= 4
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_an_object_counts_for_what_a_drawn_block_does_not_do() -> None:
    said = against({"flips": 0.5, "value": 1.0}, {"flips": 0.125, "value": 0.25})
    assert said["beyond_drawn"] == 0.375
    assert (said["flips"], said["value"], said["drawn"]["value"]) == (0.5, 1.0, 0.25)


@pytest.mark.parametrize("game", ["Boxing", "Seaquest", "Pong"])
def test_drawn_blocks_are_clear_of_the_object(game: str) -> None:
    """Their box and the object's have 8 pixels between them, before and after."""
    name = labels_of(game).main
    sprite = labels_of(game).sprites[name]
    pairs = displaced_pairs(game, name, 8)
    centres = middles(pairs.positions, sprite)
    copies = distractors(pairs.before, centres, pairs.moves, sprite, 1)
    half = in_small_pixels(np.array(sprite.size)) / 2
    for found in copies:
        for state, drawn, centre in zip(pairs.before, found, centres, strict=True):
            rows, columns = np.nonzero((state != drawn).any(0))
            left, right = columns.min() - 0.5, columns.max() + 0.5
            top, bottom = rows.min() - 0.5, rows.max() + 0.5
            (x0, y0), (x1, y1) = centre - half, centre + half
            assert max(left - x1, x0 - right, top - y1, y0 - bottom) >= 7  # rounded to pixels


def test_an_agent_of_a_game_without_labels_has_no_sensitivity() -> None:
    network = make_network("stride", 9)
    assert isinstance(network, QNetwork)
    assert agent_profile(network, "asterix", 48) == {}


def test_a_drawn_block_moves_as_the_object_did_and_nothing_else_differs() -> None:
    """Pixel by pixel: the block's shade in its box, the game's own pixels everywhere else."""
    rng = np.random.default_rng(3)
    sprite = labels_of("Pong").sprites["ball"]  # 2 x 4 on the screen, 1 x 2 here
    states = rng.integers(0, 200, (40, 4, 84, 84), np.uint8)
    positions = rng.uniform(0, 84, (40, 2))
    moves = np.array([(4.2, 0), (-4.2, 0), (0, 4.0), (0, -4.0)])[np.arange(40) % 4]
    for number, pair in enumerate(
        zip(*distractors(states, positions, moves, sprite, 5), strict=True)
    ):
        corners = []
        for found in pair:
            differs = (found != states[number]).all(0)  # in all four pictures
            assert ((found != states[number]).any(0) == differs).all()
            rows, columns = np.nonzero(differs)
            assert set(zip(rows - rows.min(), columns - columns.min(), strict=True)) == {
                (0, 0),
                (1, 0),
            }
            assert (found[:, rows, columns] == 236).all()
            corners.append((columns.min(), rows.min()))
            apart = np.abs([columns.mean(), rows.mean()] - positions[number]) - (1, 2)
            assert apart.max() >= 8
        went = np.subtract(corners[1], corners[0])
        assert tuple(went) == tuple(np.rint(moves[number]).astype(int))


def test_an_agent_plays_by_its_greedy_actions_and_sees_the_newest_frames_last() -> None:
    """What it was shown is what a plain emulator shows, four frames for each of its actions."""
    network = make_network("stride", 6)
    assert isinstance(network, QNetwork)
    shown: list[np.ndarray] = []
    network.register_forward_hook(lambda _m, states, _o: shown.append(states[0][0].numpy().copy()))
    play, ale, twin = own_play(network, 1), console("pong", 0), console("pong", 0)
    frames = [np.zeros((84, 84), np.uint8)] * 4
    for number in range(30):
        before = ale.cloneState()
        play.step(ale, number == 0)
        np.testing.assert_array_equal(shown[-1], np.stack(frames[-4:]))
        taken = None
        for action in ale.getMinimalActionSet():  # the action that leads to the same memory
            twin.restoreState(before)
            screens = []
            for _ in range(4):
                twin.act(action)
                screens.append(twin.getScreenGrayscale().reshape(210, 160))
            if (twin.getRAM() == ale.getRAM()).all():
                taken = np.max(screens[-2:], 0)
                break
        assert taken is not None
        frames.append(resized(taken[None])[0])


def test_moments_come_from_the_play_that_is_given() -> None:
    firsts, steps = [], []

    def step(ale: ALEInterface, first: bool) -> None:
        (firsts if first else steps).append(ale.getEpisodeFrameNumber())
        for _ in range(4):
            ale.act(Action.NOOP)

    play = Play(step, (40, 60), (5, 6))
    pairs = displaced("Pong", "ball", 12, 3, ((8, 0),), play)
    assert len(firsts) >= 2
    assert set(firsts) == {firsts[0]}  # each episode begins at the same frame
    assert len(pairs.states) == 12
    assert len(steps) >= 40

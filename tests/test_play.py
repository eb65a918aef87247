"""Games in which nothing happens any more: which are cut off, where, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from envs.trace import EpisodeTrace, resimulate
from harness.evaluation.play import Stuck, play_episodes
from support.agent_samples import CUT_OFF
from support.episode_samples import same

AFTER = 20
SEEDS = range(5)


def first_stuck(after: int, screens: Sequence[int], happened: Sequence[bool]) -> int | None:
    """The rule again, slowly: steps until an episode of screens [T + 1] is stuck, None if never."""

    def still(step: int) -> bool:
        since = max((s + 1 for s in range(step + 1) if happened[s]), default=0)
        return screens[step + 1] in screens[since : step + 1]

    for last in range(after - 1, len(happened)):
        if after and all(still(step) for step in range(last - after + 1, last + 1)):
            return last + 1
    return None


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 3), st.booleans() | st.just(False)), max_size=30),
)
def test_the_rule_is_its_slow_twin(after: int, steps: list[tuple[int, bool]]) -> None:
    screens, happened = [0, *(screen for screen, _ in steps)], [event for _, event in steps]
    rule = Stuck(after, 0)
    answers = [rule.step(*step) for step in steps]
    stuck_at = answers.index(True) + 1 if True in answers else None
    assert stuck_at == first_stuck(after, screens, happened)


def test_the_rule_by_hand() -> None:
    rule = Stuck(2, 7)
    #       known, known, new, known, reward, the same as before it, and again, and again
    steps = [(7, False), (8, False), (7, False), (9, True), (7, False), (9, False), (7, False)]
    assert [rule.step(*step) for step in steps] == [False] * 6 + [True]


def rarely_fires(states: torch.Tensor) -> torch.Tensor:
    """NOOP in Breakout: without FIRE there is no ball."""
    return torch.eye(4)[[0] * len(states)]


@pytest.fixture(scope="module")
def played() -> dict[tuple[int, int], list[EpisodeTrace]]:
    """The same games with and without the rule, one by one and three side by side."""
    traces = {}
    for num_envs, after in ((1, 0), (1, AFTER), (3, AFTER)):
        protocol = replace(CUT_OFF, num_envs=num_envs)
        games = dict(play_episodes(rarely_fires, protocol, SEEDS, 0.2, stuck_after=after))
        traces[num_envs, after] = [games[index] for index in range(len(SEEDS))]
    return traces


def test_games_are_cut_off_where_the_rule_says(
    played: dict[tuple[int, int], list[EpisodeTrace]],
) -> None:
    """By the frames, rewards and lives of the whole game."""
    for uncut, cut in zip(played[1, 0], played[1, AFTER], strict=True):
        moments = list(resimulate(uncut))
        lives = np.array([moment.lives for moment in moments])
        screens = [moment.frame.tobytes() for moment in moments]
        index = {screen: number for number, screen in enumerate(dict.fromkeys(screens))}
        happened = (uncut.rewards != 0) | (np.diff(lives) < 0)
        steps = first_stuck(AFTER, [index[screen] for screen in screens], happened.tolist())
        assert not uncut.stuck
        assert cut.stuck == (steps is not None)
        assert len(cut) == (len(uncut) if steps is None else steps)
        assert np.array_equal(cut.digests, uncut.digests[: len(cut) + 1])
        assert np.array_equal(cut.actions, uncut.actions[: len(cut)])
        assert cut.truncated == (uncut.truncated and not cut.stuck)
        assert (cut.end == "cut off as stuck") == cut.stuck
    assert {game.stuck for game in played[1, AFTER]} == {True, False}
    assert any(game.stuck and len(game) > AFTER + 10 for game in played[1, AFTER])


def test_the_next_game_does_not_depend_on_where_one_was_cut_off(
    played: dict[tuple[int, int], list[EpisodeTrace]],
) -> None:
    for one, other in zip(played[1, AFTER], played[3, AFTER], strict=True):
        assert same(one, other)
        assert one.stuck == other.stuck


def test_how_far_the_games_are_is_told_after_every_step() -> None:
    told: list[tuple[int, int]] = []
    protocol = replace(CUT_OFF, max_episode_frames=40, num_envs=2)
    games = play_episodes(
        rarely_fires, protocol, range(3), 0.0, on_step=lambda *step: told.append(step)
    )
    assert len(list(games)) == 3
    assert told == [
        *((0, n) for n in range(1, 10)),
        (2, 0),
        *((2, n) for n in range(1, 10)),
        (3, 0),
    ]

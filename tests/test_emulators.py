"""The batch of emulators against Gymnasium's preprocessing, and its own timeline.

Games are short here: a few hundred steps each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ale_py
import gymnasium
import numpy as np
import numpy.typing as npt
import pytest

import envs.emulators
from envs.emulators import FRAMES_PER_STEP, EmulatorConfig, Emulators, Step, vector_env
from support.emulator_samples import (
    BREAKOUT,
    CAP,
    PONG,
    SHORT,
    Actions,
    FakeVectorEnv,
    assert_same,
    env_of,
    play,
    random_actions,
)

# Gymnasium's own preprocessing, one frame at a time in Python.


def gymnasium_steps(
    game: str, actions: Actions
) -> Iterator[tuple[npt.NDArray[np.uint8], float, bool, bool, bool]]:
    """(frame, reward, terminated, truncated, first); resets cost an action, as in `Step`."""
    gymnasium.register_envs(ale_py)
    raw = gymnasium.make(f"ALE/{game}-v5", frameskip=1, repeat_action_probability=0)
    env = gymnasium.wrappers.AtariPreprocessing(
        raw, noop_max=0, frame_skip=4, screen_size=84, grayscale_obs=True
    )
    frame, _ = env.reset(seed=0)
    over = False
    yield frame, 0.0, False, False, True
    for action in actions[:, 0]:
        if over:
            frame, _ = env.reset()
            over = False
            yield frame, 0.0, False, False, True
        else:
            frame, reward, terminated, truncated, _ = env.step(int(action))
            over = terminated or truncated
            yield frame, float(reward), terminated, truncated, False
    env.close()


@pytest.mark.parametrize(
    ("game", "steps", "num_actions", "ends"),
    [("Pong", 250, 6, 0), ("Breakout", 450, 4, 1), ("SpaceInvaders", 450, 6, 0)],
)
def test_steps_equal_gymnasiums(game: str, steps: int, num_actions: int, ends: int) -> None:
    """Rewards, ends and resets are identical. Frames: at most one grey level apart, and in 99%
    of pixels not at all (both resize by area, each with its own build of OpenCV)."""
    pytest.importorskip("cv2")
    actions = random_actions(steps, 1, num_actions)
    config = EmulatorConfig(game, num_envs=1, sticky_actions=0.0)
    first_frames, ours = play(config, actions, [0])
    theirs = list(gymnasium_steps(game, actions))
    assert [(s.rewards[0], s.terminated[0], s.truncated[0], s.first[0]) for s in ours] == [
        row[1:] for row in theirs[1:]
    ]
    assert sum(step.rewards[0] != 0 for step in ours) > 0
    assert sum(step.ended[0] for step in ours) >= ends
    frames = np.concatenate([first_frames, *(step.frames for step in ours)]).astype(np.int16)
    difference = np.abs(frames - np.stack([row[0] for row in theirs]))
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.99


def test_frames_are_grey_and_change() -> None:
    frames, steps = play(PONG, random_actions(30, 1, 6), [1])
    assert frames.shape == (1, 84, 84)
    assert len({step.frames.tobytes() for step in steps}) > 20
    step = steps[0]
    assert [array.dtype for array in step] == [np.uint8, np.int32, *[np.dtype(bool)] * 4]
    assert {array.shape[0] for array in step} == {1}


# The timeline of envs/emulators.py.


@pytest.fixture(scope="module")
def breakout() -> list[Step]:
    """Random play for at least one whole game of Breakout."""
    return play(BREAKOUT, random_actions(450, 1), [3])[1]


def flags(steps: list[Step], name: str) -> list[int]:
    return np.flatnonzero([getattr(step, name)[0] for step in steps]).tolist()


def test_first_follows_ended_and_nothing_else(breakout: list[Step]) -> None:
    ended = flags(breakout, "ended")
    assert ended
    assert flags(breakout, "first") == [time + 1 for time in ended if time + 1 < len(breakout)]


def test_the_reset_row_has_no_reward_and_no_end(breakout: list[Step]) -> None:
    for time in flags(breakout, "first"):
        step = breakout[time]
        assert (step.rewards[0], step.ended[0], step.life_lost[0]) == (0, False, False)


def test_a_game_of_breakout_loses_five_lives(breakout: list[Step]) -> None:
    """One at a time, each noted once, the last with the end of the game: five of the 5 lives
    that it starts with. Losing one ends neither the game nor the row's neighbours."""
    end = flags(breakout, "terminated")[0]
    lost = [time for time in flags(breakout, "life_lost") if time <= end]
    assert len(lost) == 5
    assert lost[-1] == end
    assert flags(breakout, "ended")[0] == end


def test_a_game_over_shows_the_frame_before_it(breakout: list[Step]) -> None:
    """ALE stops at the end without capturing what is on the screen, and so does Gymnasium: the
    frame of a terminal row repeats the one before. Nothing is bootstrapped from it."""
    for time in flags(breakout, "terminated"):
        assert np.array_equal(breakout[time].frames, breakout[time - 1].frames)


def test_life_lost_is_the_fall_of_the_emulators_own_count() -> None:
    actions = random_actions(300, 1)
    env = vector_env(BREAKOUT, 1)
    _, info = env.reset(seed=np.array([3]))
    lives, expected, over = info["lives"][0], [], False
    for action in actions:
        _, _, terminated, _, info = env.step(action)
        expected.append(not over and info["lives"][0] < lives)
        lives, over = info["lives"][0], terminated[0]
    assert sum(expected) >= 5
    assert [step.life_lost[0] for step in play(BREAKOUT, actions, [3])[1]] == expected


def test_scores_are_raw() -> None:
    """Space Invaders pays 5 to 30 points a hit."""
    config = EmulatorConfig("space_invaders", num_envs=1)
    _, steps = play(config, random_actions(150, 1, 6), [0])
    assert max(step.rewards[0] for step in steps) >= 5


def test_the_frame_cap_counts_frames() -> None:
    """40 frames are 10 steps; then a reset row, then 10 steps again."""
    _, steps = play(SHORT, random_actions(33, 2), [1, 2])
    assert FRAMES_PER_STEP * 10 == CAP
    for env in range(2):
        one = env_of(steps, env)
        assert flags(one, "truncated") == [9, 20, 31]
        assert flags(one, "first") == [10, 21, 32]
        assert flags(one, "terminated") == []
        assert [step.rewards[0] for step in one if step.first[0]] == [0, 0, 0]


def test_the_action_of_a_reset_row_is_ignored() -> None:
    """That is why its row is no transition."""
    actions = random_actions(24, 2)
    other = actions.copy()
    other[10], other[21] = (other[10] + 1) % 4, (other[21] + 2) % 4
    assert_same(play(SHORT, actions, [1, 2])[1], play(SHORT, other, [1, 2])[1])


def test_other_actions_are_not_ignored() -> None:
    actions = np.zeros((8, 2), np.int64)
    steps, moved = play(SHORT, actions, [1, 2])[1], play(SHORT, actions + 2, [1, 2])[1]
    assert not np.array_equal(steps[-1].frames, moved[-1].frames)


def test_steps_are_not_overwritten_by_later_ones() -> None:
    emulators = Emulators(PONG, num_threads=1)
    first = emulators.reset(np.array([1]))
    kept: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = [(first, first.copy())]
    for action in random_actions(12, 1, 6):
        emulators.send(action)
        kept += [(array, array.copy()) for array in emulators.recv()]
    assert all(np.array_equal(held, copy) for held, copy in kept)


def test_both_ends_at_once_is_the_end_of_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminated and truncated exclude each other: an end that is true outweighs the cap."""
    env = FakeVectorEnv()
    frames, rewards, _, _, info = env.recv()
    answer = (frames, rewards, np.array([True, False]), np.array([True, True]), info)
    monkeypatch.setattr(env, "recv", lambda: answer)
    monkeypatch.setattr(envs.emulators, "vector_env", lambda *_: env)
    emulators = Emulators(SHORT)
    emulators.send(np.zeros(2, np.int64))
    step = emulators.recv()
    assert (step.terminated.tolist(), step.truncated.tolist()) == ([True, False], [False, True])
    assert step.ended.tolist() == [True, True]

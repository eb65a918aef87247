"""The batch of emulators against Gymnasium's preprocessing, and its own timeline.

Games are short here: a few hundred steps each.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ale_py
import gymnasium
import numpy as np
import numpy.typing as npt
import pytest

import envs.emulators
from envs.emulators import FRAMES_PER_STEP, EmulatorConfig, Emulators, Step, vector_env

PONG = EmulatorConfig("pong", num_envs=1)
BREAKOUT = EmulatorConfig("breakout", num_envs=1)
CAP = 40
"""Frames after which `SHORT` cuts an episode off."""
SHORT = EmulatorConfig("breakout", num_envs=2, max_episode_frames=CAP)

Actions = npt.NDArray[np.int64]


def random_actions(steps: int, num_envs: int, num_actions: int = 4, seed: int = 0) -> Actions:
    return np.random.default_rng(seed).integers(num_actions, size=(steps, num_envs))


def play(
    config: EmulatorConfig, actions: Actions, seeds: list[int], **options: Any
) -> tuple[npt.NDArray[np.uint8], list[Step]]:
    """First frames, and what came of each action."""
    emulators = Emulators(config, **options)
    frames = emulators.reset(np.array(seeds))
    steps = []
    for row in actions:
        emulators.send(row)
        steps.append(emulators.recv())
    emulators.close()
    return frames, steps


def assert_same(one: list[Step], two: list[Step]) -> None:
    assert len(one) == len(two)
    for time, (a, b) in enumerate(zip(one, two, strict=True)):
        for name, x, y in zip(Step._fields, a, b, strict=True):
            assert np.array_equal(x, y), f"{name} at step {time}"


def env_of(steps: list[Step], env: int) -> list[Step]:
    """One emulator's part of a batch's steps."""
    return [Step(*(array[env : env + 1] for array in step)) for step in steps]


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


# Every argument is explicit.


class Recorder:
    """Stands in for AtariVectorEnv and keeps what it was made with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        signature = inspect.signature(ale_py.AtariVectorEnv)
        self.arguments = signature.bind(*args, **kwargs).arguments
        self.missing = set(signature.parameters) - set(self.arguments)


@pytest.mark.parametrize("screen", [False, True])
def test_every_argument_is_passed(screen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument that a later ale-py adds must be decided on, not defaulted."""
    monkeypatch.setattr(envs.emulators, "AtariVectorEnv", Recorder)
    assert vector_env(PONG, screen=screen).missing == set()


def test_the_arguments_are_those_of_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw scores, no hard reset at a lost life, one frame at a time, next-step autoreset."""
    monkeypatch.setattr(envs.emulators, "AtariVectorEnv", Recorder)
    config = EmulatorConfig(
        "Space Invaders",
        num_envs=3,
        sticky_actions=0.125,
        noop_max=7,
        fire_on_reset=True,
        full_action_space=True,
        max_episode_frames=1234,
    )
    got = vector_env(config, 5).arguments
    assert got == {
        "game": "space_invaders",
        "num_envs": 3,
        "batch_size": 0,
        "num_threads": 5,
        "thread_affinity_offset": -1,
        "max_num_frames_per_episode": 1234,
        "repeat_action_probability": 0.125,
        "full_action_space": True,
        "continuous": False,
        "continuous_action_threshold": 0.5,
        "autoreset_mode": "NextStep",
        "img_height": 84,
        "img_width": 84,
        "grayscale": True,
        "stack_num": 1,
        "frameskip": 4,
        "maxpool": True,
        "noop_max": 7,
        "episodic_life": False,
        "life_loss_info": False,
        "reward_clipping": False,
        "use_fire_reset": True,
    }


def test_number_of_actions() -> None:
    assert Emulators(PONG, num_threads=1).num_actions == 6
    assert Emulators(replace(PONG, full_action_space=True), num_threads=1).num_actions == 18


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


# Seeds.


def test_a_stream_is_a_function_of_seed_and_actions() -> None:
    """The same whatever the neighbours, the number of threads, and how often it was reset."""
    config = replace(SHORT, game="pong", num_envs=3)
    actions = random_actions(45, 3, 6)
    _, together = play(config, actions, [5, 6, 7], num_threads=2)
    _, single = play(config, actions, [5, 6, 7], num_threads=1)
    assert_same(together, single)
    _, alone = play(replace(config, num_envs=1), actions[:, 1:2], [6])
    assert_same(env_of(together, 1), alone)


def test_other_seeds_give_other_streams() -> None:
    """Sticky actions are drawn from the seed."""
    actions = random_actions(30, 1, 6)
    one, two = play(PONG, actions, [1])[1], play(PONG, actions, [2])[1]
    assert any(not np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))


class FakeVectorEnv:
    """Two emulators of which nothing is known but the form of their answer."""

    class ale:  # noqa: N801
        get_action_set = staticmethod(lambda: range(4))

    def send(self, _: Actions) -> None:
        pass

    def recv(self) -> tuple[Any, ...]:
        no = np.zeros(2, np.bool_)
        frames = np.zeros((2, 1, 84, 84), np.uint8)
        return frames, np.zeros(2, np.int32), no, no, {"lives": np.zeros(2, np.int32)}


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


# Resetting some of them.


def test_a_masked_reset_leaves_the_others_alone() -> None:
    actions = random_actions(20, 2, 6)
    config = replace(PONG, num_envs=2)
    emulators = Emulators(config, num_threads=1)
    emulators.reset(np.array([1, 2]))
    steps = []
    for time, row in enumerate(actions):
        if time == 8:
            frames = emulators.reset(np.array([9]), np.array([False, True]))
            assert np.array_equal(frames[0], steps[-1].frames[0])
        emulators.send(row)
        steps.append(emulators.recv())
    one = replace(config, num_envs=1)
    assert_same(env_of(steps, 0), play(one, actions[:, :1], [1])[1])
    fresh_frames, fresh = play(one, actions[8:, 1:], [9])
    assert np.array_equal(frames[1:], fresh_frames)
    assert_same(env_of(steps[8:], 1), fresh)


def test_a_masked_reset_replaces_the_autoreset() -> None:
    """An emulator that was reset by hand after its end has its next action obeyed; the other one,
    which ended at the same step, resets itself."""
    emulators = Emulators(SHORT, num_threads=1)
    emulators.reset(np.array([1, 2]))
    for row in random_actions(10, 2):
        emulators.send(row)
        step = emulators.recv()
    assert step.ended.tolist() == [True, True]
    emulators.reset(np.array([7]), np.array([True, False]))
    actions = random_actions(12, 2, seed=1)
    steps = []
    for row in actions:
        emulators.send(row)
        steps.append(emulators.recv())
    assert steps[0].first.tolist() == [False, True]
    one = replace(SHORT, num_envs=1)
    assert_same(env_of(steps, 0), play(one, actions[:, :1], [7])[1])


@pytest.mark.parametrize("mask", [None, np.array([True, True])])
def test_a_reset_starts_the_flags_anew(
    mask: npt.NDArray[np.bool_] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer lives than before a reset were not lost, and an end before it is forgotten."""
    env = FakeVectorEnv()
    frames, rewards, no, _, _ = env.recv()
    lives = iter([5, 3, 3, 2])

    def info() -> dict[str, npt.NDArray[np.int32]]:
        return {"lives": np.full(2, next(lives), np.int32)}

    monkeypatch.setattr(env, "recv", lambda: (frames, rewards, ~no, no, info()))
    monkeypatch.setattr(env, "reset", lambda **_: (frames, info()), raising=False)
    monkeypatch.setattr(envs.emulators, "vector_env", lambda *_: env)
    emulators = Emulators(SHORT)
    emulators.send(np.zeros(2, np.int64))
    assert emulators.recv().ended.all()
    emulators.reset(np.array([1, 2]), mask)
    emulators.send(np.zeros(2, np.int64))
    step = emulators.recv()
    assert not step.first.any()
    assert not step.life_lost.any()
    # After an end without a reset by hand, the next row is the reset: no life is lost in it.
    emulators.send(np.zeros(2, np.int64))
    step = emulators.recv()
    assert step.first.all()
    assert not step.life_lost.any()

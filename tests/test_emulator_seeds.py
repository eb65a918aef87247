"""What an emulator does is a function of its seed and actions, whatever its neighbours do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import envs.emulators
from envs.emulators import Emulators
from support.emulator_samples import (
    PONG,
    SHORT,
    FakeVectorEnv,
    assert_same,
    env_of,
    play,
    random_actions,
)


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

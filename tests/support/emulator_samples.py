"""Games for tests of the emulators, and ways to compare what came of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from envs.emulators import EmulatorConfig, Emulators, Step

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

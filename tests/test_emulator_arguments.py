"""Every argument of ALE's vector environment is given: its defaults are not the protocol."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import ale_py
import pytest

import envs.emulators
from envs.emulators import EmulatorConfig, Emulators, vector_env
from support.emulator_samples import PONG


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

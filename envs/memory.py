"""The console's memory during a recorded episode, which the batch of emulators does not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
from ale_py import Action

from envs.console import console
from envs.emulators import vector_env
from envs.trace import EpisodeTrace


def memories(trace: EpisodeTrace) -> Iterator[npt.NDArray[np.uint8]]:
    """The 128 bytes of memory at each of the T steps, when its action was chosen: T of uint8 [128].

    The batch plays the episode and says how many frames each step took; a console that can be
    read does the same frame by frame. It stops early where the game is over before the actions
    are used up.
    """
    protocol = replace(trace.protocol, num_envs=1)
    env, before = vector_env(protocol, num_threads=1), len(trace.before)
    actions = env.ale.get_action_set()
    ale = console(protocol.game, trace.seed, protocol.sticky_actions)
    fire = [Action.FIRE] if protocol.fire_on_reset and Action.FIRE in actions else []

    def follow(info: dict[str, Any], pressed: Iterable[Action]) -> None:
        for action in pressed:
            if ale.getEpisodeFrameNumber() >= int(info["episode_frame_number"][0]):
                return
            ale.act(action)

    def opening() -> Iterable[Action]:
        return chain(fire, repeat(Action.NOOP))

    follow(env.reset(seed=np.array([trace.seed]))[1], opening())
    over = False
    for step, action in enumerate(np.concatenate([trace.before, trace.actions]).astype(int)):
        if step >= before:
            if over:
                return
            yield ale.getRAM().copy()
        *_, terminated, truncated, info = env.step(np.array([action]))
        if over:  # this step resets, whatever the action
            ale.reset_game()
        follow(info, opening() if over else repeat(actions[action]))
        over = bool(terminated[0] or truncated[0])

"""The console's memory during a recorded episode. The vector environment gives no access to it."""

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
    """Memory uint8 [128] at each of the T steps, when its action was chosen.

    The vector environment plays the episode and reports how many frames each step took. A single
    emulator plays the same frames, and its memory is read. Stops early if the game is over before
    the actions are used up.
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
        if over:  # this step was a reset: its action was ignored
            ale.reset_game()
        follow(info, opening() if over else repeat(actions[action]))
        over = bool(terminated[0] or truncated[0])

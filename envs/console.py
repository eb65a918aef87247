"""A single emulator whose memory and state can be read and written.

`Emulators` is faster but gives access to neither. Both play the same frames.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ale_py import Action, ALEInterface, LoggerMode

from envs.emulators import FRAMES_PER_STEP
from envs.games import game_id, rom_path
from envs.screen import SCREEN_SHAPE, resized

STACK: int = 4
"""Frames in a state of the agent."""


class Observation(NamedTuple):
    """The outcome of `STACK` agent steps."""

    stack: npt.NDArray[np.uint8]  # [4, 84, 84] as the agent sees it, the oldest picture first
    ram: npt.NDArray[np.uint8]  # [128] memory after the last emulator frame
    before: npt.NDArray[np.uint8]  # [128] memory one emulator frame earlier
    screen: npt.NDArray[np.uint8]  # [210, 160, 3] the last emulator frame
    screen_before: npt.NDArray[np.uint8]  # [210, 160, 3] the emulator frame before it


def console(game: str, seed: int, sticky: float = 0.0) -> ALEInterface:
    """An emulator at the start of a game. At each frame it repeats the previous action with
    probability `sticky`. Raises UnknownGame."""
    # Otherwise ALE announces every game on the terminal.
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", sticky)
    ale.setInt("random_seed", seed)
    ale.loadROM(rom_path(game_id(game)))
    ale.reset_game()
    return ale


def step(ale: ALEInterface, action: Action) -> None:
    """One agent step: the action for four frames, or until the game is over."""
    for _ in range(FRAMES_PER_STEP):
        if ale.game_over():
            return
        ale.act(action)


def observe(ale: ALEInterface) -> Observation | None:
    """Play `STACK` steps of NOOP (16 frames) and observe; None if the game ended meanwhile.

    What was written to memory before these steps is visible in all four frames of the state.
    """
    noop = Action.NOOP
    grey = np.empty((STACK, 2, *SCREEN_SHAPE), np.uint8)
    ram, screen = np.empty(0, np.uint8), np.empty(0, np.uint8)
    for picture in range(STACK):
        for frame in range(FRAMES_PER_STEP):
            ale.act(noop)
            last_two = frame - (FRAMES_PER_STEP - 2)
            if last_two >= 0:
                ale.getScreenGrayscale(grey[picture, last_two])
            if picture == STACK - 1 and last_two == 0:
                ram, screen = ale.getRAM().copy(), ale.getScreenRGB()
        if ale.game_over():
            return None
    stack = resized(grey.max(axis=1))
    return Observation(stack, ale.getRAM().copy(), ram, ale.getScreenRGB(), screen)

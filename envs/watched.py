"""A game played step by step, with the agent's view and the console's memory side by side.

`Emulators` plays the same frames faster, but shows no memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ale_py import Action

from envs.console import STACK, console
from envs.emulators import FRAME_SHAPE, FRAMES_PER_STEP
from envs.screen import SCREEN_SHAPE, resized


class WatchedGame:
    """One emulator with sticky actions (Machado et al. 2018), four frames a step. Raises
    UnknownGame."""

    def __init__(self, game: str, seed: int, sticky: float = 0.25) -> None:
        self._ale = console(game, seed, sticky)
        self.actions: tuple[Action, ...] = tuple(self._ale.getMinimalActionSet())
        self._last_two = np.zeros((2, *SCREEN_SHAPE), np.uint8)
        self.stack: npt.NDArray[np.uint8] = np.zeros((STACK, *FRAME_SHAPE), np.uint8)
        """[4, 84, 84] as the agent sees it, the oldest frame first; zeros before the first."""
        self.memory: npt.NDArray[np.uint8] = np.zeros(128, np.uint8)
        """[128] after the last frame."""
        self.memory_before: npt.NDArray[np.uint8] = self.memory
        """[128] one step earlier; at the start of a game the same as `memory`."""
        self.reset()

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self._ale.game_over())

    def reset(self) -> None:
        """Begin another game."""
        self._ale.reset_game()
        self.stack = np.zeros_like(self.stack)
        self._ale.getScreenGrayscale(self._last_two[1])
        self._last_two[0] = self._last_two[1]
        self._observe()
        self.memory_before = self.memory

    def step(self, action: int) -> int:
        """Play the action of this index for four frames, or until the game is over; returns the
        raw reward."""
        reward = 0
        self.memory_before = self.memory
        for frame in range(FRAMES_PER_STEP):
            reward += int(self._ale.act(self.actions[action]))
            last = frame - (FRAMES_PER_STEP - 2)
            if last >= 0:
                self._ale.getScreenGrayscale(self._last_two[last])
            if self.over:
                break
        self._observe()
        return reward

    def _observe(self) -> None:
        frame = resized(self._last_two.max(0)[None])
        self.stack = np.concatenate([self.stack[1:], frame])
        self.memory = self._ale.getRAM().copy()

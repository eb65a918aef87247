"""A player's position in an episode and its speed, without a screen or a real clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from envs.emulators import FRAMES_PER_STEP

FRAMES_PER_SECOND = 60
JUMP = 5
"""How far < and > jump (seconds of the game)."""
SLOWEST, FASTEST = 1 / 16, 16.0
"""Limits of the speed that - and + set (times real time)."""
KEYS = f"space pause  , . step  < > {JUMP} s  - + speed  0 restart  q quit"
"""The line of keys. Arrows, page keys and Home do what , . < > and 0 do."""
QUIT = frozenset(("q", "Q"))

_AHEAD = 1e-6  # of a frame: the largest error of rounding


@dataclass
class Transport:
    """A position that moves unless it is paused. All times are of one clock (seconds)."""

    frames: int
    """Length of the episode (emulator frames)."""
    speed: float = 1.0
    """Times real time."""
    paused: bool = False
    position: float = 0.0
    """Emulator frames since the start, with a fraction, from 0 to `frames`."""
    clock: float | None = None
    """Time of `position`; None before the first `follow`."""

    @property
    def frame(self) -> int:
        """The frame to show."""
        return min(int(self.position + _AHEAD), self.frames - 1)

    @property
    def last(self) -> bool:
        """Whether the last frame is shown."""
        return self.frame == self.frames - 1

    @property
    def over(self) -> bool:
        """Whether the time of the last frame is over."""
        return self.position + _AHEAD >= self.frames

    @property
    def rate(self) -> float:
        """Frames a second when not paused."""
        return FRAMES_PER_SECOND * self.speed

    def follow(self, now: float) -> None:
        """Move to the position at `now`; pause at the end."""
        if self.clock is not None and not self.paused:
            self.position = min(self.position + (now - self.clock) * self.rate, self.frames)
            self.paused = self.over
        self.clock = now

    def due(self, earliest: float) -> float:
        """When the next frame begins, or the first after `earliest` if that is later; infinity
        while paused. Needs `follow` first."""
        if self.paused or self.clock is None:
            return math.inf
        there = self.position + (earliest - self.clock) * self.rate
        begins = max(math.ceil(there - _AHEAD), self.frame + 1)
        return self.clock + (min(begins, self.frames) - self.position) / self.rate

    def press(self, key: str) -> None:
        """Do what a key does; see KEYS."""
        match key:
            case " ":
                if self.last:
                    self.position = 0.0
                self.paused = not self.paused
            case "," | "left":
                self._step(-1)
            case "." | "right":
                self._step(1)
            case "<" | "pageup":
                self._seek(self.frame - JUMP * FRAMES_PER_SECOND)
            case ">" | "pagedown":
                self._seek(self.frame + JUMP * FRAMES_PER_SECOND)
            case "-":
                self.speed = max(self.speed / 2, min(self.speed, SLOWEST))
            case "+" | "=":
                self.speed = min(self.speed * 2, max(self.speed, FASTEST))
            case "0" | "home":
                self._seek(0)
                self.paused = False

    def _step(self, away: int) -> None:
        """Pause at the first frame of the step that is so many away, or at the end. This frame and
        the one before are what the agent saw when it chose."""
        self.paused = True
        self._seek((self.frame // FRAMES_PER_STEP + away) * FRAMES_PER_STEP)

    def _seek(self, frame: int) -> None:
        self.position = float(min(max(frame, 0), self.frames - 1))

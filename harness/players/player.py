"""A recorded episode on any display: what is to be seen of a moment, and the loop that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from envs.emulators import FRAMES_PER_STEP
from envs.trace import EpisodeTrace
from harness.players.frame_cache import FrameCache
from harness.players.transport import QUIT, Transport

IDLE = 0.1
"""How often a paused display is drawn again, in case its size changed (seconds)."""
LATE = 0.25
"""Simulating for longer than this, after a jump, is no part of the game's time (seconds)."""


@dataclass(frozen=True, eq=False)
class View:
    """What is to be seen of one moment of an episode."""

    image: npt.NDArray[np.uint8]  # [210, 160, 3]
    step: int
    """Agent steps before this one."""
    steps: int
    """Length of the episode (agent steps)."""
    score: int
    """Before this step, behind it at the last frame."""
    action: int
    """Index of the action being carried out."""
    q_values: npt.NDArray[np.float32]  # [A], or [0] if unknown
    names: Sequence[str]  # [A]
    shares: npt.NDArray[np.float32]  # [A] length of the bars, as `shares` has it
    speed: float = 1.0
    paused: bool = False
    last: bool = False
    """Whether nothing comes behind it."""

    @property
    def best(self) -> int:
        """Index of the action with the largest Q-value, -1 if unknown."""
        return int(self.q_values.argmax()) if len(self.q_values) else -1

    @property
    def status(self) -> str:
        """Where the episode stands, what the agent does, and how the player moves."""
        value = f" (Q {self.q_values[self.action]:.3f})" if len(self.q_values) else ""
        speed = f"  {self.speed:g}x" if self.speed != 1 else ""
        state = "  end" if self.last else "  paused" if self.paused else ""
        return (
            f"step {self.step + 1:,}/{self.steps:,}  score {self.score:,}  "
            f"{self.names[self.action]}{value}{speed}{state}"
        )


class Display(Protocol):
    """Where an episode is shown, and the keys beside it."""

    rest: float
    """Least time between the end of one drawing and the next (seconds)."""
    interactive: bool
    """Whether keys can come."""

    def now(self) -> float:
        """A clock (seconds)."""

    def keys(self, timeout: float) -> list[str]:
        """The keys pressed within `timeout` seconds, the sooner the first comes: characters, or
        names as in transport.py; none after that long."""

    def show(self, view: View) -> None:
        """Draw; returns when it is drawn."""


def play(
    trace: EpisodeTrace,
    cache: FrameCache,
    names: Sequence[str],
    display: Display,
    speed: float = 1.0,
) -> None:
    """Show the episode until someone quits, 60 * `speed` emulator frames a second at first; where
    no keys can come, until it is over.

    Frames that fall due while the display is still busy are simulated but not drawn, so a slow
    connection shows fewer of them and the game keeps its pace.
    """
    views = Views(trace, cache, names)
    transport = Transport(FRAMES_PER_STEP * len(trace), speed)
    ready = display.now()  # for the next drawing
    while True:
        transport.follow(display.now())
        if transport.over and not display.interactive:
            return
        if (now := display.now()) >= ready:
            view = views.of(transport)
            if (then := display.now()) - now > LATE:
                transport.clock = then
            display.show(view)
            now = display.now()
            ready = now + display.rest
            until = min(transport.due(ready), now + IDLE)
        else:
            until = ready
        for key in display.keys(max(0.0, until - now)):
            if key in QUIT:
                return
            transport.follow(display.now())
            transport.press(key)


class Views:
    """What is to be seen where a transport stands."""

    def __init__(self, trace: EpisodeTrace, cache: FrameCache, names: Sequence[str]) -> None:
        self._trace, self._cache, self._names = trace, cache, names
        self._scores = np.concatenate([[0], trace.rewards.cumsum()])
        self._shares = shares(trace.q_values)

    def of(self, transport: Transport) -> View:
        """The view; a transport that is longer than the simulated episode is shortened."""
        image = self._cache.picture(transport.frame)
        transport.frames = self._cache.end or transport.frames
        trace, step = self._trace, transport.frame // FRAMES_PER_STEP
        return View(
            image=image,
            step=step,
            steps=len(trace),
            score=int(self._scores[step + 1 if transport.last else step]),
            action=int(trace.actions[step]),
            q_values=trace.q_values[step],
            names=self._names,
            shares=self._shares[step],
            speed=transport.speed,
            paused=transport.paused,
            last=transport.last,
        )


def shares(q_values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Bars of Q-values [T, A]: 1 for the best of its step, 0 for one that lies as far behind it as
    19 of 20 in the episode do at most. Pages have the same."""
    if not q_values.size:
        return q_values
    behind = q_values.max(1, keepdims=True) - q_values
    usual = np.quantile(behind, 0.95, method="lower") or 1.0
    bars: npt.NDArray[np.float32] = np.maximum(1 - behind / usual, 0).astype(np.float32)
    return bars

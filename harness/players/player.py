"""A recorded episode on any display: the view of a moment, and the loop that shows views."""

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
"""How often a paused display is drawn again (seconds): its size may have changed."""
LATE = 0.25
"""A simulation longer than this, after a jump, does not count as time of the game (seconds)."""


@dataclass(frozen=True, eq=False)
class View:
    """What a display shows of one moment of an episode."""

    image: npt.NDArray[np.uint8]  # [210, 160, 3]
    step: int
    """Agent steps before this one."""
    steps: int
    """Length of the episode (agent steps)."""
    score: int
    """Before this step; at the last frame, after it."""
    action: int
    """Index of the action being carried out."""
    q_values: npt.NDArray[np.float32]  # [A], or [0] if unknown
    names: Sequence[str]  # [A]
    shares: npt.NDArray[np.float32]  # [A] length of the bars, as `shares` has it
    speed: float = 1.0
    paused: bool = False
    last: bool = False
    """Whether this is the last frame."""

    @property
    def best(self) -> int:
        """Index of the action with the largest Q-value, -1 if unknown."""
        return int(self.q_values.argmax()) if len(self.q_values) else -1

    @property
    def status(self) -> str:
        """Step, score, action, speed and state of the player, in one line."""
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
        """The keys pressed within `timeout` seconds: characters, or names as in transport.py.
        Returns at the first key."""

    def show(self, view: View) -> None:
        """Draw; returns when it is drawn."""


def play(
    trace: EpisodeTrace,
    cache: FrameCache,
    names: Sequence[str],
    display: Display,
    speed: float = 1.0,
) -> None:
    """Show the episode until the user quits, or until it is over where there are no keys. It begins
    with 60 * `speed` emulator frames a second.

    Frames that are due while the display is busy are not drawn: a slow connection shows fewer, and
    the game keeps its pace.
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
    """The views of an episode."""

    def __init__(self, trace: EpisodeTrace, cache: FrameCache, names: Sequence[str]) -> None:
        self._trace, self._cache, self._names = trace, cache, names
        self._scores = np.concatenate([[0], trace.rewards.cumsum()])
        self._shares = shares(trace.q_values)

    def of(self, transport: Transport) -> View:
        """The view at a transport's position. Where the simulated episode ends earlier than the
        transport, shortens the transport."""
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
    """Lengths of bars [T, A] of Q-values [T, A], as on pages: 1 for the best of its step, 0 for one
    whose gap to the best is at least the 95th percentile of the episode's gaps."""
    if not q_values.size:
        return q_values
    gaps = q_values.max(1, keepdims=True) - q_values
    usual = np.quantile(gaps, 0.95, method="lower") or 1.0
    bars: npt.NDArray[np.float32] = np.maximum(1 - gaps / usual, 0).astype(np.float32)
    return bars

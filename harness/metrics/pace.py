"""How fast a run is, and how fast it was at its best."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple


class Rates(NamedTuple):
    """How fast a run is."""

    steps: float
    """Agent steps a second."""
    updates: float
    """Gradient updates a second."""


class Pace:
    """Rates over the last minute of training, without evaluations."""

    def __init__(self, window: float = 60.0) -> None:
        """`window` is the length of that minute (seconds)."""
        self._window = window
        self._marks: deque[tuple[float, int, int]] = deque()
        self.best: Rates | None = None
        """In the whole minute with the most updates so far; None before the first update. Steps are
        no measure: without updates, in the warm-up, they are fast."""

    def mark(self, steps: int, updates: int) -> None:
        """Note how far the run is."""
        now = time.monotonic()
        if updates and self._marks and not self._marks[0][2]:
            self._marks.clear()  # the pace of the warm-up says nothing about learning
        self._marks.append((now, steps, updates))
        whole = self._marks[0][0] < now - self._window
        while self._marks[0][0] < now - self._window:
            self._marks.popleft()
        if whole and (rates := self.rates()).updates > (self.best.updates if self.best else 0):
            self.best = rates

    def pause(self) -> None:
        """Forget all marks: the time until the next one is not training."""
        self._marks.clear()

    def rates(self) -> Rates:
        """Rates between the first and the last mark; zero before there are two."""
        if len(self._marks) < 2:
            return Rates(0.0, 0.0)
        (t0, s0, u0), (t1, s1, u1) = self._marks[0], self._marks[-1]
        seconds = max(t1 - t0, 1e-9)
        return Rates((s1 - s0) / seconds, (u1 - u0) / seconds)

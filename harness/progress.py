"""What the terminal shows of a run: one live line, or plain lines when it is not a terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from rich.columns import Columns
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LIVE_INTERVAL = 0.25
PLAIN_INTERVAL = 10.0
"""Seconds between two states of the line, on a terminal and elsewhere."""


class Rates(NamedTuple):
    """How fast a run goes."""

    steps: float
    """Agent steps a second."""
    updates: float
    """Gradient updates a second."""


class Pace:
    """Rates over the last minute of training, evaluations left out."""

    def __init__(self, window: float = 60.0) -> None:
        self._window = window
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, steps: int, updates: int) -> None:
        """Note how far the run is now."""
        now = time.monotonic()
        self._marks.append((now, steps, updates))
        while self._marks[0][0] < now - self._window:
            self._marks.popleft()

    def pause(self) -> None:
        """Forget what was noted: the time until the next mark was not training."""
        self._marks.clear()

    def rates(self) -> Rates:
        """Zero until two moments were marked."""
        if len(self._marks) < 2:
            return Rates(0.0, 0.0)
        (t0, s0, u0), (t1, s1, u1) = self._marks[0], self._marks[-1]
        seconds = max(t1 - t0, 1e-9)
        return Rates((s1 - s0) / seconds, (u1 - u0) / seconds)


class Display:
    """Steps, rates, epsilon, recent mean score and time left of a run of `total` steps."""

    def __init__(self, total: int, start: int = 0) -> None:
        self._console = Console(highlight=False)
        self._total = total
        self._scores: deque[int] = deque(maxlen=20)
        self._live = self._console.is_terminal
        self._due = 0.0 if self._live else time.monotonic() + PLAIN_INTERVAL
        self._progress = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("", total=total, completed=start)
        self._progress.start()

    def game_over(self, score: int) -> None:
        """Take note of a training game's score; the line shows the mean of the last 20."""
        self._scores.append(score)

    def update(self, steps: int, epsilon: float, rates: Rates) -> None:
        """Show where the run stands, if the last time was long enough ago."""
        now = time.monotonic()
        # A plain line stays: right after an evaluation there is no rate to tell yet.
        if now < self._due or not (self._live or rates.steps):
            return
        self._due = now + (LIVE_INTERVAL if self._live else PLAIN_INTERVAL)
        line = self._line(steps, epsilon, rates)
        if self._live:
            self._progress.update(self._task, completed=steps, description=line)
        else:
            self.say(line)

    def waiting(self, text: str) -> None:
        """Put `text` in the place of the live line: steps stand still for a while."""
        if self._live:
            self._progress.update(self._task, description=text)
        else:
            self.say(text)

    def _line(self, steps: int, epsilon: float, rates: Rates) -> str:
        left = duration((self._total - steps) / rates.steps) if rates.steps else "?"
        score = f"{sum(self._scores) / len(self._scores):.1f}" if self._scores else "-"
        return (
            f"{steps:,}/{self._total:,} steps  {rates.steps:.0f} steps/s  "
            f"{rates.updates:.0f} updates/s  epsilon {epsilon:.2f}  score {score}  {left} left"
        )

    def say(self, text: str) -> None:
        """Print lines above the live one, as they are."""
        with suppress(OSError):  # a log on a full disk must not end the run
            self._console.print(text, soft_wrap=True, markup=False)

    def table(self, entries: Iterable[str]) -> None:
        """Print short entries in as many columns as fit."""
        self._console.print(Columns(list(entries), column_first=True, padding=(0, 3)), markup=False)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


def duration(seconds: float) -> str:
    """`41s`, `12m05s`, `3h20m`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"

"""What the terminal shows of a run: one live line, or plain lines when it is not a terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


class Display:
    """Steps, rates, epsilon, recent mean score and time left of a run of `total` steps."""

    def __init__(self, total: int, start: int = 0) -> None:
        self._console = Console(highlight=False)
        self._total = total
        self._scores: deque[float] = deque(maxlen=20)
        self._marks: deque[tuple[float, int, int]] = deque(maxlen=200)
        self._next_line = 0.0
        self._live = self._console.is_terminal
        self._progress = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("", total=total, completed=start)
        self._progress.start()

    def episodes(self, scores: Iterable[float]) -> None:
        """Take note of finished training games."""
        self._scores.extend(scores)

    def update(self, steps: int, updates: int, epsilon: float) -> None:
        """Show where the run stands; cheap enough to call at every step."""
        now = time.monotonic()
        if self._marks and now - self._marks[-1][0] < 0.25:
            return
        self._marks.append((now, steps, updates))
        if self._live:
            self._progress.update(
                self._task, completed=steps, description=self._line(steps, updates, epsilon)
            )
        elif now >= self._next_line:
            self._next_line = now + 10
            self._console.print(self._line(steps, updates, epsilon), soft_wrap=True)

    def _line(self, steps: int, updates: int, epsilon: float) -> str:
        rate, update_rate = self.rates()
        left = (self._total - steps) / rate if rate else float("nan")
        score = f"{sum(self._scores) / len(self._scores):.1f}" if self._scores else "-"
        return (
            f"{steps:,}/{self._total:,} steps  {rate:.0f} steps/s  {update_rate:.0f} updates/s  "
            f"epsilon {epsilon:.2f}  score {score}  {_duration(left)} left"
        )

    def rates(self) -> tuple[float, float]:
        """Steps and updates a second over the last minute or so."""
        (t0, s0, u0), (t1, s1, u1) = self._marks[0], self._marks[-1]
        if t1 <= t0:
            return 0.0, 0.0
        return (s1 - s0) / (t1 - t0), (u1 - u0) / (t1 - t0)

    def say(self, text: str) -> None:
        """Print lines above the live one."""
        self._console.print(text, soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


def _duration(seconds: float) -> str:
    if seconds != seconds:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"

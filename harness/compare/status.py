"""What the terminal shows of a comparison on its way: a line a running job, or plain lines when it
is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Group

from harness.compare.design import Job
from harness.console import Console, one_line
from harness.metrics.reader import RECENT, read_figures, scored
from harness.text import duration

LIVE_INTERVAL = 1.0
PLAIN_INTERVAL = 60.0
"""Seconds between two states of the lines, on a terminal and elsewhere."""
_TAIL_BYTES = 32_768


State = Literal["waiting", "running", "finished", "failed"]


@dataclass
class Status:
    """Where a job stands."""

    job: Job
    run_dir: Path
    state: State = "waiting"
    stage: str = ""
    """What it is doing."""
    problem: str = ""
    """Last error line of a failed one."""


class Watch:
    """Shows where the jobs of a comparison stand."""

    def __init__(self, steps: int) -> None:
        """`steps` is the length of each job's run."""
        self._console = Console()
        self.steps = steps
        self._live = self._console.live()
        self._started = time.monotonic()
        self._due = 0.0
        self._at_first: int | None = None
        if self._console.is_terminal:
            self._live.start()

    def expect(self, steps: int) -> None:
        """Runs are so long from here on."""
        self.steps, self._at_first, self._due = steps, None, 0.0

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text)

    def begins(self, status: Status) -> None:
        """A program of a job was started."""
        if not self._console.is_terminal:
            self.say(f"{status.job}: {status.stage}")

    def over(self, status: Status) -> None:
        """A job is finished or failed."""
        problem = f": {status.problem}" if status.problem else ""
        self.say(f"{status.job}: {status.state}{problem}")

    def look(self, statuses: Sequence[Status]) -> None:
        """Show where the jobs stand, if the last time was long enough ago."""
        now = time.monotonic()
        if now < self._due:
            return
        live = self._console.is_terminal
        self._due = now + (LIVE_INTERVAL if live else PLAIN_INTERVAL)
        lines = self._lines(statuses)
        if live:
            texts = (one_line(line, no_wrap=True, overflow="ellipsis") for line in lines)
            self._live.update(Group(*texts), refresh=True)
        else:
            self.say("\n".join(lines))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def _lines(self, statuses: Sequence[Status]) -> list[str]:
        lines, over, failed, done = [], 0, 0, 0
        for status in statuses:
            if status.state == "running":
                steps, score = progress(status.run_dir)
                done += min(steps, self.steps)
                text = "-" if score is None else f"{score:,.1f}"
                lines.append(
                    f"{status.job}  {status.stage}  {steps:,}/{self.steps:,} steps  score {text}"
                )
            over += status.state in ("finished", "failed")
            failed += status.state == "failed"
        left = self._left(done + over * self.steps, len(statuses) * self.steps)
        return [*lines, f"{over} of {len(statuses)} runs over, {failed} failed; {left}"]

    def _left(self, done: int, total: int) -> str:
        """Time left if the steps to come take as long as those since the first look."""
        if self._at_first is None:
            self._at_first, self._started = done, time.monotonic()
        if done >= total:
            return "the last are being scored"
        new, elapsed = done - self._at_first, time.monotonic() - self._started
        if new < self.steps / 20:
            return "time left not known yet"
        return f"about {duration((total - done) / new * elapsed)} left"


def progress(run_dir: Path) -> tuple[int, float | None]:
    """Steps of a run so far, and the mean score of its newest training games."""
    lines = read_figures(run_dir / "metrics.jsonl", _TAIL_BYTES)
    scores = [game.score for game in scored(lines)[-RECENT:]]
    steps = max((int(line["steps"]) for line in lines), default=0)
    return steps, float(np.mean(scores)) if scores else None

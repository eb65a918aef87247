"""What the terminal shows of a run: a few live lines, or plain ones where it is no terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from harness.console import PLAIN_INTERVAL, Console, Table, one_line, say_error
from harness.metrics.pace import Pace, Rates
from harness.metrics.reader import RECENT
from harness.text import counted, duration

LIVE_INTERVAL = 0.25
"""Seconds between two updates on a terminal; elsewhere PLAIN_INTERVAL."""
RECENT_GAMES = 200
"""Training games whose scores the sparkline shows (count)."""
PLAIN_WIDTH = 100
"""Of the table of settings without a terminal (columns)."""
WIDEST_GRAPH, NARROWEST_BAR = 40, 8
"""Of the bar and the sparkline (columns)."""

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"
"""Characters of rising height, and those for terminals that know ASCII alone."""


class Display:
    """How far a run of `total` steps is, how fast it is, what it learned and what is saved."""

    def __init__(self, total: int, run_dir: Path) -> None:
        self._console = Console()
        self._total, self._run_dir = total, run_dir
        self._scores: deque[int] = deque(maxlen=RECENT_GAMES)
        self._saved_at: int | None = None
        self._best_score: float | None = None
        self._is_live = self._console.is_terminal
        self._due = 0.0 if self._is_live else time.monotonic() + PLAIN_INTERVAL
        self._live = self._console.live()
        if self._is_live:
            self._live.start()

    def game_over(self, score: int) -> None:
        """Note a training game's score; the line shows the mean of the last 20."""
        self._scores.append(score)

    def kept(self, saved_at: int | None, best_score: float | None) -> None:
        """Note the newest checkpoint (steps) and the best agent (mean score)."""
        self._saved_at, self._best_score = saved_at, best_score

    def update(self, steps: int, epsilon: float, pace: Pace) -> None:
        """Show how far the run is, if the last update was long enough ago."""
        now = time.monotonic()
        # A plain line stays, so it waits for a rate, which is unknown right after an evaluation.
        if now < self._due or not (self._is_live or pace.rates().steps):
            return
        self._due = now + (LIVE_INTERVAL if self._is_live else PLAIN_INTERVAL)
        if self._is_live:
            self._show(self._where(steps, epsilon, pace))
        else:
            self.say(self._line(steps, epsilon, pace))

    def waiting(self, text: str) -> None:
        """Show `text` instead of the first live line, while no steps are made."""
        self._due = time.monotonic() + (LIVE_INTERVAL if self._is_live else PLAIN_INTERVAL)
        if self._is_live:
            self._show(_row(text))
        else:
            self.say(text)

    def still_waiting(self, text: str) -> None:
        """The same, if the last update was long enough ago."""
        if time.monotonic() >= self._due:
            self.waiting(text)

    def _show(self, first: RenderableType) -> None:
        self._live.update(Group(first, self._learned(), self._kept()), refresh=True)

    def _where(self, steps: int, epsilon: float, pace: Pace) -> RenderableType:
        """Steps, time left and rates, as many as fit, and a bar in the remaining room."""
        rates, best = pace.rates(), pace.best
        share = f" ({rates.updates / best.updates:.0%} of the best minute)" if best else ""
        pieces = [
            f"{steps:,}/{self._total:,} steps",
            f"{self._left(steps, rates)} left",
            f"{rates.steps:.0f} steps/s{share}",
            f"{rates.updates:.0f} updates/s",
            f"epsilon {epsilon:.2f}",
        ]
        line = fitting(pieces, self._width)
        room = min(WIDEST_GRAPH, self._width - len(line) - 2)
        if not line or room < NARROWEST_BAR:
            return _row(line)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(ProgressBar(self._total, steps, room, complete_style="green"), line)
        return grid

    def _learned(self) -> Text:
        """Mean of the last scores, and a graph of more of them."""
        if not self._scores:
            return _row("score: no game has ended yet")
        games = min(len(self._scores), RECENT)
        line = fitting(
            [f"score {self._mean():.1f}", f"mean of {counted(games, 'game')}"], self._width
        )
        heights = means(self._scores, min(WIDEST_GRAPH, self._width - len(line) - 2))
        ascii_only = self._console.options.ascii_only
        graph = Text(sparkline(heights, ascii_only=ascii_only), "cyan")
        span = [f"{min(heights):.1f} to {max(heights):.1f}" if heights else ""]
        if len(self._scores) > len(heights):
            span += [f"last {len(self._scores)} games"]
        return _row(line, graph, fitting(span, self._width - len(line) - len(graph) - 4))

    def _kept(self) -> Text:
        """The run's folder and its checkpoints."""
        pieces = [
            "last/ none yet" if self._saved_at is None else f"last/ {self._saved_at:,} steps",
            *([] if self._best_score is None else [f"best/ scored {self._best_score:.1f}"]),
        ]
        line = fitting(pieces, self._width - 14)
        room = self._width - len(line) - 2 if line else self._width
        return _row(cut_left(str(self._run_dir), room), line)

    @property
    def _width(self) -> int:
        """Columns of a line; the `^C` that terminals echo fits after it."""
        return self._console.width - 3

    def _mean(self) -> float:
        recent = list(self._scores)[-RECENT:]
        return sum(recent) / len(recent)

    def _left(self, steps: int, rates: Rates) -> str:
        """Time left; unknown before the first update."""
        return duration((self._total - steps) / rates.steps) if rates.updates else "?"

    def _line(self, steps: int, epsilon: float, pace: Pace) -> str:
        rates = pace.rates()
        score = f"{self._mean():.1f}" if self._scores else "-"
        return (
            f"{steps:,}/{self._total:,} steps  {rates.steps:.0f} steps/s  "
            f"{rates.updates:.0f} updates/s  epsilon {epsilon:.2f}  score {score}  "
            f"{self._left(steps, rates)} left"
        )

    def say(self, text: str) -> None:
        """Print lines above the live ones."""
        self._console.print(text)

    def warn(self, text: str) -> None:
        """Print a line on standard error, above the live ones if it is the same terminal."""
        say_error(text)

    def table(self, entries: Iterable[str]) -> None:
        """Print short entries in as many columns as fit."""
        shown = list(entries)
        width = min(self._console.width, max(PLAIN_WIDTH, *map(len, shown)))
        self._console.print(Columns(shown, column_first=True, padding=(0, 3)), width=width)

    def close(self) -> None:
        """Remove the live lines."""
        self._live.stop()


def _row(*parts: str | Text) -> Text:
    """The parts that are not empty, two spaces apart, cut at the end of the line."""
    texts = [one_line(part) if isinstance(part, str) else part for part in parts if part]
    return Text("  ", no_wrap=True, overflow="crop").join(texts)


def means(values: Collection[float], most: int) -> list[float]:
    """Means of at most `most` groups of neighbouring values; sizes differ by one at most."""
    count = min(most, len(values))
    if count < 1:
        return []
    return [float(part.mean()) for part in np.array_split(np.asarray(list(values)), count)]


def sparkline(values: Sequence[float], *, ascii_only: bool = False) -> str:
    """One character a value, its height between the least and the largest value."""
    levels = ASCII if ascii_only else BLOCKS
    least, span = min(values, default=0.0), (np.ptp(values) if len(values) else 0.0)
    top = len(levels) - 1
    return "".join(levels[round((value - least) / span * top) if span else 0] for value in values)


def fitting(pieces: Sequence[str], width: int) -> str:
    """The first pieces, two spaces apart, as many as fit into `width` columns."""
    line = ""
    for piece in pieces:
        longer = f"{line}  {piece}" if line else piece
        if len(longer) > width:
            break
        line = longer
    return line


def cut_left(text: str, width: int) -> str:
    """The text, or dots and its end if it is too wide."""
    return text if len(text) <= width else "..."[: max(width, 0)] + text[len(text) - width + 3 :]

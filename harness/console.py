"""The consoles that everything is printed on. Text is shown whole and unchanged; lines and bars
move on a real terminal only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import rich.table
from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.text import printable

UNKNOWN = 80
"""Columns assumed where the terminal says 0, as COLUMNS=0 does."""
WHOLE = 10_000
"""Columns in files and pipes, where no line is folded."""

PLAIN_INTERVAL = 10.0
"""Seconds between two lines where there is no terminal; shorter work prints none."""

T = TypeVar("T")


def one_line(text: str, **options: Any) -> Text:
    """A line of the moving ones: control characters, newlines too, are written out."""
    return Text(printable(text).replace("\n", "\\n"), **options)


class Console(RichConsole):
    """Standard output or standard error. Brackets and colons are text, not markup or emoji."""

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        # FORCE_COLOR and the like make no terminal of a file; a dumb one cannot move its cursor.
        terminal = stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        super().__init__(
            stderr=stderr,
            force_terminal=terminal,
            width=None if terminal else WHOLE,
            soft_wrap=True,  # terminals fold lines themselves, and do not cut names
            markup=False,
            emoji=False,
            highlight=False,
        )
        if not self.width:
            self.width = UNKNOWN

    def render_str(self, text: str, **options: Any) -> Text:
        """Text, with control characters written out."""
        return super().render_str(printable(text), **options)

    def live(self) -> Live:
        """Lines that are redrawn on request."""
        return Live(console=self, auto_refresh=False, transient=True, **_redirections())

    def progress(self, *, transient: bool = True, speed_period: float = 30.0) -> Progress:
        """Bars with counts and times, on a terminal only. The time left is estimated from the speed
        in the last `speed_period` seconds."""
        return Progress(
            *(TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn()),
            *(TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()),
            console=self,
            transient=transient,
            speed_estimate_period=speed_period,
            disable=not self.is_terminal,
            **_redirections(),
        )


def say(*lines: object) -> None:
    """Print lines on standard output."""
    Console().print(*map(str, lines), sep="\n")


def say_error(text: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True).print(text)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    say_error(f"warning: {text}")


def _redirections() -> dict[str, Any]:
    """rich's options: print other output above the moving lines unless it goes to a file."""
    return dict.fromkeys(
        ("redirect_stdout", "redirect_stderr"), sys.stdout.isatty() and sys.stderr.isatty()
    )


class Table(rich.table.Table):
    """A table without lines, whose cells are folded, not cut off, where there is no room."""

    def __init__(self, *names: str, **options: Any) -> None:
        super().__init__(*names, **{"box": None} | options)

    def add_column(self, header: RenderableType = "", *more: Any, **options: Any) -> None:
        """As in rich."""
        super().add_column(header, *more, **{"overflow": "fold"} | options)


@contextmanager
def progress(
    text: str, total: int | None = None, console: Console | None = None
) -> Iterator[Callable[..., None]]:
    """Show on standard error, or on `console`, how far the work in the block is.

    Yields a function that the block calls after each of `total` parts, or with the number of parts
    done and a text. Without parts only `text` and the time are shown. One bar at a time.
    """
    console = console or Console(stderr=True)
    live = console.is_terminal
    done, due = 0, time.monotonic() + PLAIN_INTERVAL
    bar = console.progress()
    task = bar.add_task(text, total=total)

    def advance(parts: int | None = None, description: str | None = None) -> None:
        nonlocal done, due
        done = done + 1 if parts is None else parts
        bar.update(task, completed=done, description=description or text)
        if not live and time.monotonic() >= due:
            due = time.monotonic() + PLAIN_INTERVAL
            console.print(description or f"{text}: {done:,} of {total:,}")

    if total is None and not live:
        console.print(text)
    try:  # a signal may come while it starts
        bar.start()
        yield advance
    finally:
        bar.stop()


def advancing(work: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    """The items of `work`, with a call of `advance` after each."""
    for item in work:
        yield item
        advance()


def track(work: Iterable[T], text: str, total: int, console: Console | None = None) -> Iterator[T]:
    """The items of `work`, with a bar that disappears after the last."""
    with progress(text, total, console) as advance:
        yield from advancing(work, advance)

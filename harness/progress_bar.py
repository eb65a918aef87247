"""How far long work is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from harness.console import Console

PLAIN_INTERVAL = 10.0
"""Seconds between two lines where there is no terminal; shorter work has none."""

T = TypeVar("T")


@contextmanager
def progress(
    text: str, total: int | None = None, console: Console | None = None
) -> Iterator[Callable[..., None]]:
    """Show on standard error, or on `console`, what is done in the block and how much of it.

    Yields what the block calls after each of `total` parts, or with how many are done and a text on
    them. Without parts only `text` and the time are shown. One bar is shown at a time.
    """
    console = console or Console(stderr=True)
    live = console.is_terminal
    done, due = 0, time.monotonic() + PLAIN_INTERVAL
    bar = console.progress()
    task = bar.add_task(text, total=total)

    def advance(parts: int | None = None, said: str | None = None) -> None:
        nonlocal done, due
        done = done + 1 if parts is None else parts
        bar.update(task, completed=done, description=said or text)
        if not live and time.monotonic() >= due:
            due = time.monotonic() + PLAIN_INTERVAL
            console.print(said or f"{text}: {done:,} of {total:,}")

    if total is None and not live:
        console.print(text)
    try:  # a signal may come while it starts
        bar.start()
        yield advance
    finally:
        bar.stop()


def advancing(work: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    """The same, with a call of `advance` after each."""
    for one in work:
        yield one
        advance()


def track(work: Iterable[T], text: str, total: int, console: Console | None = None) -> Iterator[T]:
    """The same, with `progress`; for the head of a loop, whose end takes the bar away."""
    with progress(text, total, console) as advance:
        yield from advancing(work, advance)

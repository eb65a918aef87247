"""What ends a program from outside: a signal, or the end of the program that started it.

Scripts import this first, so it imports nothing that takes time.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

ENDING = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
)
"""Signals that ask a program to end."""
_REPEAT_WINDOW = 0.5
"""Seconds during which repeated signals count as one: `timeout` and `uv run` send each twice."""
_PARENT = "UNPOOLED_PARENT"
_PARENT_POLL_INTERVAL = 0.5
"""Seconds between two checks whether the parent still runs."""

Handler = Callable[[int], object]
"""Called with the number of a signal."""


class Interrupted(KeyboardInterrupt):
    """A signal asks the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def interrupt(number: int) -> None:
    """Raise Interrupted."""
    raise Interrupted(number)


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 + n after signal n, as in shells."""
    return 128 + (stop.number if isinstance(stop, Interrupted) else signal.SIGINT)


@contextmanager
def received_by(handler: Handler) -> Iterator[None]:
    """Within the context, `handler` receives the signals that ask a program to end."""
    previous = _hand_to(handler)
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before)


def end_at_once() -> None:
    """From now on a signal ends the program at once, with one line. This is for its first seconds,
    while it imports and has nothing to clean up. If `child_environment` was in its environment, it
    also gets SIGTERM once the process that started it is gone."""

    def end(number: int) -> None:
        with suppress(OSError):  # the terminal may be closed
            os.write(2, b"stopped\n")
        os._exit(128 + number)

    _hand_to(end)
    if hasattr(signal, "SIGTSTP") and signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
        signal.signal(signal.SIGTSTP, _suspend)
    if parent := os.environ.pop(_PARENT, ""):
        end_after_parent(int(parent))


@contextmanager
def suspended_along(groups: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Within the context, Ctrl-Z also suspends these process groups. They continue together with
    this process."""
    global _suspended_groups
    _suspended_groups, before = groups, _suspended_groups
    try:
        yield
    finally:
        _suspended_groups = before


_suspended_groups: Callable[[], Iterable[int]] = tuple


def _suspend(*_: object) -> None:
    """Ctrl-Z: show the cursor, which a progress display may have hidden, and suspend."""
    for stream in (1, 2):
        if os.isatty(stream):
            os.write(stream, b"\x1b[?25h")
    _signal_groups(signal.SIGSTOP)
    signal.raise_signal(signal.SIGSTOP)
    _signal_groups(signal.SIGCONT)


def _signal_groups(number: signal.Signals) -> None:
    for group in _suspended_groups():
        with suppress(ProcessLookupError):
            os.killpg(group, number)


def child_environment() -> dict[str, str]:
    """Environment variables that make a script of the project end with this process."""
    return {_PARENT: str(os.getpid())} if os.name == "posix" else {}


@contextmanager
def children_ignore_terminal() -> Iterator[None]:
    """Programs started within the context ignore signals that a terminal sends to all programs,
    such as Ctrl-C, from their first moment on. SIGTERM ends them."""
    previous = {
        number: signal.signal(number, signal.SIG_IGN)
        for number in ENDING
        if number != signal.SIGTERM
    }
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before)


def end_after_parent(parent: int) -> None:
    """Send SIGTERM to this process once its parent (a process id) is gone, for whatever reason."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_INTERVAL)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _hand_to(handler: Handler) -> dict[signal.Signals, signal._HANDLER]:
    """Let `handler` receive each signal of ENDING; returns the handlers before. An ignored signal
    stays ignored, as SIGHUP under nohup. SIGINT is the exception: shells ignore it in all
    background programs."""
    last_time = -_REPEAT_WINDOW

    def receive(number: int, _: object) -> None:
        nonlocal last_time
        previous_time, last_time = last_time, time.monotonic()
        if last_time - previous_time >= _REPEAT_WINDOW:
            handler(number)

    return {
        number: signal.signal(number, receive)
        for number in ENDING
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }

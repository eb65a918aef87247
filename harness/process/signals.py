"""What ends a program from outside: a signal, or the end of the program that started it.

Scripts import it before all else, so it imports nothing that takes time.
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
_ONE_REQUEST = 0.5
"""Seconds in which signals are one request: `timeout` and `uv run` send each twice."""
_PARENT = "UNPOOLED_PARENT"
_LOOK_INTERVAL = 0.5
"""Seconds between two looks whether the parent still runs."""

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
    """128 + n after signal n, as shells have it."""
    return 128 + (stop.number if isinstance(stop, Interrupted) else signal.SIGINT)


@contextmanager
def received_by(handler: Handler) -> Iterator[None]:
    """Call `handler` for the signals that end a program, meanwhile."""
    before = _hand_to(handler)
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)


def end_at_once() -> None:
    """From now on a signal ends the program with one line. For its first seconds, in which it
    imports and there is nothing to tidy up. It also gets SIGTERM once the program that started it
    with `child_environment` is gone."""

    def end(number: int) -> None:
        with suppress(OSError):  # a terminal that was closed
            os.write(2, b"stopped\n")
        os._exit(128 + number)

    _hand_to(end)
    if hasattr(signal, "SIGTSTP") and signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
        signal.signal(signal.SIGTSTP, _suspend)
    if parent := os.environ.pop(_PARENT, ""):
        end_with(int(parent))


@contextmanager
def suspended_along(groups: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Meanwhile Ctrl-Z suspends these groups of processes, too, and they go on with this one."""
    global _groups
    _groups, before = groups, _groups
    try:
        yield
    finally:
        _groups = before


_groups: Callable[[], Iterable[int]] = tuple


def _suspend(*_: object) -> None:
    """Ctrl-Z: what hides the cursor while it shows progress lends it to the shell."""
    for stream in (1, 2):
        if os.isatty(stream):
            os.write(stream, b"\x1b[?25h")
    _send(signal.SIGSTOP)
    signal.raise_signal(signal.SIGSTOP)
    _send(signal.SIGCONT)


def _send(number: signal.Signals) -> None:
    for group in _groups():
        with suppress(ProcessLookupError):
            os.killpg(group, number)


def child_environment() -> dict[str, str]:
    """Variables for a script of the project that is to end with this process."""
    return {_PARENT: str(os.getpid())} if os.name == "posix" else {}


@contextmanager
def heard_here_alone() -> Iterator[None]:
    """Programs that are started meanwhile ignore what a terminal sends to all of its programs, also
    in their first seconds; SIGTERM ends them."""
    before = {
        number: signal.signal(number, signal.SIG_IGN)
        for number in ENDING
        if number != signal.SIGTERM
    }
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)


def end_with(parent: int) -> None:
    """Send this process SIGTERM once its parent is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_INTERVAL)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _hand_to(handler: Handler) -> dict[signal.Signals, signal._HANDLER]:
    """Let `handler` receive each ending signal; who did before. One that is ignored stays so, as
    SIGHUP under nohup, but not SIGINT, which shells ignore in every program in the background."""
    last = -_ONE_REQUEST

    def receive(number: int, _: object) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= _ONE_REQUEST:
            handler(number)

    return {
        number: signal.signal(number, receive)
        for number in ENDING
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }

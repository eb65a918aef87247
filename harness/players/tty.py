"""The terminal as a device: full screen, keys one by one, and always restored."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from harness.errors import UserError
from harness.process.signals import Interrupted

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"  # other screen, cursor hidden, cleared
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"
_KEY = re.compile(r"\x1b(?:\[[\d;]*[^\d;]?|O.?)|[\s\S]")
_BEGUN = re.compile(r"\x1b(?:\[[\d;]*|O)?")


NAMES = {
    **dict.fromkeys(("\x1b[C", "\x1bOC"), "right"),
    **dict.fromkeys(("\x1b[D", "\x1bOD"), "left"),
    **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"), "home"),
    "\x1b[5~": "pageup",
    "\x1b[6~": "pagedown",
}
"""Keys that xterm and similar terminals send as several characters."""


class Terminal:
    """A terminal that `full_screen` took over."""

    _partial = ""

    def now(self) -> float:
        """A clock (seconds)."""
        return time.monotonic()

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        # Pseudo-terminals without a window behind them say 0.
        return columns or 80, rows or 24

    def write(self, text: str) -> None:
        """Send text and codes; returns when the terminal has accepted them."""
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()

    @property
    def has_keys(self) -> bool:
        """Whether there is a keyboard."""
        return sys.stdin.isatty()

    def keys(self, timeout: float) -> list[str]:
        """The keys pressed within `timeout` seconds: characters, or names of NAMES. Returns at the
        first key. Raises OSError where the terminal hung up."""
        if not self.has_keys:
            time.sleep(timeout)
            return []
        if not select.select([sys.stdin], [], [], timeout)[0]:
            return []
        sent = os.read(sys.stdin.fileno(), 4096).decode(errors="replace")
        if not sent:
            raise OSError(errno.EIO, "the terminal hung up")
        keys, self._partial = split_keys(self._partial + sent)
        return keys


def split_keys(sent: str) -> tuple[list[str], str]:
    """The keys in what a keyboard sent, and the beginning of a key whose rest is yet to come."""
    codes = _KEY.findall(sent)
    begun = codes.pop() if codes and _BEGUN.fullmatch(codes[-1]) else ""
    return [NAMES.get(code, code) for code in codes], begun


@contextmanager
def full_screen() -> Iterator[Terminal]:
    """Take the terminal over, and restore it whatever is raised meanwhile. Raises UserError where
    standard output is no terminal or cannot show half blocks, and Interrupted where the terminal
    hangs up."""
    if not sys.stdout.isatty() or os.name != "posix":
        raise UserError(
            "standard output is not a Unix terminal: use --in page, --in window, --in video, "
            "or --verify"
        )
    if not (encoding := sys.stdout.encoding).lower().startswith("utf"):
        raise UserError(
            f"the encoding of this terminal, {encoding}, has no half blocks: set "
            "PYTHONIOENCODING=utf-8 if the terminal has them, or use --in page"
        )
    with _hang_up_as_signal(), ExitStack() as restore:
        if sys.stdin.isatty():
            restore.callback(_if_open, _keys_one_by_one(sys.stdin.fileno()))
        terminal = Terminal()
        restore.callback(_if_open, lambda: terminal.write(_LEAVE))
        terminal.write(_ENTER)
        yield terminal


@contextmanager
def _hang_up_as_signal() -> Iterator[None]:
    """End the program as SIGHUP does where the terminal is gone: the signal may be ignored."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO or sys.stdout.isatty():
            raise
        raise Interrupted(signal.SIGHUP) from None


def _if_open(undo: Callable[[], object]) -> None:
    """Undo something, unless the terminal was closed meanwhile."""
    import termios

    with suppress(OSError, termios.error):
        undo()


def _keys_one_by_one(stdin: int) -> Callable[[], None]:
    """Stop the terminal from echoing keys and waiting for whole lines; returns what undoes it."""
    import termios
    import tty

    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)  # Ctrl-C still interrupts
    now = termios.tcgetattr(stdin)
    for key in (termios.VSUSP, termios.VQUIT):  # they would leave the shell without a cursor
        now[6][key] = b"\x00"
    termios.tcsetattr(stdin, termios.TCSANOW, now)
    return lambda: termios.tcsetattr(stdin, termios.TCSADRAIN, before)

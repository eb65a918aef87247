"""Standard output and standard error that never end a program: what they refuse is lost."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys

_GONE = {errno.EPIPE, errno.EIO}
"""Nobody reads any more: the other end of a pipe was closed, a terminal hung up."""
_PATIENCE = 2.0
"""Seconds."""
_PIECE = 4096
"""Bytes that a pipe takes at once when it takes any."""


class _Steady(io.FileIO):
    """A file descriptor that takes all it is given, written or not."""

    refused: str = ""
    """Why something was lost, unless nobody reads any more."""
    patience: float | None = None
    """How long a reader that takes nothing is waited for before what is left is lost (seconds;
    None: for ever)."""
    _takes = True

    def write(self, data: object) -> int:
        """Write all of it. There is no buffer above it, which would lose a part when a signal's
        handler prints, too."""
        rest = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(rest)
        try:
            while rest and self._is_ready():
                rest = rest[super().write(rest[:_PIECE]) or 0 :]  # none where another was faster
        except OSError as error:
            if error.errno not in _GONE:
                self.refused = str(error.strerror)
        return size

    def _is_ready(self) -> bool:
        """Whether the reader takes more; one that did not is not waited for again until it does."""
        if os.name == "posix":
            wait = self.patience if self._takes else 0
            self._takes = bool(select.select([], [self], [], wait)[1])
        return self._takes


def never_wait_long() -> None:
    """From now on a terminal that stands still, as after Ctrl-S, and a reader that reads no more
    hold nothing up: what they do not take in time is lost."""
    _Steady.patience = _PATIENCE


def steady() -> None:
    """Put such streams in the place of Python's own, and something where a descriptor is closed:
    the next file to be opened would get its number, and what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    if sys.stdout is sys.__stdout__:  # else somebody listens
        sys.stdout = _text(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(2, sys.stderr)


def _text(number: int, before: object) -> io.TextIOWrapper:
    if not isinstance(before, io.TextIOWrapper):  # None where the descriptor was closed
        return io.TextIOWrapper(_Steady(number, "w", closefd=False), "utf-8", _HANDLER)
    before.flush()
    return io.TextIOWrapper(
        _Steady(before.fileno(), "w", closefd=False),
        before.encoding,
        _HANDLER,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )


def refused() -> str:
    """Why standard output refused something, unless its reader had seen enough."""
    sys.stdout.flush()
    return getattr(getattr(sys.stdout, "buffer", None), "refused", "")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a file's name that are no text stay as they are; what an encoding lacks is `?`."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("replace")(error)


_HANDLER = "bytes_or_question_mark"
codecs.register_error(_HANDLER, _replaced)

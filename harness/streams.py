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
_BLOCKED = 1.0
"""How long a reader that is busy is waited for before it is tried again (seconds)."""


class _Steady(io.FileIO):
    """A file descriptor that takes all it is given, written or not."""

    refused: str = ""
    """Why something was lost, unless nobody reads any more."""

    def write(self, data: object) -> int:
        """Write all of it. There is no buffer above it, which would lose a part when a signal's
        handler prints, too."""
        rest = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(rest)
        try:
            while rest:
                sent = super().write(rest)
                if sent is None:  # the descriptor is not a blocking one
                    select.select([], [self], [], _BLOCKED)
                rest = rest[sent or 0 :]
        except OSError as error:
            if error.errno not in _GONE:
                self.refused = str(error.strerror)
        return size


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

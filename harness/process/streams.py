"""Standard output and standard error whose failures never end a program: what cannot be written
is lost."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys

_GONE = {errno.EPIPE, errno.EIO}
"""Errors when nobody reads any more: a pipe's other end was closed, or a terminal hung up."""
_MAX_WAIT = 2.0
"""Longest wait of `never_wait_long` (seconds)."""
_PIPE_CHUNK = 4096
"""Bytes that a pipe which is ready accepts at once."""


class _SafeStream(io.FileIO):
    """A file whose `write` never fails: it drops what cannot be written."""

    refused: str = ""
    """Why output was lost, unless nobody reads any more."""
    max_wait: float | None = None
    """Longest wait for a reader before output is dropped (seconds; None: no limit)."""
    _accepting = True

    def write(self, data: object) -> int:
        """Write all of `data`; returns its size in bytes. There is no buffer above this stream: a
        buffer would lose output when a signal handler prints at the same time."""
        unwritten = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(unwritten)
        try:
            while unwritten and self._is_ready():
                written = super().write(unwritten[:_PIPE_CHUNK])
                unwritten = unwritten[written or 0 :]  # None: a signal handler wrote meanwhile
        except OSError as error:
            if error.errno not in _GONE:
                self.refused = str(error.strerror)
        return size

    def _is_ready(self) -> bool:
        """Whether the reader accepts more. After one long wait there is no further wait until it
        does."""
        if os.name == "posix":
            wait = self.max_wait if self._accepting else 0
            self._accepting = bool(select.select([], [self], [], wait)[1])
        return self._accepting


def never_wait_long() -> None:
    """From now on drop output that a reader does not accept in time. So a terminal paused with
    Ctrl-S, or a reader that hangs, does not stop the program."""
    _SafeStream.max_wait = _MAX_WAIT


def install_streams() -> None:
    """Replace standard output and error by streams whose `write` never fails. Also open closed
    descriptors 0 to 2: otherwise the next opened file would get that number, and the output."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    if sys.stdout is sys.__stdout__:  # else it was redirected
        sys.stdout = _text(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(2, sys.stderr)


def _text(number: int, stream: object) -> io.TextIOWrapper:
    if not isinstance(stream, io.TextIOWrapper):  # None where the descriptor was closed
        return io.TextIOWrapper(_SafeStream(number, "w", closefd=False), "utf-8", _HANDLER)
    stream.flush()
    return io.TextIOWrapper(
        _SafeStream(stream.fileno(), "w", closefd=False),
        stream.encoding,
        _HANDLER,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def refused() -> str:
    """Why standard output lost something; empty if it did not, or if its reader just stopped."""
    sys.stdout.flush()
    return getattr(getattr(sys.stdout, "buffer", None), "refused", "")


def _encode_anyway(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a file's name that are not text stay unchanged; characters that the encoding lacks
    become `?`."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("replace")(error)


_HANDLER = "bytes_or_question_mark"
codecs.register_error(_HANDLER, _encode_anyway)

"""Files of a run that only grow: the curves and the action log.

A checkpoint notes the length of each and its CRC-32 so far. A run that goes on from the checkpoint
cuts off what was written later, since it will write that again.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Mark(NamedTuple):
    """How far a file had grown."""

    size: int
    """Bytes."""
    crc: int
    """CRC-32 of them."""


EMPTY = Mark(0, 0)


class Journal:
    """A file that is only appended to. Bytes that cannot be written wait until they can be."""

    def __init__(self, path: Path, mark: Mark = EMPTY) -> None:
        """Go on after `mark`; the rest of the file is lost."""
        self._path, self._written, self._mark = path, mark.size, mark
        self._waiting = b""
        self._file: int | None = None
        self._fresh = True

    @property
    def mark(self) -> Mark:
        """How far the file has grown, waiting bytes included."""
        return self._mark

    def write(self, content: bytes) -> None:
        """Append; on disk with the next `flush`."""
        self._waiting += content
        size, crc = self._mark
        self._mark = Mark(size + len(content), zlib.crc32(content, crc))

    def flush(self) -> None:
        """Hand the waiting bytes to the operating system. After an OSError they all still wait."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # No link is followed: it may lead out of the run's folder.
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        if self._fresh:
            os.ftruncate(self._file, self._written)
            self._fresh = False
        while self._waiting:
            # Always at its own place: what a full disk took in part is written again.
            done = os.pwrite(self._file, self._waiting, self._written)
            self._written += done
            self._waiting = self._waiting[done:]

    def sync(self) -> None:
        """Wait until the flushed bytes are on the device. Raises OSError."""
        if self._file is not None:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file; bytes that still wait are lost."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Journals:
    """All journals of a run, by their path within its folder."""

    def __init__(self, folder: Path, marks: Mapping[str, Mark] | None = None) -> None:
        """`marks` are those of the checkpoint from which the run goes on."""
        self._folder, self._marks = folder, dict(marks or {})
        self._open: dict[str, Journal] = {}

    def open(self, name: str, *, fresh: bool = False) -> Journal:
        """The journal of this name, from its mark on, or from its beginning if `fresh`."""
        mark = EMPTY if fresh else self._marks.get(name, EMPTY)
        return self._open.setdefault(name, Journal(self._folder / name, mark))

    def flush(self) -> None:
        """Flush all. Raises OSError if one failed, after the others were flushed."""
        failed = None
        for journal in self._open.values():
            try:
                journal.flush()
            except OSError as error:
                failed = error
        if failed:
            raise failed

    def sync(self) -> None:
        """Wait until the flushed bytes are on the device. Raises OSError."""
        for journal in self._open.values():
            journal.sync()

    def marks(self) -> dict[str, Mark]:
        """The marks of all journals, also of those that the run no longer writes to."""
        return self._marks | {name: journal.mark for name, journal in self._open.items()}

    def close(self) -> None:
        for journal in self._open.values():
            journal.close()


def rewind(
    folder: Path, files: Iterable[Path], marks: Mapping[str, Mark]
) -> tuple[dict[str, Mark], list[str]]:
    """Cut journals in a run's folder back to their `marks` and remove those without one. Returns
    where they end now, and what is wrong with them, a line each.

    `files` were found in the folder: a name in a checkpoint leads nowhere else. Raises OSError for
    a file that is not a plain one.
    """
    ends, problems = {}, []
    for file in files:
        name = str(file.relative_to(folder))
        if file.is_symlink() or not file.is_file():
            raise OSError(errno.EINVAL, "it is no plain file", str(file))
        if name not in marks:
            file.unlink()
            continue
        mark = marks[name]
        if file.stat().st_size < mark.size:
            problems.append(f"{file} is shorter than it was: its end is lost")
            if file.suffix == ".jsonl":  # what follows begins a line
                os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
        else:
            os.truncate(file, max(mark.size, 0))
        content = file.read_bytes()
        ends[name] = Mark(len(content), zlib.crc32(content))
        if len(content) == mark.size and ends[name] != mark:
            problems.append(f"{file} was changed since it was written: it is left as it is")
    missing = sorted(marks.keys() - ends.keys())
    return ends, problems + [f"{folder / name} is gone" for name in missing]

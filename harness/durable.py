"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import UserError


def write_synced(file: Path, content: bytes) -> None:
    """Write a file and wait until the device has it. Raises OSError."""
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def sync(path: Path) -> None:
    """Wait until the device has a file, or the names in a folder. Raises OSError."""
    if os.name != "posix":  # nowhere else can a folder be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def appearing(file: Path) -> Iterator[Path]:
    """A path beside `file` to write to: what is there at the end of the block becomes the file, and
    nothing stays of it if the block fails. Raises UserError where it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        yield part
        sync(part)
        part.replace(file)
    except OSError as error:
        raise UserError(f"cannot write to {file}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # where it cannot be written there is nothing to take away
            part.unlink(missing_ok=True)
    with suppress(OSError):  # the file is there, though its folder may not be read
        sync(file.parent)

"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_synced(file: Path, content: bytes) -> None:
    """Write a file and wait until the device has it. Raises OSError."""
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the device has the names in a folder. Raises OSError."""
    if os.name != "posix":  # nowhere else can a folder be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(file: Path, beside: Path, content: bytes) -> None:
    """Write `beside` the file, then put it in its place. Raises OSError."""
    write_synced(beside, content)
    beside.replace(file)
    sync_folder(file.parent)

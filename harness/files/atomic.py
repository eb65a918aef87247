"""Files that are there whole or not at all, even after a power cut."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from harness.errors import UserError
from harness.files.outputs import mark_of, output


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


def beside(file: Path) -> Path:
    """A path beside a file, for its new content; no other process uses the same."""
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")


@contextmanager
def appearing(file: Path, trailer: bytes = b"") -> Iterator[Path]:
    """A path to write to, which becomes `file` at the end of the block, with `trailer` as its last
    bytes. Nothing stays of it if the block fails. Raises UserError if it cannot be written."""
    part = beside(file)
    try:
        yield part
        if trailer:
            with part.open("ab") as written:
                written.write(trailer)
        sync(part)
        part.replace(file)
    except OSError as error:
        raise UserError(f"cannot write to {file}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # what could not be written need not be removed
            part.unlink(missing_ok=True)
    with suppress(OSError):  # the file is there, though its folder may not be read
        sync(file.parent)


def check_writable(file: Path, command: object) -> None:
    """Raise UserError if `write_json` could not write there later, or would overwrite what another
    command wrote."""
    try:
        if file.name == "-":
            raise UserError("--json writes a file: give its name, not -")
        if file.exists() and not file.is_file():
            raise UserError(f"cannot write to {file}: it is no file; choose another --json")
        output(file, mark_of(command), "--json")
        probe = beside(file.resolve())
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"cannot write to {file}: {error.strerror}; choose another --json"
        ) from None


def write_json(file: Path, content: dict[str, Any], command: object = None) -> None:
    """Write a JSON file, whole or not at all, with the mark of the `command` that it answers.
    Infinity and NaN, which JSON lacks, become null. Raises UserError."""
    if command:
        content = content | {"request": mark_of(command)}
    text = json.dumps(to_jsonable_python(content, inf_nan_mode="null"), indent=1)
    # What a link points to is replaced, not the link.
    with appearing(Path(os.path.realpath(file))) as part:
        part.write_bytes(f"{text}\n".encode())

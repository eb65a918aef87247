"""Results on disk: a JSON file that is there whole or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from harness.durable import appearing, beside
from harness.errors import UserError
from harness.outputs import mark_of, output


def check_writable(file: Path, command: object) -> None:
    """Raise UserError now if `write_json` could not write there later, or would overwrite what
    another command wrote."""
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
    """Write beside the file, then put it in its place: it is never there in part; with the mark of
    the `command` that it answers. Numbers that are not finite become null, since JSON has no
    others."""
    if command:
        content = content | {"request": mark_of(command)}
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    # What a link points to is replaced, not the link.
    with appearing(file.resolve()) as part:
        part.write_bytes(f"{text}\n".encode())


def _finite(content: Any) -> Any:
    """The same with None for numbers that are not finite."""
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content

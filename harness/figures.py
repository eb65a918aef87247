"""What a run wrote into metrics.jsonl, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_figures(file: Path, newest: int | None = None) -> list[dict[str, Any]]:
    """The objects in a metrics.jsonl, or in its `newest` bytes; a line that is not whole is left
    out, and so is a file that is not there."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(size - newest, 0) if newest else 0)
            content = opened.read()
    except OSError:
        return []
    found = []
    for line in content.splitlines():
        try:
            one = json.loads(line)
        except ValueError:  # being written, or cut by the first byte that was read
            continue
        if isinstance(one, dict) and isinstance(one.get("steps"), int):
            found.append(one)
    return found

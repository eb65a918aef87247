"""Reads metrics.jsonl of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

RECENT = 20
"""Training games whose mean score is shown (count)."""


class Scored(NamedTuple):
    """A training game that ended, or an evaluation."""

    steps: int
    """Of the run by then."""
    seconds: float
    """Of the run by then."""
    score: float
    """Unclipped; of an evaluation the mean of its games (points)."""


def scored(
    lines: Iterable[dict[str, Any]], kind: Literal["episode", "evaluation"] = "episode"
) -> list[Scored]:
    """The training games, or the evaluations, in lines of a metrics.jsonl, in order."""
    name = f"{kind}/return"
    return [
        Scored(line["steps"], line.get("seconds", 0.0), line[name])
        for line in lines
        if name in line
    ]


def read_figures(file: Path, newest: int | None = None) -> list[dict[str, Any]]:
    """The objects in a metrics.jsonl, or in its last `newest` bytes. Lines that are not whole are
    skipped; a missing file has none."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(size - newest, 0) if newest else 0)
            content = opened.read()
    except OSError:
        return []
    objects = []
    for line in content.splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:  # being written, or cut by the first byte that was read
            continue
        if isinstance(parsed, dict) and isinstance(parsed.get("steps"), int):
            objects.append(parsed)
    return objects

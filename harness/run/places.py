"""What a user gave instead of a run or its checkpoint, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from harness.text import quoted

MOST_RUNS = 6
"""Runs of a folder that a hint names (count)."""


def hint_for(path: Path) -> str:
    """The end of an error message: what `path` is, or what to give instead; may be empty."""
    if not path.exists():
        neighbours = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, neighbours, 1)
        return f": did you mean {quoted(str(path.with_name(close[0])))}?" if close else ""
    if run := _run_around(path):
        return f": it lies in the run {quoted(str(run))}"
    if path.is_file():
        return ": it is a file, give the folder of a run"
    if not (runs := [quoted(str(run)) for run in _runs(path)]):
        return ""
    named = ", ".join(runs[:MOST_RUNS])
    more = f" and {len(runs) - MOST_RUNS} more" if len(runs) > MOST_RUNS else ""
    return f": give a run, such as {named}{more}"


def _run_around(path: Path) -> Path | None:
    """The folder of the run that a file or folder lies in."""
    parents = path.parents if path.is_absolute() else [*path.parents, *Path.cwd().parents]
    return next((folder for folder in parents if (folder / "config.json").is_file()), None)


def _runs(folder: Path) -> Iterator[Path]:
    """The runs in a folder: checkpoints/<game>/<run>, <comparison>/runs/<game>/<run>."""
    patterns = ["/".join("*" * depth) + "/config.json" for depth in (1, 2, 3)]
    for pattern in patterns:
        yield from (file.parent for file in sorted(folder.glob(pattern)))

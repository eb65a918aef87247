"""What a path is that was given where a run, or a checkpoint of one, is meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

MOST_RUNS = 6
"""Of a folder of runs, that are named (count)."""


def hint_for(path: Path) -> str:
    """Words that follow an error: what `path` is, or what to give instead of it; empty where
    nothing is known."""
    if not path.exists():
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, beside, 1)
        return f": did you mean {quote(str(path.with_name(close[0])))}?" if close else ""
    if run := _run_around(path):
        return f": it lies in the run {quote(str(run))}"
    if path.is_file():
        return ": it is a file, give the folder of a run"
    if not (found := [quote(str(one)) for one in _runs(path)]):
        return ""
    named = ", ".join(found[:MOST_RUNS])
    more = f" and {len(found) - MOST_RUNS} more" if len(found) > MOST_RUNS else ""
    return f": give a run, such as {named}{more}"


def _run_around(path: Path) -> Path | None:
    """The folder of the run that a file or a folder lies in."""
    around = path.parents if path.is_absolute() else [*path.parents, *Path.cwd().parents]
    return next((one for one in around if (one / "config.json").is_file()), None)


def _runs(folder: Path) -> Iterator[Path]:
    """The folders of runs in a folder: checkpoints/<game>/<run>, <comparison>/runs/<game>/<run>."""
    patterns = ["/".join("*" * depth) + "/config.json" for depth in (1, 2, 3)]
    for pattern in patterns:
        yield from (file.parent for file in sorted(folder.glob(pattern)))

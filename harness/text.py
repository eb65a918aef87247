"""Words and numbers as people read them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Where train.py and evaluate.py are."""


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Text with control characters except newlines written out, as `\\x1b`: terminals obey them."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


_CONTROL_OR_NEWLINE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL = re.compile(rf"(?!\n){_CONTROL_OR_NEWLINE.pattern}")


def shell_line(script: str, *words: object) -> str:
    """What to type into a shell, in the current folder, to run a script of this program with the
    same Python."""
    arguments = (_from_here(word) if isinstance(word, Path) else str(word) for word in words)
    return " ".join(map(quoted, (_python(), _from_here(ROOT / script), *arguments)))


def quoted(word: str) -> str:
    """One word for a shell, without control characters of its own."""
    if not _CONTROL_OR_NEWLINE.search(word):
        return shlex.quote(word)
    escaped = re.sub(r"[\\']", r"\\\g<0>", word)
    escaped = _CONTROL_OR_NEWLINE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
    return f"$'{escaped}'"


def install_line(extra: str) -> str:
    """What to type to install an extra of this program."""
    return shlex.join((_python(), *"-m pip install -e".split(), f"{_from_here(ROOT)}[{extra}]"))


def _python() -> str:
    running, first = Path(sys.executable), shutil.which("python")
    # Beside python3.11 there may be a `python` of another version.
    if first and Path(first).parent == running.parent and Path(first).samefile(running):
        return "python"
    return _from_here(running)


def _from_here(path: Path) -> str:
    """The path as seen from the current folder, if it lies below it."""
    here = Path.cwd()
    name = os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
    return f"./{name}" if name.startswith("-") else name


def duration(seconds: float) -> str:
    """`41s`, `12m05s`, `3h20m`."""
    minutes, whole_seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{whole_seconds:02d}s" if minutes else f"{whole_seconds}s"

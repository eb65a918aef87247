"""Where results go: a command overwrites only what the same command wrote.

A file carries the mark of its command: a digest of all its options except where it writes. The
same command replaces the file. If the file is another's, a name that the user chose is refused and
a name that the program chose gets a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from itertools import chain, count
from pathlib import Path
from typing import Any

from harness.errors import UserError

PLACES = ("out", "json")
"""Fields of commands that say where they write."""


def mark_of(command: Any) -> str:
    """The mark of a command, a dataclass of options."""
    names = [field.name for field in fields(command) if field.name not in PLACES]
    options = {name: _full(getattr(command, name)) for name in names}
    digest = hashlib.sha256(repr((type(command).__name__, options)).encode()).hexdigest()
    return f"unpooled-{digest[:32]}"


def _full(value: Any) -> Any:
    """The value with absolute paths, which mean the same in every folder."""
    if isinstance(value, Path):
        return str(value.resolve())
    return [_full(item) for item in value] if isinstance(value, list | tuple) else value


def trailer(mark: str, suffix: str) -> bytes:
    """A mark as the invisible last bytes of a page (.html) or a video (.mp4, .gif)."""
    if not mark:
        return b""
    if suffix == ".html":
        return f"<!-- {mark} -->\n".encode()
    # An mp4 is made of boxes with their length and kind; a GIF is over before this.
    box = (8 + len(mark)).to_bytes(4, "big") + b"free" if suffix == ".mp4" else b""
    return box + mark.encode()


def output(file: Path, mark: str, option: str | None) -> Path:
    """Where the command with this mark writes: `file`, or the next free name if another command
    wrote that. Raises UserError instead if the user gave the name with `option`."""

    def taken(place: Path) -> bool:
        content = place.read_bytes() if place.is_file() else b""
        return bool(content) and mark.encode() not in content

    if option and taken(file):
        raise UserError(
            f"{file} is there already and is something else: choose another {option}, or delete it"
        )
    return next_free(file, taken)


def next_free(file: Path, taken: Callable[[Path], bool], suffix: str | None = None) -> Path:
    """`file`, or the first of `name-2`, `name-3`, ... that is not taken; the number stands before
    the suffix."""
    suffix = file.suffix if suffix is None else suffix
    name = file.name.removesuffix(suffix)
    numbered = (file.with_name(f"{name}-{number}{suffix}") for number in count(2))
    return next(place for place in chain([file], numbered) if not taken(place))


def new_folder(folder: Path) -> Path:
    """Make a new folder, `folder` or the next free name; no two processes get the same one.
    Raises UserError if that is impossible."""

    def taken(place: Path) -> bool:
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            return True
        return False

    try:
        return next_free(folder, taken, suffix="")
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror}") from None


def check_folder(folder: Path, own: tuple[str, ...], option: str) -> None:
    """Raise UserError for a folder that holds other files and none that fits the patterns `own`.
    Hidden and empty files, such as a log just begun, do not count."""
    if not folder.is_dir() or any(any(folder.glob(pattern)) for pattern in own):
        return
    others = sorted(
        file.name
        for file in folder.iterdir()
        if not file.name.startswith(".") and (file.is_dir() or file.lstat().st_size)
    )
    if others:
        more = ", ..." if len(others) > 3 else ""
        raise UserError(
            f"{folder} holds other files ({', '.join(others[:3])}{more}): choose another {option}"
        )

"""Small graphs of characters, and lines that fit a narrow terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"
"""Characters of rising height, and those for terminals that know ASCII alone."""


def means(values: Collection[float], most: int) -> list[float]:
    """At most so many means, each of as many values as its neighbours, give or take one."""
    count = min(most, len(values))
    if count < 1:
        return []
    return [float(part.mean()) for part in np.array_split(np.asarray(list(values)), count)]


def sparkline(values: Sequence[float], *, ascii_only: bool = False) -> str:
    """One character a value, as high as it lies between the least and the largest."""
    levels = ASCII if ascii_only else BLOCKS
    least, span = min(values, default=0.0), (np.ptp(values) if len(values) else 0.0)
    top = len(levels) - 1
    return "".join(levels[round((value - least) / span * top) if span else 0] for value in values)


def bar(share: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """What is done and what is left of a bar of `width` characters; none when below 8."""
    if width < 8:
        return "", ""
    full, empty = "#-" if ascii_only else "━─"
    done = int(min(max(share, 0.0), 1.0) * width)
    return full * done, empty * (width - done)


def fitting(pieces: Sequence[str], width: int) -> str:
    """The first of the pieces, two spaces apart, as many as are no wider than `width` together."""
    line = ""
    for piece in pieces:
        longer = f"{line}  {piece}" if line else piece
        if len(longer) > width:
            break
        line = longer
    return line


def cut_left(text: str, width: int) -> str:
    """The end of a text that is too wide, behind dots."""
    return text if len(text) <= width else "..."[: max(width, 0)] + text[len(text) - width + 3 :]

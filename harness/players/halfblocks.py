"""Pictures as coloured text: two pixels a character cell, one above the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Cells = npt.NDArray[np.uint8]
"""[rows, columns, 2, 3]: the colours of a cell's upper and lower half."""

ASPECT = 4 / 3
"""Width of the Atari's picture over its height, on a television."""


def fit(columns: int, rows: int) -> tuple[int, int]:
    """Columns and rows of the largest 4:3 picture in that much room, when a cell is twice as
    high as wide; at least 1 of each."""
    width = min(columns, int(2 * rows * ASPECT))
    height = min(rows, round(width / ASPECT / 2))
    return max(width, 1), max(height, 1)


def to_cells(image: npt.NDArray[np.uint8], columns: int, rows: int) -> Cells:
    """uint8 [H, W, 3] scaled to that many cells, each half-cell the mean of its pixels: a ball
    of two pixels fades in a small terminal, but does not vanish between the columns."""
    scaled = Image.fromarray(image).resize((columns, 2 * rows), Image.Resampling.BOX)
    return np.asarray(scaled).reshape(rows, 2, columns, 3).transpose(0, 2, 1, 3)


def draw(cells: Cells, before: Cells | None = None) -> str:
    """Terminal codes that turn a picture drawn at the top left, `before`, into `cells`.

    Sends only cells that differ, and a colour only where it changes. Without `before`, or where it
    has another size, sends all cells. Colours are reset at the end.
    """
    if before is None or before.shape != cells.shape:
        changed = np.ones(cells.shape[:2], np.bool_)
    else:
        changed = (cells != before).any((2, 3))
    out: list[str] = []
    ink = paper = cursor = None
    for row, column in np.argwhere(changed).tolist():
        if cursor != (row, column):
            out.append(f"\x1b[{row + 1};{column + 1}H")
        cursor = (row, column + 1)
        upper, lower = map(tuple, cells[row, column].tolist())
        if lower != paper:
            out.append("\x1b[48;2;{};{};{}m".format(*lower))
            paper = lower
        if upper == lower:
            out.append(" ")
            continue
        if upper != ink:
            out.append("\x1b[38;2;{};{};{}m".format(*upper))
            ink = upper
        out.append("\u2580")
    return "".join([*out, "\x1b[0m"]) if out else ""

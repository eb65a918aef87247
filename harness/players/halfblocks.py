"""Pictures as coloured text: two pixels a character cell, one above the other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

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
    """uint8 [H, W, 3] scaled to that many cells, each half-cell the mean of its area: a ball of
    two pixels fades in a small terminal, but does not vanish between the columns."""
    down = _areas(image.shape[0], 2 * rows)
    across = _areas(image.shape[1], columns)
    scaled = np.tensordot(down, image.astype(np.float32), 1)  # [2 rows, W, 3]
    scaled = np.tensordot(across, scaled, (1, 1))  # [columns, 2 rows, 3]
    halves = np.rint(scaled).astype(np.uint8).transpose(1, 0, 2)
    return halves.reshape(rows, 2, columns, 3).transpose(0, 2, 1, 3)


@lru_cache(maxsize=8)
def _areas(source: int, target: int) -> npt.NDArray[np.float32]:
    """[target, source] share of each source pixel in the mean that is each target pixel."""
    edges = np.linspace(0, source, target + 1)
    left, right = edges[:-1, None], edges[1:, None]
    pixels = np.arange(source)[None]
    overlap = np.clip(np.minimum(right, pixels + 1) - np.maximum(left, pixels), 0, None)
    shares: npt.NDArray[np.float32] = (overlap / (right - left)).astype(np.float32)
    return shares


def draw(cells: Cells, before: Cells | None = None) -> str:
    """Terminal codes that turn a picture drawn at the top left, `before`, into `cells`.

    Only cells that differ are sent, and a colour only when it is not the one in force; without
    `before` (or after one of another size) all cells are. Colours are reset at the end.
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

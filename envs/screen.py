"""The picture an agent sees, made from the emulator's grey screen.

ALE's vector environment hands the screen to OpenCV's area resize. This is the same function in
numpy, equal in every byte, for states that are made with a single emulator whose memory is
written to (the vector environment shows no memory).

One small pixel covers 40/21 columns and 5/2 rows of the screen. In units of 1/21 of a column and
1/2 of a row the overlaps are whole numbers, so 200 times a small pixel's exact value is one too:
the arithmetic here is exact, and rounding is decided by it alone except at a half. OpenCV sums
float32 numbers, whose rounding errors decide there; those few pixels are summed in its order:
columns first, then rows, each from the first to the last (`resizeArea_` in OpenCV's resize.cpp).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

SCREEN_SHAPE: Final = (210, 160)
"""Rows and columns of the emulator's screen."""
SMALL_SHAPE: Final = (84, 84)
"""Rows and columns of what the agent sees."""

Grey = npt.NDArray[np.uint8]


def _taps(source: int, target: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Which source pixels a small pixel covers, in order, and OpenCV's weight of each.

    Two arrays [3, target]; where a pixel covers two only, the last has weight 0.
    """
    scale = source / target
    index = np.zeros((3, target), np.intp)
    weight = np.zeros((3, target), np.float32)
    for small in range(target):
        begin, end = small * scale, (small + 1) * scale
        inside = range(math.floor(begin + 1e-3), math.ceil(end - 1e-3))
        for tap, pixel in enumerate(inside):
            index[tap, small] = pixel
            overlap = min(end, pixel + 1) - max(begin, pixel)
            weight[tap, small] = overlap / scale
    return index, weight


_ROWS, _ROW_WEIGHTS = _taps(SCREEN_SHAPE[0], SMALL_SHAPE[0])
_COLUMNS, _COLUMN_WEIGHTS = _taps(SCREEN_SHAPE[1], SMALL_SHAPE[1])


def _column_matrix() -> npt.NDArray[np.float32]:
    """[40, 21] overlap of 21 small columns with the 40 they cover, in 1/21 of a column."""
    matrix = np.zeros((40, 21), np.float32)
    for tap in range(3):
        np.add.at(
            matrix,
            (_COLUMNS[tap, :21], np.arange(21)),
            np.rint(_COLUMN_WEIGHTS[tap, :21] * 40),
        )
    return matrix


_COLUMN_MATRIX = _column_matrix()


def resized(grey: Grey) -> Grey:
    """The screen as the agent sees it: uint8 [..., 210, 160] -> uint8 [..., 84, 84].

    Equal in every byte to what `Emulators` returns, given the maximum of the last two screens of
    a step. Raises ValueError for another shape or dtype.
    """
    if grey.shape[-2:] != SCREEN_SHAPE or grey.dtype != np.uint8:
        raise ValueError(f"expected uint8 [..., 210, 160], not {grey.dtype} {list(grey.shape)}")
    flat = grey.reshape(-1, *SCREEN_SHAPE)
    value = _two_hundredfold(flat)
    up = (value + 100) // 200
    small = up.astype(np.uint8)
    # A half was rounded up; OpenCV's sum may have fallen short of it, or rounds to the even.
    halves = np.nonzero(up * 200 == value + 100)
    small[halves] = _as_opencv(flat, *halves)
    return small.reshape(*grey.shape[:-2], *SMALL_SHAPE)


def _two_hundredfold(grey: Grey) -> npt.NDArray[np.uint16]:
    """[N, 210, 160] -> 200 times the exact area means, [N, 84, 84], at most 51,000."""
    rows = grey.reshape(-1, 42, 5, 160).astype(np.uint16)
    two = np.empty((len(rows), 42, 2, 160), np.uint16)
    # Five rows become two: the middle one is shared half and half.
    two[:, :, 0] = 2 * (rows[:, :, 0] + rows[:, :, 1]) + rows[:, :, 2]
    two[:, :, 1] = rows[:, :, 2] + 2 * (rows[:, :, 3] + rows[:, :, 4])
    # float32 holds whole numbers this small exactly, in any order of summation. In pieces this
    # small OpenBLAS leaves other cores alone: waking them takes longer than the product.
    columns = two.reshape(-1, 168, 40).astype(np.float32) @ _COLUMN_MATRIX
    return columns.astype(np.uint16).reshape(-1, *SMALL_SHAPE)


def _as_opencv(
    grey: Grey, item: npt.NDArray[np.intp], row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]
) -> Grey:
    """Chosen small pixels of [N, 210, 160], summed in float32 in OpenCV's order."""
    total = np.zeros(len(item), np.float32)
    for down in range(3):
        line = np.zeros(len(item), np.float32)
        for across in range(3):
            pixels = grey[item, _ROWS[down, row], _COLUMNS[across, column]]
            line += pixels * _COLUMN_WEIGHTS[across, column]
        total += line * _ROW_WEIGHTS[down, row]
    return np.rint(total).astype(np.uint8)

"""The agent's 84x84 frame, computed from the emulator's grey screen.

ALE's vector environment uses OpenCV's area resize. This is the same function in numpy, equal in
every byte. It serves states of a single emulator whose memory is written to: the vector
environment gives no access to memory.

One small pixel covers 40/21 columns and 5/2 rows of the screen. In units of 1/21 of a column and
1/2 of a row all overlaps are whole numbers, so 200 times a small pixel's value is a whole number,
too. The arithmetic here is therefore exact, and so is rounding, except at a half. There OpenCV's
result depends on rounding errors of its float32 sums. Those few pixels are summed in its order:
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
"""Rows and columns of the agent's frame."""

Grey = npt.NDArray[np.uint8]


def _taps(source: int, target: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Source pixels that each small pixel covers, in order, and OpenCV's weight of each.

    Two arrays [3, target]. Where a small pixel covers only two, the last weight is 0.
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
    """The agent's frame of a grey screen: uint8 [..., 210, 160] -> uint8 [..., 84, 84].

    For the maximum of the last two screens of a step this equals in every byte what `Emulators`
    returns. Raises ValueError for another shape or dtype.
    """
    if grey.shape[-2:] != SCREEN_SHAPE or grey.dtype != np.uint8:
        raise ValueError(f"expected uint8 [..., 210, 160], not {grey.dtype} {list(grey.shape)}")
    flat = grey.reshape(-1, *SCREEN_SHAPE)
    two_hundredfold = _two_hundredfold(flat)
    rounded_up = (two_hundredfold + 100) // 200
    small = rounded_up.astype(np.uint8)
    # Halves were rounded up. OpenCV's sum may be just below a half, and it rounds halves to even.
    halves = np.nonzero(rounded_up * 200 == two_hundredfold + 100)
    small[halves] = _as_opencv(flat, *halves)
    return small.reshape(*grey.shape[:-2], *SMALL_SHAPE)


def _two_hundredfold(grey: Grey) -> npt.NDArray[np.uint16]:
    """[N, 210, 160] -> 200 times the exact area means, [N, 84, 84], at most 51,000."""
    rows = grey.reshape(-1, 42, 5, 160).astype(np.uint16)
    half_rows = np.empty((len(rows), 42, 2, 160), np.uint16)
    # Five rows become two: the middle one is shared half and half.
    half_rows[:, :, 0] = 2 * (rows[:, :, 0] + rows[:, :, 1]) + rows[:, :, 2]
    half_rows[:, :, 1] = rows[:, :, 2] + 2 * (rows[:, :, 3] + rows[:, :, 4])
    # float32 sums of whole numbers this small are exact. OpenBLAS computes matrices this small on
    # one core: waking the others would take longer than the product.
    columns = half_rows.reshape(-1, 168, 40).astype(np.float32) @ _COLUMN_MATRIX
    return columns.astype(np.uint16).reshape(-1, *SMALL_SHAPE)


def _as_opencv(
    grey: Grey, item: npt.NDArray[np.intp], row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]
) -> Grey:
    """Small pixels, given by indices [n] each, of screens [N, 210, 160]: uint8 [n], summed in
    float32 in OpenCV's order."""
    total = np.zeros(len(item), np.float32)
    for down in range(3):
        line = np.zeros(len(item), np.float32)
        for across in range(3):
            pixels = grey[item, _ROWS[down, row], _COLUMNS[across, column]]
            line += pixels * _COLUMN_WEIGHTS[across, column]
        total += line * _ROW_WEIGHTS[down, row]
    return np.rint(total).astype(np.uint8)

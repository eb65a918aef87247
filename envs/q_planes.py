"""Q-values of an episode, rounded and arranged so that they compress well.

For each step, the largest Q-value is stored as a multiple of `top_step`, and the distances of all
Q-values below it as multiples of `gap_step`. Both change little from one step to the next, so the
changes are stored: by action, then by time, with low bytes and high bytes apart.

    q       [T, A]          1.00 0.90 0.75      1.02 0.90 0.80
    top     [T]             1.00                1.02
    gap     [T, A]          0.00 0.10 0.25      0.00 0.12 0.22
    planes  [2, A + 1, T]   changes of top, then of each action's gap

Resolution: top_step is the episode's largest |top| / 4095, gap_step its largest gap / levels
(1023 unless the file would grow too large). A decoded Q-value is off by at most
top_step / 2 + gap_step. A gap above 0 is never rounded to 0, so the best action stays unique.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

TOP_LEVELS = 4095
LEVELS = (1023, 511, 255, 127, 63, 31, 15)
"""Resolutions of the gaps, finest first (count in the largest gap)."""


class Planes(NamedTuple):
    """The rounded Q-values of T steps of A actions."""

    planes: npt.NDArray[np.uint8]  # [2, A + 1, T] low bytes, high bytes
    top_step: float
    gap_step: float


def encode(q_values: npt.NDArray[np.float32], levels: int) -> Planes:
    """Round finite Q-values [T, A], the largest gap to `levels` units."""
    exact = q_values.astype(np.float64).T  # [A, T]
    top = exact.max(0)
    gaps = top - exact
    largest = float(np.abs(top).max())
    top_step = largest / TOP_LEVELS
    # Below float32's resolution at this size, a gap of one unit would be decoded as 0.
    least = np.finfo(np.float32).tiny  # with denormal numbers off, the spacing at zero is 0
    spacing = max(float(np.spacing(np.float32(largest))), float(least))
    gap_step = max(float(gaps.max()) / levels, 2 * spacing)
    units = np.rint(gaps / gap_step)
    units[(gaps > 0) & (units == 0)] = 1
    rows = np.vstack([np.rint(top / (top_step or 1.0)), units]).astype(np.int64)
    changes = np.diff(rows, axis=1, prepend=0)
    folded = np.where(changes < 0, -2 * changes - 1, 2 * changes)  # 0 -1 1 -2 2 -> 0 1 2 3 4
    planes = np.stack([folded & 255, folded >> 8]).astype(np.uint8)
    return Planes(planes, top_step, gap_step)


def decode(rounded: Planes) -> npt.NDArray[np.float32]:
    """Q-values float32 [T, A]. Raises ValueError when they are not finite."""
    low, high = rounded.planes.astype(np.int64)
    folded = high << 8 | low
    rows = np.where(folded & 1, -(folded >> 1) - 1, folded >> 1).cumsum(1)
    q_values = rows[0] * rounded.top_step - rows[1:] * rounded.gap_step
    largest = float(np.abs(q_values).max())
    if not math.isfinite(largest) or largest > np.finfo(np.float32).max:
        raise ValueError("its Q-values are not finite")
    return np.ascontiguousarray(q_values.T, np.float32)

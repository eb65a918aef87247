"""Screens as numbers of colours: an Atari has 128 of them, a game few of these."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MOST_COLOURS = 65_535
_UNKNOWN = 65_535


class Palette:
    """Every colour that was seen, numbered in the order in which it came.

    Few games show more than 256: those whose screen is higher than 210 rows, which ALE blends
    into as many, up to thousands.
    """

    def __init__(self) -> None:
        self.colours: list[str] = []
        """`#rrggbb` of each number."""
        self._number = np.full(1 << 24, _UNKNOWN, np.uint16)

    def numbers(self, screens: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
        """uint8 [..., 3] in red, green and blue as numbers of colours, uint16 [...].

        Raises ValueError for more than MOST_COLOURS.
        """
        red, green, blue = (screens[..., channel].astype(np.uint32) for channel in range(3))
        colours = red << 16 | green << 8 | blue
        numbers: npt.NDArray[np.uint16] = self._number[colours]
        new = colours[numbers == _UNKNOWN]
        if not new.size:
            return numbers
        for colour in np.unique(new).tolist():
            if len(self.colours) == MOST_COLOURS:
                raise ValueError(f"more than {MOST_COLOURS:,} colours")
            self._number[colour] = len(self.colours)
            self.colours.append(f"#{colour:06x}")
        numbers[numbers == _UNKNOWN] = self._number[new]
        return numbers

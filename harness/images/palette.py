"""Screens as numbers of colours. An Atari has 128 colours, and most games show a few of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

MOST_COLOURS = 65_535
_UNKNOWN = 65_535


class Palette:
    """Every colour seen so far, numbered in the order of appearance.

    A few games show more than 256 colours, up to thousands: their screen is higher than 210 rows,
    and ALE blends it into as many.
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

    def merged(self, most: int) -> Image.Image:
        """A picture of one row, the pixel of each number, with at most `most` colours: similar ones
        become one."""
        row = np.array([[ImageColor.getrgb(colour) for colour in self.colours]], np.uint8)
        return Image.fromarray(row).quantize(most, dither=Image.Dither.NONE)

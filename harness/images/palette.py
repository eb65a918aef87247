"""Screens as numbers of colours: an Atari has 128 of them, a game few of these."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MOST_COLOURS = 65_535
_UNKNOWN = 65_535


Images = npt.NDArray[np.uint8]
"""[..., 3] in red, green and blue."""


def packed(images: Images) -> npt.NDArray[np.uint32]:
    """uint32 [...]: 0xRRGGBB of each pixel."""
    red, green, blue = (images[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


class Seen:
    """Which colours there are."""

    def __init__(self) -> None:
        self._seen = np.zeros(1 << 24, np.bool_)  # sorting millions of pixels would take longer

    def add(self, colours: npt.NDArray[np.uint32]) -> None:
        """Note packed colours."""
        self._seen[colours] = True

    def few(self, most: int) -> tuple[npt.NDArray[np.uint32], int]:
        """At most so many packed colours, and which of their bits count: all of them, or, of
        more colours than `most`, the high ones, so that similar colours are one."""
        every = np.flatnonzero(self._seen).astype(np.uint32)
        for lost_bits in range(8):
            mask = (0xFF >> lost_bits << lost_bits) * 0x010101
            colours = np.unique(every & mask)
            if len(colours) <= most:
                break
        return colours, mask


def unpacked(colours: npt.NDArray[np.uint32]) -> Images:
    """[n, 3] of n packed colours."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.uint8)


class Palette:
    """Every colour that was seen, numbered in the order in which it came.

    Few games show more than 256: those whose screen is higher than 210 rows, which ALE blends
    into as many, up to thousands.
    """

    def __init__(self) -> None:
        self.colours: list[str] = []
        """`#rrggbb` of each number."""
        self._number = np.full(1 << 24, _UNKNOWN, np.uint16)

    def numbers(self, screens: Images) -> npt.NDArray[np.uint16]:
        """uint8 [..., 3] in red, green and blue as numbers of colours, uint16 [...].

        Raises ValueError for more than MOST_COLOURS.
        """
        colours = packed(screens)
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

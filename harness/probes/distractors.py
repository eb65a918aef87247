"""A block that means nothing, drawn into states of a game and moved as its object was: whether a
network answers to its object's place, or to anything that moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from envs.labels import Sprite, in_small_pixels
from harness.probes.patterns import SIDE

Pixels = npt.NDArray[np.uint8]
_CLEAR = 8
"""Pixels in a row, or in a column, between the block and the object, before and after."""
_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, with which the emulator makes grey of colours."""


def distractors(
    states: Pixels,
    middles: npt.NDArray[np.floating],
    moves: npt.NDArray[np.floating],
    sprite: Sprite,
    seed: int,
) -> tuple[Pixels, Pixels]:
    """Two copies of states uint8 [N, 4, 84, 84], in all four pictures of which a block of the size
    and the shade of `sprite` stands still: in the second copy `moves` [N, 2] (x, y) further,
    rounded to whole pixels. Where it stands is drawn uniformly from the places where it is seen and
    clear of the object, whose middle is at `middles` [N, 2]; all lengths are pixels of 84x84.
    """
    width, height = (max(1, round(float(side))) for side in in_small_pixels(np.array(sprite.size)))
    shade = round(float(np.dot(_LUMA, sprite.colours[0])))
    rng = np.random.default_rng(seed)
    before, after = states.copy(), states.copy()
    for number, move in enumerate(np.rint(moves).astype(int)):
        places = _clear(width, height, middles[number], move)
        rng.shuffle(places)
        boxes = ([_box(x, y, width, height) for x, y in (c, c + move)] for c in places)
        seen = (b for b in boxes if not any((states[number][box] == shade).any() for box in b))
        first, second = next(seen)
        before[number][first] = after[number][second] = shade
    return before, after


def _clear(
    width: int, height: int, middle: npt.NDArray[np.floating], move: npt.NDArray[np.int_]
) -> npt.NDArray[np.int_]:
    """[M, 2] upper left corners (x, y) of a block that is on the screen and clear of an object of
    its size at both ends of its move."""
    size = np.array([width, height])
    rows, columns = np.mgrid[: SIDE - height + 1, : SIDE - width + 1]
    corners = np.stack([columns.ravel(), rows.ravel()], axis=1)
    ends = np.stack([corners, corners + move])
    apart = np.abs(ends + (size - 1) / 2 - middle) - size
    inside = ((ends >= 0) & (ends <= SIDE - size)).all(-1)
    chosen: npt.NDArray[np.int_] = corners[(inside & (apart.max(-1) >= _CLEAR)).all(0)]
    return chosen


def _box(x: int, y: int, width: int, height: int) -> tuple[slice, slice, slice]:
    """A block in all pictures of a stack."""
    return slice(None), slice(y, y + height), slice(x, x + width)

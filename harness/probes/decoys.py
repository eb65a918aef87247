"""A block that means nothing, drawn into states of a game and moved as its object was: whether a
network answers to its object's place, or to anything that moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from envs.labels import Sprite, in_small_pixels
from harness.probes.patterns import SIDE

Pixels = npt.NDArray[np.uint8]
_CLEAR = 12
"""Least distance between the block's middle and the object's, before and after (pixels)."""
_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, with which the emulator makes grey of colours."""


def decoys(
    states: Pixels,
    positions: npt.NDArray[np.floating],
    moves: npt.NDArray[np.floating],
    sprite: Sprite,
    seed: int,
) -> tuple[Pixels, Pixels]:
    """Two copies of states uint8 [N, 4, 84, 84], in all four pictures of which a block of the size
    and the shade of `sprite` stands still: in the second copy `moves` [N, 2] (x, y) further,
    rounded to whole pixels. Where it stands is drawn uniformly from the places clear of the object,
    which is at `positions` [N, 2]; all lengths are pixels of 84x84.
    """
    width, height = (max(1, round(float(side))) for side in in_small_pixels(np.array(sprite.size)))
    shade = round(float(np.dot(_LUMA, sprite.colours[0])))
    rng = np.random.default_rng(seed)
    before, after = states.copy(), states.copy()
    for number, move in enumerate(np.rint(moves).astype(int)):
        x, y = _place(rng, (width, height), positions[number], move)
        before[number, :, y : y + height, x : x + width] = shade
        x, y = x + move[0], y + move[1]
        after[number, :, y : y + height, x : x + width] = shade
    return before, after


def _place(
    rng: np.random.Generator,
    size: tuple[int, int],
    position: npt.NDArray[np.floating],
    move: npt.NDArray[np.int_],
) -> tuple[int, int]:
    """Upper left corner of a block that is on the screen and clear at both ends of its move."""
    most = SIDE - np.array(size)
    while True:
        corner = rng.integers(0, most + 1)
        ends = np.stack([corner, corner + move])
        middles = ends + (np.array(size) - 1) / 2
        clear = np.linalg.norm(middles - position, axis=1) >= _CLEAR
        if (ends >= 0).all() and (ends <= most).all() and clear.all():
            return int(corner[0]), int(corner[1])

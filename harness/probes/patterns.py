"""Planted patterns: stacks in which everything is known, because it was drawn.

The screen has a constant floor and ceiling and a few dim bars at random places, which are no one's
target. Every sprite moves on a straight line, one step a frame; labels are those of the newest
frame. Coordinates are pixels of the 84x84 screen, (x, y) of a sprite's middle; (0, 0) is the
upper left corner of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist

from replay.ring import STACK_SIZE

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
SIDE = 84
_GROUND, _WALL, _BAR, _SPRITE = 87, 142, 110, 236
_MARGIN = 12
"""Sprites stay so far from the border (pixels), and have some left to move."""
MOST = 8
"""Most sprites on one screen (count)."""


@dataclass(frozen=True)
class Planted:
    """N states and what is in them."""

    states: Pixels  # [N, 4, 84, 84]
    positions: Floats  # [N, 2] of the target, nan where there is none
    counts: npt.NDArray[np.int64]  # [N] targets
    nearest: Floats  # [N] distance of the two nearest targets (pixels, inf below two)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """[N] whether there is a target."""
        return self.counts > 0


def _background(rng: np.random.Generator) -> Pixels:
    """[84, 84]: floor, ceiling and three dim bars."""
    screen = np.full((SIDE, SIDE), _GROUND, np.uint8)
    screen[:6] = screen[-6:] = _WALL
    for _ in range(3):
        x, y = rng.integers(0, SIDE - 4, 2)
        if rng.random() < 0.5:
            screen[y : y + 20, x : x + 3] = _BAR
        else:
            screen[y : y + 3, x : x + 20] = _BAR
    return screen


def _draw(stack: Pixels, middle: Floats, speed: Floats, mask: npt.NDArray[np.bool_]) -> None:
    """Draw a sprite of pixels `mask` [h, w] into each frame of a stack [4, 84, 84]; its middle is
    at `middle` in the newest, `speed` pixels a frame further back in the older ones."""
    height, width = mask.shape
    for frame, age in zip(stack, range(STACK_SIZE - 1, -1, -1), strict=True):
        left, top = np.round(middle - speed * age - (np.array([width, height]) - 1) / 2).astype(int)
        rows, columns = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
        part = frame[rows, columns]
        part[mask[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]] = _SPRITE


def _ring(size: int) -> npt.NDArray[np.bool_]:
    """The outline of a square, with about as many pixels as a block of that size has if that makes
    it little larger."""
    side = max(3, round((size * size + 4) / 4) if size < 6 else size + 2)
    ring = np.ones((side, side), np.bool_)
    ring[1:-1, 1:-1] = False
    return ring


def _place(rng: np.random.Generator, size: int) -> Floats:
    """A middle that fits whole pixels, uniform over the inner screen."""
    half = (size - 1) / 2
    return np.asarray(rng.integers(_MARGIN, SIDE - _MARGIN - size + 1, 2) + half)


def located(count: int, seed: int, size: int, share: float = 1.0, rings: int = 0) -> Planted:
    """One block of size x size pixels in `share` of the states, and in every state so many rings of
    about as many pixels, which only their shape tells from it."""
    rng = np.random.default_rng((seed, size, rings, 1))
    states, positions = np.empty((count, STACK_SIZE, SIDE, SIDE), np.uint8), np.empty((count, 2))
    for state, position in zip(states, positions, strict=True):
        state[:] = _background(rng)
        for _ in range(rings):
            ring = _ring(size)
            _draw(state, _place(rng, len(ring)), rng.integers(-2, 3, 2).astype(float), ring)
        position[:] = _place(rng, size)
        speed = rng.integers(-2, 3, 2).astype(float)
        if rng.random() < share:
            _draw(state, position, speed, np.ones((size, size), np.bool_))
        else:
            position[:] = np.nan
    counts = (~np.isnan(positions[:, 0])).astype(np.int64)
    return Planted(states, positions, counts, np.full(count, np.inf))


def counted(count: int, seed: int) -> Planted:
    """1 to 8 rectangles that do not overlap. Neither the pixels they cover together nor where they
    are tells how many they are: the total area is drawn first and shared among them, their
    common middle and their spread are drawn apart from the number."""
    rng = np.random.default_rng((seed, 2))
    states, positions = np.empty((count, STACK_SIZE, SIDE, SIDE), np.uint8), np.empty((count, 2))
    counts, nearest = np.empty(count, np.int64), np.empty(count)
    for i, state in enumerate(states):
        state[:] = _background(rng)
        counts[i] = rng.integers(1, MOST + 1)
        middles, masks = _group(rng, int(counts[i]))
        speed = rng.integers(-2, 3, 2).astype(float)
        for middle, mask in zip(middles, masks, strict=True):
            _draw(state, middle, speed, mask)
        positions[i], nearest[i] = middles.mean(0), pdist(middles).min(initial=np.inf)
    return Planted(states, positions, counts, nearest)


def _group(rng: np.random.Generator, number: int) -> tuple[Floats, list[npt.NDArray[np.bool_]]]:
    """Middles [n, 2] and shapes of sprites, none touching another."""
    area = rng.integers(48, 97)
    height = int(rng.integers(2, 5))
    width = max(1, round(area / number / height))
    extent = np.array([width, height])
    while True:
        spread = rng.uniform(10, 30)
        centre = rng.uniform(_MARGIN + 8, SIDE - _MARGIN - 8, 2)
        corners = np.round(centre + rng.uniform(-spread, spread, (number, 2))).astype(int)
        inside = (corners >= _MARGIN) & (corners + extent <= SIDE - _MARGIN)
        gaps = np.abs(corners[:, None] - corners[None]) - extent
        apart = (gaps > 0).any(-1) | np.eye(number, dtype=np.bool_)
        if inside.all() and apart.all():
            masks = [np.ones((height, width), np.bool_)] * number
            return corners + (extent - 1) / 2, masks


def moved(states: Pixels, dx: int, dy: int) -> Pixels:
    """States [..., 84, 84] with the picture moved by whole pixels; what comes in repeats the
    border."""
    rows = np.clip(np.arange(SIDE) - dy, 0, SIDE - 1)
    columns = np.clip(np.arange(SIDE) - dx, 0, SIDE - 1)
    return np.asarray(states[..., rows[:, None], columns])

"""The states that networks are probed on, made once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.probes.patterns import Planted, counted, located
from harness.probes.readout import Floats, Split, split

GAMES = ("Pong", "Breakout", "SpaceInvaders", "Boxing")
PLANTED_SEED = 10_000
"""Of planted states to probe on; networks are trained on others."""


@dataclass(frozen=True)
class Dataset:
    """States, where the object is in them, and which are for what."""

    states: npt.NDArray[np.uint8]  # [N, 4, 84, 84]
    positions: Floats  # [N, 2] pixels of 84x84
    episodes: npt.NDArray[np.int64]  # [N]
    radius: tuple[float, float]
    """Half of the object's width and height, and one (pixels of 84x84)."""

    @property
    def parts(self) -> Split:
        """Training, validation and test states, no episode in two of them."""
        return split(self.episodes)


@lru_cache(maxsize=8)
def block(size: int, count: int) -> Dataset:
    """One block of size x size pixels on every screen; each state is an episode of its own."""
    planted = located(count, PLANTED_SEED, size)
    return Dataset(planted.states, planted.positions, np.arange(count), (size / 2 + 1,) * 2)


@lru_cache(maxsize=2)
def presence(size: int, count: int) -> Planted:
    """A block on half of the screens, two rings on all."""
    return located(count, PLANTED_SEED, size, share=0.5, rings=2)


@lru_cache(maxsize=2)
def several(count: int) -> Planted:
    """1 to 8 rectangles."""
    return counted(count, PLANTED_SEED)

"""How much is measured: quick for an answer in minutes, full for one to publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.probes.datasets import GAMES
from harness.probes.profile import Extent

BudgetName = Literal["quick", "full"]


@dataclass(frozen=True)
class Budget:
    """What is measured, and how often."""

    networks: tuple[str, ...]
    taught: tuple[str, ...]
    """Of those, the ones that are trained on location and on count."""
    seeds: int
    """Weights and batches drawn afresh so many times (count)."""
    extent: Extent
    updates: int
    """Of a network that is taught (updates)."""
    learning_rates: tuple[float, ...]
    """Tried for every network with a seed of their own; the best is kept."""
    boxes: int
    """Pictures of boxes (count)."""


_LOCAL = ("half_max", "half_avg", "half_blur")
_GLOBAL = ("stride_gap", "stride_gmp")
_PLACELESS = "stride_sort"
"""Forgets the places of values behind conv3: what it still knows of location is in the values."""
DIAL = (
    *(f"dial:{sigma},0" for sigma in (0.125, 0.25, 0.5, "inf")),
    *(f"dial:inf,{beta}" for beta in (4, 16, 64, "inf")),
)
"""From striding, which is sigma 0, to the mean of a window, and from there to its maximum. Measured
as drawn at the start: what differs then is the reducer alone."""

BUDGETS: dict[BudgetName, Budget] = {
    "quick": Budget(
        networks=("stride", *_LOCAL, *_GLOBAL, _PLACELESS),
        taught=("stride", "half_max", *_GLOBAL),
        seeds=4,
        extent=Extent(800, games=GAMES),
        updates=1000,
        learning_rates=(1e-3, 3e-4),
        boxes=600,
    ),
    "full": Budget(
        networks=(
            *("stride", "dense_sub", "dense_stagger", "dense_max", "dense_avg", "dense_blur"),
            *(*_LOCAL, *_GLOBAL, _PLACELESS, "imagenet", *DIAL),
        ),
        taught=(
            *("stride", "dense_sub", "dense_stagger", "dense_max"),
            *(*_LOCAL, *_GLOBAL, _PLACELESS),
        ),
        seeds=10,
        extent=Extent(4000, sizes=(2, 4, 8), games=GAMES),
        updates=4000,
        learning_rates=(1e-3, 3e-4, 1e-4),
        boxes=2400,
    ),
}
FIRST_SEED = 1
"""Seed 0 is for pilots, and for choosing learning rates."""

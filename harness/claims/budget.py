"""How much is measured: `quick` in minutes, `answer` for docs/answer.md, `full` for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.probes.datasets import GAMES
from harness.probes.profile import Extent

BudgetName = Literal["quick", "answer", "full"]


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
    followed: tuple[str, ...] = ()
    """Networks whose errors of location are measured against the number of states, too."""
    fits: tuple[int, ...] = ()
    """Those numbers of training states (count)."""
    imitators: tuple[str, ...] = ()
    """Networks that learn to play by imitating an expert, in every game that has one; `stride
    again` is `stride` with other seeds."""
    imitator_seeds: int = 0
    imitator_rates: tuple[float, ...] = (1e-3, 3e-4)
    """Learning rates, one chosen for each network and game."""
    first_seed: int = 1
    pilot_seeds: tuple[int, ...] = (0,)
    """Seeds that choose learning rates and are reported nowhere."""


_LOCAL = ("half_max", "half_avg", "half_blur")
_GLOBAL = ("stride_gap", "stride_gmp")
_FOLLOWED = ("stride", "half_max", "stride_gap", "narrow_avg")
_ANSWERED = (
    "stride",
    "half_max",
    "half_avg",
    "narrow_avg",
    "stride_gap",
    "stride_gap64",
    "stride_gmp",
)
AGAIN = " again"
_IMITATORS = ("stride", "stride" + AGAIN, "half_max", "narrow_avg", "stride_gap")
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
        followed=_FOLLOWED[:-1],
        fits=(500, 1000, 2000),
    ),
    "answer": Budget(
        networks=_ANSWERED,
        taught=_ANSWERED,
        seeds=8,
        extent=Extent(800, games=GAMES),
        updates=1000,
        learning_rates=(1e-3, 3e-4, 1e-4),
        boxes=600,
        followed=_FOLLOWED,
        fits=(500, 1000, 2000, 4000, 8000),
        imitators=_IMITATORS,
        imitator_seeds=10,
        first_seed=5,
        pilot_seeds=(100, 101, 102),
    ),
    "full": Budget(
        networks=(
            *("stride", "dense_sub", "dense_stagger", "dense_max", "dense_avg", "dense_blur"),
            *(*_LOCAL, "narrow_max", "narrow_avg", *_GLOBAL, _PLACELESS, "imagenet", *DIAL),
        ),
        taught=(
            *("stride", "dense_sub", "dense_stagger", "dense_max", "dense_avg", "dense_blur"),
            *(*_LOCAL, "narrow_max", "narrow_avg", *_GLOBAL, _PLACELESS),
        ),
        seeds=10,
        extent=Extent(4000, sizes=(2, 4, 8), games=GAMES),
        updates=4000,
        learning_rates=(1e-3, 3e-4, 1e-4),
        boxes=2400,
        followed=_FOLLOWED,
        fits=(500, 1000, 2000, 4000, 8000),
        imitators=_IMITATORS,
        imitator_seeds=10,
        pilot_seeds=(0, 100, 101),
    ),
}

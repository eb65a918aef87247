"""The power of a design and what it lacks, before anything is trained."""

from __future__ import annotations

from functools import partial
from math import comb
from typing import Literal

import numpy as np

from harness.compare.design import CONTROLS, Design, role_of
from harness.compare.effects import SPREAD, power
from harness.compare.results import Power, PowerRow
from harness.compare.statistics import LEVEL
from harness.text import counted

EFFECTS = (-0.1, -0.2)
"""Differences whose chance to be found is computed (share of the baseline's score)."""
FEW_SEEDS = 5
SEED = 0
"""Of all random draws: the same runs give the same numbers."""


def design_power(games: int, design: Design, spread: float | None = None) -> Power:
    """Chance that a design finds a difference, alone and as the first of Holm's steps, by
    simulation; the spread is assumed where it is not measured."""
    rng = np.random.default_rng(SEED)
    compared = max(1, sum(role_of(name) == "compared" for name in design.networks))
    used = SPREAD if spread is None else spread
    chance = partial(power, games, design.seeds, spread=used, rng=rng)
    rows = tuple(PowerRow(e, chance(e), chance(e, level=LEVEL / compared)) for e in EFFECTS)
    source: Literal["assumed", "measured"] = "assumed" if spread is None else "measured"
    return Power(games, design.seeds, compared, used, source, rows)


def design_notes(design: Design) -> list[str]:
    """Warnings about a design."""
    if len(design.networks) + len(design.tandems) == 1:
        return [f"only {design.networks[0]} is trained and nothing compared: name more --networks"]
    notes = []
    if not set(CONTROLS) & set(design.networks):
        notes.append(
            f"no A/A control: without {' or '.join(CONTROLS)} among the networks the comparison's "
            "own rate of false positives is not measured"
        )
    if design.seeds < FEW_SEEDS:
        notes.append(
            f"{counted(design.seeds, 'seed')}: intervals cover too seldom below {FEW_SEEDS} "
            "(a nominal 5% was .14 to .18 at 3 seeds in simulations, .08 to .13 at 5, .07 to .08 "
            "at 10); permutation p-values stay at .03 to .06"
        )
    ways = comb(2 * design.seeds, design.seeds) ** len(design.games)
    if 2 / ways >= LEVEL:
        notes.append(
            f"{counted(len(design.games), 'game')} with {counted(design.seeds, 'seed')} can be "
            f"relabelled in {ways:,} ways: no p-value can be below {min(1.0, 2 / ways):.2f}"
        )
    return notes

"""The power of a design and what it lacks, before anything is trained."""

from __future__ import annotations

from math import comb, log
from typing import Literal

from harness.compare.design import BASELINE, TWINS, Design, role_of
from harness.compare.results import Finding, Power, PowerRow
from harness.compare.statistics import LEVEL, chance_of_excluding
from harness.text import counted

TRUE = (0.0, 0.25, -0.3)
"""Differences whose chance to be found is computed (share of the baseline's mean outcome)."""
VARIATION = 0.4
"""Coefficient of variation between seeds that a design is assumed to meet, before there are runs to
measure it with: Pong's is about .37, that of games with short runs .26 to .6."""


def design_power(games: int, design: Design, variation: float | None = None) -> Power:
    """Chance that the interval of a network leaves out what it should; the variation between seeds
    is assumed where it is not measured."""
    of = design.seeds_for
    compared = [of(name) for name in design.networks if role_of(name) == "compared"]
    runs = min(compared, default=design.seeds)
    baseline_runs = sum(of(name) for name in design.networks if name in (BASELINE, *TWINS))
    used = VARIATION if variation is None else variation

    def row(effect: float) -> PowerRow:
        # Without an effect the margin is left out, else 0.
        excluded = abs(log(1 + effect)) if effect else -log(1 - design.margin)
        called: Finding = (
            "helps" if effect > 0 else "lowers the score" if effect else "does not cost score"
        )
        chance = chance_of_excluding(excluded, games, runs, baseline_runs, used) if used else 1.0
        return PowerRow(effect, called, chance)

    source: Literal["assumed", "measured"] = "assumed" if variation is None else "measured"
    return Power(games, runs, baseline_runs, used, source, tuple(map(row, TRUE)))


def design_notes(design: Design) -> list[str]:
    """Warnings about a design."""
    if len(design.networks) + len(design.tandems) == 1:
        return [f"only {design.networks[0]} is trained and nothing compared: name more --networks"]
    notes, baseline = [], design.seeds_for(BASELINE)
    fewest = min(map(design.seeds_for, design.networks))
    if not set(TWINS) & set(design.networks) and baseline < 4:
        notes.append(
            f"no A/A control: it takes 4 seeds of {BASELINE}, or 2 of {' or '.join(TWINS)}"
        )
    if fewest < 2:
        notes.append("a single seed has no interval, so that nothing can be decided")
    compared = [n for n in design.networks if role_of(n) == "compared"]
    mine = min(map(design.seeds_for, compared), default=0)
    pool = sum(design.seeds_for(n) for n in design.networks if n not in compared)
    ways = comb(pool + mine, mine) ** len(design.games)
    if compared and 2 / ways >= LEVEL:
        notes.append(
            f"{counted(len(design.games), 'game')} with {counted(mine, 'seed')} can be "
            f"relabelled in {ways:,} ways: no p-value can be below {min(1.0, 2 / ways):.2f}"
        )
    return notes

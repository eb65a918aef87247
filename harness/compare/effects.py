"""Equivalence of two networks, interaction with the kind of game, and power of a design. Strata
and units are those of harness/compare/statistics.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from scipy.special import stdtr

from harness.compare.statistics import (
    FLOOR,
    LEVEL,
    Scores,
    Strata,
    iqm_difference,
    permutation_p,
    unit_of,
)

_NO_SPREAD = 1e-18
"""A variance below this is rounding."""


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of a mean difference over games, in units of the baseline."""

    difference: float
    error: float
    """Its standard error."""
    freedom: float
    """Degrees of freedom."""
    p: float
    """Of "the difference is as large as the margin or larger"; small means equivalent."""
    margin: float


def game_differences(network: Strata, baseline: Strata, floors: Sequence[float]) -> Scores:
    """[games] or [games, R]: mean of the network less mean of the baseline, in its units."""
    return np.array(
        [
            (x.mean(-1) - y.mean(-1)) / unit_of(y, floor)
            for x, y, floor in zip(network, baseline, floors, strict=True)
        ]
    )


def equivalence(
    network: Strata, baseline: Strata, floors: Sequence[float], margin: float
) -> Equivalence | None:
    """Whether two networks score the same, to within `margin` of the baseline's score: two
    one-sided tests (Schuirmann 1987) of the mean over games, with the runs' own spreads and Welch's
    degrees of freedom. None where no game has two runs of each, or none of them differ.

    Units are taken as known: their own error is left out.
    """
    parts, freedoms = [], []
    for x, y, floor in zip(network, baseline, floors, strict=True):
        unit = float(unit_of(y, floor))
        for runs in (x, y):
            if len(runs) < 2:
                return None
            part = float(runs.var(ddof=1)) / len(runs) / unit**2 / len(network) ** 2
            parts.append(part)
            freedoms.append(part**2 / (len(runs) - 1))
    variance = sum(parts)
    if variance < _NO_SPREAD:
        return None
    difference = float(game_differences(network, baseline, floors).mean())
    error, freedom = variance**0.5, variance**2 / sum(freedoms)
    p = float(stdtr(freedom, (abs(difference) - margin) / error))
    return Equivalence(difference, error, freedom, p, margin)


@dataclass(frozen=True)
class Interaction:
    """How a network's difference to its baseline depends on the class of games."""

    difference: float
    """Mean over games of the first class less mean over the second (units of the baseline)."""
    p_runs: float
    """Of "the same difference in all these games": the unit is the run."""
    p_games: float
    """Of "classes do not matter": the unit is the game, and few games can never be significant."""


def interaction(
    network: Strata,
    baseline: Strata,
    floors: Sequence[float],
    first: Sequence[bool],
    rng: np.random.Generator,
) -> Interaction | None:
    """Class x network interaction; `first` tells which games are of the first class. None where a
    class has no game.

    Over runs: the mean difference of all games is taken off the network's runs, after which
    relabelling within games leaves only what is not common to them (Freedman & Lane 1983). Over
    games: every way of dealing out the classes.
    """
    mask = np.array(first)
    if mask.all() or not mask.any():
        return None
    # Fixed units, so that the difference which is taken off is the same for every relabelling.
    units = [float(unit_of(y, floor)) for y, floor in zip(baseline, floors, strict=True)]
    ones = [x / unit for x, unit in zip(network, units, strict=True)]
    others = [y / unit for y, unit in zip(baseline, units, strict=True)]

    def contrast(xs: Strata, ys: Strata) -> Scores:
        means = np.array([x.mean(-1) - y.mean(-1) for x, y in zip(xs, ys, strict=True)])
        return np.asarray(means[mask].mean(0) - means[~mask].mean(0))

    differences = np.array([x.mean() - y.mean() for x, y in zip(ones, others, strict=True)])
    aligned = [x - differences.mean() for x in ones]
    return Interaction(
        float(contrast(ones, others)),
        permutation_p(contrast, aligned, others, rng),
        _over_games(differences, int(mask.sum()), float(contrast(ones, others))),
    )


def _over_games(differences: Scores, chosen: int, observed: float) -> float:
    """Share of all choices of `chosen` games whose contrast is as far from zero as `observed`."""
    total, count = differences.sum(), len(differences)
    inside = np.array([differences[list(c)].sum() for c in combinations(range(count), chosen)])
    contrasts = inside / chosen - (total - inside) / (count - chosen)
    return float((np.abs(contrasts) >= abs(observed) - 1e-9).mean())


SPREAD = 0.15
"""Standard deviation over seeds that a design is assumed to meet, before there are runs to measure
it with (share of the baseline's score)."""
LEAST_FREEDOM = 6
"""Degrees of freedom with which a spread is measured rather than assumed."""


def power(
    games: int,
    seeds: int,
    effect: float,
    spread: float,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    trials: int = 200,
) -> float:
    """Chance that the permutation test of the IQM difference finds a network that scores `effect`
    of its baseline more (less when negative), at a level.

    By simulation: runs are normal about 1 and 1 + effect with standard deviation `spread`.
    """
    floors = [FLOOR * (1.0 + effect / 2)] * games
    hits, difference = 0, partial(iqm_difference, floors=floors)
    redraws = max(399, int(4 / level))
    for _ in range(trials):
        baseline = list(rng.normal(1.0, spread, (games, seeds)))
        network = list(rng.normal(1.0 + effect, spread, (games, seeds)))
        hits += permutation_p(difference, network, baseline, rng, redraws) < level
    return hits / trials


def spread_of(strata: Strata, floors: Sequence[float]) -> float | None:
    """Standard deviation of a network's runs within games, in its own units, pooled over games;
    None with fewer than LEAST_FREEDOM degrees of freedom."""
    pairs = [(s / float(unit_of(s, f)), len(s) - 1) for s, f in zip(strata, floors, strict=True)]
    freedom = sum(n for _, n in pairs)
    if freedom < LEAST_FREEDOM:
        return None
    squares = sum(float(((s - s.mean()) ** 2).sum()) for s, _ in pairs)
    return float((squares / freedom) ** 0.5)

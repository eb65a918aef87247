"""Statistics that compare two networks by the outcomes of many training runs. The unit is the run,
never the game it played: `harness/evaluation/statistics.py` is about the games of one agent.

Outcomes come as *strata*: for each game of a comparison an array [seeds], random play's score taken
off. What a statistic takes may also be [R, seeds], R redrawn samples, which gives [R] at once. A
network is compared with a *baseline*. In each game the two means are divided; the estimate is the
mean over games of the logarithms of these ratios, so a game counts as much as any other, whatever
its points are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import expm1

import numpy as np
import numpy.typing as npt
from scipy.special import nctdtr, stdtrit

Outcomes = npt.NDArray[np.float64]
Strata = Sequence[Outcomes]
"""[seeds] or [R, seeds] of one network in each game."""
Statistic = Callable[[Strata, Strata], Outcomes]
"""A number, or [R], of a network's strata and the baseline's."""

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE
"""p-values below this count."""
REDRAWS = 9_999
"""Relabelled data sets (count)."""
FLOOR = 0.05
"""An outcome counts as at least this share of the baseline's mean, so that a logarithm exists."""
_SAME = 1e-9
"""Statistics closer than this are equal: sums in another order round otherwise."""
_NO_VARIANCE = 1e-18
"""A variance below this is rounding."""


@dataclass(frozen=True)
class Interval:
    """A difference as a share of the baseline's mean outcome (-0.2: a fifth less), with the ends of
    its interval of CONFIDENCE; None where there is none."""

    value: float
    low: float | None
    high: float | None


def with_floor(network: Strata, baseline: Strata) -> tuple[list[Outcomes], list[Outcomes]]:
    """Both, with every outcome at least FLOOR of the baseline's mean in its game, which is above
    0. The floor is taken as known by all that follows."""
    floors = [FLOOR * y.mean() for y in baseline]
    mine, theirs = (
        [np.maximum(runs, floor) for runs, floor in zip(strata, floors, strict=True)]
        for strata in (network, baseline)
    )
    return mine, theirs


def log_ratio(network: Strata, baseline: Strata) -> Outcomes:
    """Mean over games of log(mean of the network / mean of its baseline); all means are above
    0."""
    pairs = zip(network, baseline, strict=True)
    return np.asarray(np.mean([np.log(x.mean(-1) / y.mean(-1)) for x, y in pairs], 0))


def welch(network: Strata, baseline: Strata) -> Interval:
    """The difference exp(log_ratio) - 1 with Welch's interval.

    The variance of a game's logarithm is the sum of s^2 / (n m^2) over both networks (s standard
    deviation over seeds, n seeds, m mean), to first order in s / m. Degrees of freedom are
    Satterthwaite's (1946). There is no interval where a network has a single run in a game, or
    where no runs differ.
    """
    value = float(log_ratio(network, baseline))
    variance, freedom = 0.0, 0.0
    for runs in (*network, *baseline):
        if len(runs) < 2:
            return Interval(expm1(value), None, None)
        part = float(runs.var(ddof=1) / len(runs) / runs.mean() ** 2) / len(network) ** 2
        variance += part
        freedom += part**2 / (len(runs) - 1)
    if variance < _NO_VARIANCE:
        return Interval(expm1(value), None, None)
    half = float(stdtrit(variance**2 / freedom, 1 - LEVEL / 2)) * variance**0.5
    return Interval(expm1(value), expm1(value - half), expm1(value + half))


def permutation_p(
    statistic: Statistic,
    network: Strata,
    baseline: Strata,
    rng: np.random.Generator,
    redraws: int = REDRAWS,
) -> float:
    """Two-sided p-value of a statistic under "the network makes no difference": the labels of a
    game's runs are dealt again among them, game by game.

    The statistic is taken anew from each relabelling, so that the test is exact (Pitman 1937); the
    data as they were count among the relabellings (Phipson & Smyth 2010). The smaller tail is
    doubled, since statistics with a baseline are not symmetric.
    """
    mine, theirs = [], []
    for x, y in zip(network, baseline, strict=True):
        pooled = np.concatenate((x, y))
        dealt = pooled[rng.random((redraws, len(pooled))).argsort(1)]
        mine.append(dealt[:, : len(x)])
        theirs.append(dealt[:, len(x) :])
    relabelled, observed = statistic(mine, theirs), float(statistic(network, baseline))
    above = 1 + int((relabelled >= observed - _SAME).sum())
    below = 1 + int((relabelled <= observed + _SAME).sum())
    return min(1.0, 2 * min(above, below) / (redraws + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that, of all true null hypotheses, one is rejected at a level with no
    more than that probability (Holm 1979)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def probability_of_improvement(network: Strata, baseline: Strata) -> float:
    """Chance that a run of the network does better than one of the baseline in the same game, ties
    counted half, mean over games (Agarwal et al. 2021, section 4.3; Mann & Whitney's U / nm)."""
    chances = []
    for x, y in zip(network, baseline, strict=True):
        above = x[:, None] - y[None, :]
        chances.append(((above > 0) + 0.5 * (above == 0)).mean())
    return float(np.mean(chances))


def variation_of(strata: Strata) -> float | None:
    """Coefficient of variation of a network's runs (standard deviation over mean), pooled over
    games by degrees of freedom; None without two runs in any game. All means are above 0."""
    freedom = sum(len(runs) - 1 for runs in strata)
    if not freedom:
        return None
    squares = sum(float((((runs - runs.mean()) / runs.mean()) ** 2).sum()) for runs in strata)
    return float((squares / freedom) ** 0.5)


def chance_of_excluding(
    excluded: float, games: int, runs: int, baseline_runs: int, variation: float
) -> float:
    """Chance that Welch's interval leaves out a logarithm that lies `excluded` from the true one,
    on its side; 0 where a network has one run. Runs have this coefficient of variation.

    In closed form: the estimate is normal with the interval's own variance, so the statistic has
    the noncentral t distribution.
    """
    if min(runs, baseline_runs) < 2:
        return 0.0
    mine, theirs = variation**2 / runs / games, variation**2 / baseline_runs / games
    parts = mine**2 / (runs - 1) / games + theirs**2 / (baseline_runs - 1) / games
    freedom = (mine + theirs) ** 2 / parts
    far = excluded / (mine + theirs) ** 0.5
    return 1.0 - float(nctdtr(freedom, far, stdtrit(freedom, 1 - LEVEL / 2)))

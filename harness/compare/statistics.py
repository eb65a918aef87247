"""Statistics that compare two networks by the scores of many training runs. The unit is the run,
never the game it played: `harness/evaluation/statistics.py` is about the games of one agent.

Scores come as *strata*: for each game of a comparison an array [seeds] of the runs' mean scores,
random play's score taken off. Every statistic also takes arrays [R, seeds] of R redrawn samples
and answers [R] at once. A network is compared with a *baseline*, `stride`.

    unit of a game   mean score of the baseline, at least the game's *floor*
    IQM              mean of the middle half of all games x seeds in these units
                     (Agarwal et al., "Deep RL at the edge of the statistical precipice", 2021)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import trim_mean

Scores = npt.NDArray[np.float64]
Strata = Sequence[Scores]
"""[seeds] or [R, seeds] of one network in each game."""
Statistic = Callable[[Strata, Strata], Scores]
"""A number, or [R], of a network's strata and the baseline's."""

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE
"""p-values below this count."""
REDRAWS = 9_999
"""Relabelled or resampled data sets (count)."""
FLOOR = 0.25
"""A game's unit is no smaller than this share of the mean of all its runs."""
LEARNED = 3.0
"""A game counts when the mean of all its runs lies so many standard errors above random play."""
_SAME = 1e-9
"""Statistics closer than this are equal: sums in another order round otherwise."""


@dataclass(frozen=True)
class Interval:
    """A number and the ends of its interval of CONFIDENCE."""

    value: float
    low: float
    high: float


def floor_of(runs: Scores) -> float | None:
    """Floor of the unit of a game, from the scores [n] of all its runs, whatever their network.

    None for a game in which nothing was learned: multiples of nothing say nothing. The labels of
    the runs play no part, so leaving a game out favours no network, and the floor keeps a network
    that is compared with runs that failed from being infinitely better.
    """
    error = float(runs.std(ddof=1)) / len(runs) ** 0.5 if len(runs) > 1 else 0.0
    mean = float(runs.mean())
    return FLOOR * mean if mean > max(LEARNED * error, 0.0) else None


def unit_of(baseline: Scores, floor: float) -> Scores:
    """[...]: the unit of a game, from the baseline's scores [..., seeds]."""
    return np.asarray(np.maximum(baseline.mean(-1), floor))


def iqm(values: Scores) -> Scores:
    """[...]: interquartile mean of values [..., n]: a quarter is cut off at either end, rounded
    down (scipy's trim_mean, as rliable does)."""
    return np.asarray(trim_mean(values, 0.25, axis=-1))


def pooled_iqm(strata: Strata, units: Sequence[float]) -> Scores:
    """IQM over games x seeds in given units."""
    return iqm(np.concatenate([s / unit for s, unit in zip(strata, units, strict=True)], -1))


def iqm_difference(network: Strata, baseline: Strata, floors: Sequence[float]) -> Scores:
    """IQM of a network less that of its baseline, each sample in its own baseline's units."""
    units = [unit_of(b, f)[..., None] for b, f in zip(baseline, floors, strict=True)]
    mine, theirs = (
        iqm(np.concatenate([s / unit for s, unit in zip(strata, units, strict=True)], -1))
        for strata in (network, baseline)
    )
    return np.asarray(mine - theirs)


def probability_of_improvement(network: Strata, baseline: Strata) -> Scores:
    """Chance that a run of the network scores above one of the baseline in the same game, ties
    counted half, mean over games (Agarwal et al. 2021, section 4.3; Mann & Whitney's U / nm)."""
    chances = []
    for x, y in zip(network, baseline, strict=True):
        above = x[..., :, None] - y[..., None, :]
        chances.append(((above > 0) + 0.5 * (above == 0)).mean((-1, -2)))
    return np.asarray(np.mean(chances, 0))


def performance_profile(
    strata: Strata, units: Sequence[float], thresholds: Scores, rng: np.random.Generator
) -> tuple[Scores, Scores, Scores]:
    """For each threshold [T] the share of runs that score above it, mean over games, and the ends
    of its bootstrap interval point by point (Agarwal et al. 2021, section 4.2; Dolan & More 2002).
    """

    def shares(drawn: Strata) -> Scores:
        scaled = [s / unit for s, unit in zip(drawn, units, strict=True)]
        return np.asarray(np.mean([(s[..., None] > thresholds).mean(-2) for s in scaled], 0))

    low, high = np.quantile(shares(_resampled(strata, rng, 999)), _ENDS, axis=0)
    return shares(strata), low, high


_ENDS = (LEVEL / 2, 1 - LEVEL / 2)


def bootstrap_interval(
    statistic: Callable[..., Scores],
    *networks: Strata,
    rng: np.random.Generator,
    redraws: int = REDRAWS,
) -> Interval:
    """Stratified percentile bootstrap: the runs of each network and game are drawn again among
    themselves (Efron 1979; Agarwal et al. 2021, section 4.1). It covers too seldom where seeds are
    few."""
    drawn = statistic(*(_resampled(strata, rng, redraws) for strata in networks))
    low, high = np.quantile(drawn, _ENDS)
    return Interval(float(statistic(*networks)), float(low), float(high))


def _resampled(strata: Strata, rng: np.random.Generator, redraws: int) -> Strata:
    return [s[rng.integers(len(s), size=(redraws, len(s)))] for s in strata]


def permutation_p(
    statistic: Statistic,
    network: Strata,
    baseline: Strata,
    rng: np.random.Generator,
    redraws: int = REDRAWS,
) -> float:
    """Two-sided p-value of a statistic under "the network makes no difference": the labels of a
    game's runs are dealt again among them, game by game.

    The statistic is taken anew from each relabelling, units included, so that the test is exact
    (Pitman 1937); the data as they were count among the relabellings (Phipson & Smyth 2010). The
    smaller tail is doubled, since statistics with a baseline are not symmetric.
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


def false_positives(
    network: Strata,
    control: Strata,
    floors: Sequence[float],
    rng: np.random.Generator,
    splits: int = 200,
) -> float:
    """How often the bootstrap interval of an IQM difference leaves out zero where there is none:
    the runs of two networks that compute the same function, dealt again into two groups."""
    difference, wrong = partial(iqm_difference, floors=floors), 0
    for _ in range(splits):
        dealt = [
            rng.permutation(np.concatenate(pair)) for pair in zip(network, control, strict=True)
        ]
        mine = [runs[: len(x)] for runs, x in zip(dealt, network, strict=True)]
        theirs = [runs[len(x) :] for runs, x in zip(dealt, network, strict=True)]
        interval = bootstrap_interval(difference, mine, theirs, rng=rng, redraws=499)
        wrong += not interval.low <= 0 <= interval.high
    return wrong / splits

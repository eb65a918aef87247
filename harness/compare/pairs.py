"""An arm beside its baseline: the outcomes of their runs, game by game, and their difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.scores import REFERENCE_SCORES
from harness.compare.results import Effect, RunResult
from harness.compare.statistics import (
    Interval,
    Outcomes,
    log_ratio,
    permutation_p,
    welch,
    with_floor,
)

SEED = 0
"""Of all random draws: the same runs give the same numbers."""
ByGame = Mapping[str, Outcomes]
"""[seeds] in each game, random play's score taken off."""
Of = Callable[[RunResult], float | None]
"""A number of a run, in points."""


@dataclass(frozen=True)
class Pair:
    """An arm and its baseline in the games in which they can be compared."""

    games: tuple[str, ...]
    network: list[Outcomes]
    baseline: list[Outcomes]

    def effect(self) -> Effect | None:
        """The difference; None without such games."""
        if not self.games:
            return None
        p = permutation_p(log_ratio, self.network, self.baseline, np.random.default_rng(SEED))
        return Effect(**vars(welch(self.network, self.baseline)), p=p, games=self.games)

    def by_game(self) -> dict[str, Interval]:
        """The difference in each game."""
        strata = zip(self.games, self.network, self.baseline, strict=True)
        return {game: welch([x], [y]) for game, x, y in strata}


def pair(network: ByGame, baseline: ByGame) -> Pair:
    """Two arms side by side, with the floor of outcomes."""
    games = tuple(g for g, y in baseline.items() if g in network and y.mean() > 0)
    return Pair(games, *with_floor([network[g] for g in games], [baseline[g] for g in games]))


def tabulate(jobs: Sequence[RunResult], arms: Sequence[str], of: Of) -> dict[str, Outcomes]:
    """What the runs of these arms have together, by game."""
    above: dict[str, list[float]] = {}
    for job in jobs:
        if job.arm in arms and (points := of(job)) is not None:
            above.setdefault(job.game, []).append(points - REFERENCE_SCORES[job.game].random)
    return {game: np.array(points) for game, points in above.items()}

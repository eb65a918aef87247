"""The scores of a comparison's runs by network and game, and in which games they say something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.scores import REFERENCE_SCORES
from harness.compare.design import BASELINE
from harness.compare.statistics import Scores, Strata, floor_of, unit_of


@dataclass(frozen=True)
class Table:
    """Scores above random play, [seeds] by arm and game, and the floors of games that count."""

    scores: Mapping[str, Mapping[str, Scores]]
    floors: Mapping[str, float]

    def strata(self, arm: str, games: Sequence[str]) -> Strata:
        """An arm's scores, game by game."""
        return [self.scores[arm][game] for game in games]

    def shared(self, arm: str, baseline: str) -> list[str]:
        """Games that count in which both have runs."""
        one, other = self.scores.get(arm, {}), self.scores.get(baseline, {})
        return [game for game in self.floors if game in one and game in other]

    def of_games(self, games: Sequence[str]) -> list[float]:
        """Floors of these games."""
        return [self.floors[game] for game in games]

    def units(self, games: Sequence[str], baseline: str = BASELINE) -> list[float]:
        """Units of games in which the baseline has runs."""
        return [float(unit_of(self.scores[baseline][game], self.floors[game])) for game in games]


def tabulate(scores: Sequence[tuple[str, str, float]], networks: Sequence[str]) -> Table:
    """The table of (game, arm, raw score). Only the runs of `networks` decide which games count."""
    found: dict[str, dict[str, list[float]]] = {}
    for game, arm, score in scores:
        above = score - REFERENCE_SCORES[game].random
        found.setdefault(arm, {}).setdefault(game, []).append(above)
    arms = {arm: {g: np.array(v) for g, v in games.items()} for arm, games in found.items()}
    floors = {}
    for game in dict.fromkeys(game for game, _, _ in scores):
        runs = [arms[n][game] for n in networks if game in arms.get(n, {})]
        if runs and (floor := floor_of(np.concatenate(runs))) is not None:
            floors[game] = floor
    return Table(arms, floors)

"""From the scores of runs to a result for each network. Here is the order of the tests; the
arithmetic is in statistics.py and effects.py.

A network is compared with `stride` on the games in which both have runs and something was learned:
after equally many steps, and, beside it, after equal wall time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from envs.games import game_title
from envs.scores import REFERENCE_SCORES
from harness.compare.design import BASELINE, SENSITIVE, TOLERANT, Design, role_of, teacher_of
from harness.compare.effects import equivalence, game_differences, interaction, spread_of
from harness.compare.power import SEED, design_notes, design_power
from harness.compare.results import (
    Analysis,
    ArmResult,
    ControlResult,
    Difference,
    Finding,
    GameInfo,
    GameScores,
    NetworkResult,
    Profile,
    TandemResult,
)
from harness.compare.statistics import (
    FLOOR,
    LEVEL,
    Scores,
    Strata,
    bootstrap_interval,
    false_positives,
    floor_of,
    holm,
    iqm_difference,
    performance_profile,
    permutation_p,
    pooled_iqm,
    probability_of_improvement,
    unit_of,
)

THRESHOLDS = np.round(np.arange(0, 2.01, 0.05), 2)
"""Of performance profiles (share of the baseline's score)."""


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
        mine, theirs = self.scores.get(arm, {}), self.scores.get(baseline, {})
        return [game for game in self.floors if game in mine and game in theirs]

    def of_games(self, games: Sequence[str]) -> list[float]:
        """Floors of these games."""
        return [self.floors[game] for game in games]

    def units(self, games: Sequence[str], baseline: str = BASELINE) -> list[float]:
        """Units of games in which the baseline has runs."""
        return [float(unit_of(self.scores[baseline][game], self.floors[game])) for game in games]


def tabulate(scores: Sequence[tuple[str, str, float]], networks: Sequence[str]) -> Table:
    """The table of (game, arm, raw score). Only the runs of `networks` decide which games count."""
    above: dict[str, dict[str, list[float]]] = {}
    for game, arm, score in scores:
        points = score - REFERENCE_SCORES[game].random
        above.setdefault(arm, {}).setdefault(game, []).append(points)
    arms = {arm: {g: np.array(v) for g, v in games.items()} for arm, games in above.items()}
    floors = {}
    for game in dict.fromkeys(game for game, _, _ in scores):
        runs = [arms[n][game] for n in networks if game in arms.get(n, {})]
        if runs and (floor := floor_of(np.concatenate(runs))) is not None:
            floors[game] = floor
    return Table(arms, floors)


class RunScore(NamedTuple):
    """What a finished run scored (points)."""

    game: str
    arm: str
    seed: int
    score: float
    """Mean of the scored games of its final agent."""
    at_equal_time: float | None
    """Mean of its newest training games when the fastest run of the game was over."""


def analyse(
    design: Design, runs: Sequence[RunScore], missing: Mapping[str, Sequence[str]]
) -> Analysis:
    """The analysis of finished runs. `missing` has a line for each run without a score, by arm."""
    rng = np.random.default_rng(SEED)
    table = tabulate([(r.game, r.arm, r.score) for r in runs], design.networks)
    timed = [(r.game, r.arm, r.at_equal_time) for r in runs if r.at_equal_time is not None]
    at_equal_time = tabulate(timed, design.networks)
    networks = []
    for name in design.networks:
        arm = _arm(table, name, BASELINE, design.margin, missing, rng)
        then = _difference(at_equal_time, name, BASELINE, rng)
        networks.append(NetworkResult(**arm, role=role_of(name), at_equal_time=then))
    networks = _corrected(networks)
    tandems = [
        TandemResult(**_arm(table, name, teacher_of(name)[0], design.margin, missing, rng))
        for name in design.tandems
    ]
    controls = [_control(table, entry, rng) for entry in networks if entry.role == "control"]
    return Analysis(
        games={game: _game(table, design, game) for game in design.games},
        networks=tuple(networks),
        tandems=tuple(tandems),
        controls=tuple(controls),
        power=design_power(len(table.floors) or len(design.games), design, _spread(table)),
        notes=tuple(_notes(design, table, missing)),
    )


def _arm(
    table: Table,
    arm: str,
    baseline: str,
    margin: float,
    missing: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The fields of an arm's `ArmResult`, at equal steps."""
    games = table.shared(arm, baseline)
    fields: dict[str, Any] = dict.fromkeys(("iqm", "profile", "difference"))
    fields |= {"name": arm, "missing": tuple(missing.get(arm, ()))}
    fields["runs"] = sum(len(scores) for scores in table.scores.get(arm, {}).values())
    fields["games"] = {}
    if not games:
        return fields
    mine, units = table.strata(arm, games), table.units(games, baseline)
    for game, scores, unit in zip(games, mine, units, strict=True):
        fields["games"][game] = GameScores(len(scores), tuple((scores / unit).tolist()))
    fields["iqm"] = bootstrap_interval(partial(pooled_iqm, units=units), mine, rng=rng)
    curves = (THRESHOLDS, *performance_profile(mine, units, THRESHOLDS, rng))
    fields["profile"] = Profile(*(tuple(values.tolist()) for values in curves))
    fields["difference"] = _difference(table, arm, baseline, rng)
    return fields if arm == baseline else fields | _effects(table, arm, baseline, margin, rng)


def _difference(
    table: Table, arm: str, baseline: str, rng: np.random.Generator
) -> Difference | None:
    """IQM difference to the baseline with its interval and p-value; None without shared games."""
    games = table.shared(arm, baseline)
    if not games or arm == baseline:
        return None
    difference = partial(iqm_difference, floors=table.of_games(games))
    mine, theirs = table.strata(arm, games), table.strata(baseline, games)
    interval = bootstrap_interval(difference, mine, theirs, rng=rng)
    p = permutation_p(difference, mine, theirs, rng)
    return Difference(interval.value, interval.low, interval.high, p, tuple(games))


def _effects(
    table: Table, arm: str, baseline: str, margin: float, rng: np.random.Generator
) -> dict[str, Any]:
    """The fields of an `ArmResult` that a baseline has not."""
    games = table.shared(arm, baseline)
    mine, theirs = table.strata(arm, games), table.strata(baseline, games)
    floors = table.of_games(games)
    improvement = bootstrap_interval(probability_of_improvement, mine, theirs, rng=rng)
    differences = game_differences(mine, theirs, floors)
    classed = [i for i, game in enumerate(games) if game in (*SENSITIVE, *TOLERANT)]
    return {
        "probability_of_improvement": improvement,
        "game_differences": dict(zip(games, differences.tolist(), strict=True)),
        "equivalence": equivalence(mine, theirs, floors, margin),
        "interaction": interaction(
            [mine[i] for i in classed],
            [theirs[i] for i in classed],
            [floors[i] for i in classed],
            [games[i] in SENSITIVE for i in classed],
            rng,
        ),
    }


def _corrected(networks: Sequence[NetworkResult]) -> list[NetworkResult]:
    """The same, those that are compared with p-values corrected for their number, and findings."""
    family = [(e.name, e.difference.p) for e in networks if e.role == "compared" and e.difference]
    adjusted = dict(zip((name for name, _ in family), holm([p for _, p in family]), strict=True))
    return [
        replace(entry, p_holm=p, finding=_finding(entry, p))
        if (p := adjusted.get(entry.name)) is not None
        else entry
        for entry in networks
    ]


def _finding(entry: ArmResult, p_holm: float) -> Finding:
    """No difference is only ever claimed through the equivalence test."""
    if p_holm < LEVEL and entry.difference:
        return "higher" if entry.difference.value > 0 else "lower"
    same = entry.equivalence
    return "equivalent" if same and same.p < LEVEL else "undetermined"


def _game(table: Table, design: Design, game: str) -> GameInfo:
    """A game's class, its unit, and whether it counts."""
    baseline, floor = table.scores.get(BASELINE, {}).get(game), table.floors.get(game)
    counts = floor is not None and baseline is not None
    return GameInfo(
        kind="sensitive" if game in SENSITIVE else "tolerant" if game in TOLERANT else None,
        random=REFERENCE_SCORES[game].random,
        counts=counts,
        unit=table.units([game])[0] if counts else None,
        at_floor=_at_floor(table, game) if counts else None,
        means={network: _mean(table, network, game) for network in design.networks},
    )


def _at_floor(table: Table, game: str) -> bool:
    """Whether the baseline scores less in a game than the smallest unit there can be."""
    baseline, floor = table.scores.get(BASELINE, {}).get(game), table.floors.get(game)
    return floor is not None and baseline is not None and bool(baseline.mean() < floor)


def _mean(table: Table, arm: str, game: str) -> float | None:
    """Mean raw score of an arm's runs (points)."""
    scores = table.scores.get(arm, {}).get(game)
    return None if scores is None else float(scores.mean()) + REFERENCE_SCORES[game].random


def _control(table: Table, entry: NetworkResult, rng: np.random.Generator) -> ControlResult:
    """An A/A control: a network that computes the baseline's function."""
    name, difference = entry.name, entry.difference
    if not difference:
        return ControlResult(name, None)
    games = table.shared(name, BASELINE)
    strata = table.strata(name, games), table.strata(BASELINE, games)
    wrong = false_positives(*strata, table.of_games(games), rng)
    return ControlResult(name, difference, difference.p < LEVEL, wrong)


def _spread(table: Table) -> float | None:
    """Spread of the baseline's runs, where there are enough of them."""
    games = table.shared(BASELINE, BASELINE)
    return spread_of(table.strata(BASELINE, games), table.of_games(games)) if games else None


def _notes(design: Design, table: Table, missing: Mapping[str, Sequence[str]]) -> list[str]:
    notes = design_notes(design)
    for game in design.games:
        if game not in table.floors and any(game in games for games in table.scores.values()):
            notes.append(
                f"{game_title(game)} is left out of all sums: "
                "its runs are not clearly above random play"
            )
        if _at_floor(table, game):
            notes.append(
                f"{game_title(game)} is measured in {FLOOR:g} of the mean of all runs: "
                f"{BASELINE} scores less"
            )
    lacking = sum(len(lines) for lines in missing.values())
    if lacking:
        notes.append(f"{lacking} runs are missing; the numbers are of those that finished")
    return notes

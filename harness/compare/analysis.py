"""From the scores of runs to a result for each network. Here is the order of the tests; the
arithmetic is in statistics.py and effects.py.

A network is compared with `stride` on the games in which both have runs and something was learned:
after equally many steps, and, beside it, after equal wall time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    RunResult,
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


class Pair(NamedTuple):
    """An arm and its baseline in the games that count and in which both have runs."""

    games: list[str]
    mine: Strata
    theirs: Strata
    floors: list[float]

    @property
    def units(self) -> list[float]:
        """Points that are a score of 1, game by game."""
        pairs = zip(self.theirs, self.floors, strict=True)
        return [float(unit_of(baseline, floor)) for baseline, floor in pairs]


@dataclass(frozen=True)
class Table:
    """Scores above random play, [seeds] by arm and game, and the floors of games that count."""

    scores: Mapping[str, Mapping[str, Scores]]
    floors: Mapping[str, float]

    def pair(self, arm: str, baseline: str = BASELINE) -> Pair:
        """An arm beside its baseline."""
        mine, theirs = self.scores.get(arm, {}), self.scores.get(baseline, {})
        games = [game for game in self.floors if game in mine and game in theirs]
        floors = [self.floors[game] for game in games]
        return Pair(games, [mine[game] for game in games], [theirs[game] for game in games], floors)


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


def analyse(design: Design, jobs: Sequence[RunResult]) -> Analysis:
    """The analysis of all runs; those without a score are named as missing."""
    rng = np.random.default_rng(SEED)
    scored = [(job.game, job.arm, job.score) for job in jobs if job.score is not None]
    table = tabulate(scored, design.networks)
    then = [(j.game, j.arm, at) for j in jobs if (at := j.score_at_equal_time) is not None]
    at_equal_time = tabulate(then, design.networks)
    missing = _missing(jobs)
    networks = []
    for name in design.networks:
        arm = _arm(table, name, BASELINE, design.margin, missing, rng)
        timed = None if name == BASELINE else _difference(at_equal_time.pair(name), rng)
        networks.append(NetworkResult(**arm, role=role_of(name), at_equal_time=timed))
    networks = _corrected(networks)
    tandems = [
        TandemResult(**_arm(table, name, teacher_of(name)[0], design.margin, missing, rng))
        for name in design.tandems
    ]
    controls = [_control(table, entry, rng) for entry in networks if entry.role == "control"]
    baseline = table.pair(BASELINE)
    spread = spread_of(baseline.mine, baseline.floors) if baseline.games else None
    games = {game: _game(table, design, game) for game in design.games}
    return Analysis(
        games=games,
        networks=tuple(networks),
        tandems=tuple(tandems),
        controls=tuple(controls),
        power=design_power(len(table.floors) or len(design.games), design, spread),
        notes=(*design_notes(design), *_notes(table, games, sum(map(len, missing.values())))),
    )


def _missing(jobs: Sequence[RunResult]) -> dict[str, list[str]]:
    """What each arm lacks, a line a run."""
    lines: dict[str, list[str]] = {}
    for job in jobs:
        if job.score is None:
            why = f": {job.problem}" if job.problem else ""
            line = f"{game_title(job.game)} seed {job.seed} {job.state}{why}"
            lines.setdefault(job.arm, []).append(line)
    return lines


def _arm(
    table: Table,
    arm: str,
    baseline: str,
    margin: float,
    missing: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The fields of an arm's `ArmResult`, at equal steps."""
    pair = table.pair(arm, baseline)
    fields: dict[str, Any] = dict.fromkeys(("iqm", "profile", "difference"))
    fields |= {"name": arm, "missing": tuple(missing.get(arm, ())), "games": {}}
    fields["runs"] = sum(len(scores) for scores in table.scores.get(arm, {}).values())
    if not pair.games:
        return fields
    units = pair.units
    for game, scores, unit in zip(pair.games, pair.mine, units, strict=True):
        fields["games"][game] = GameScores(len(scores), tuple((scores / unit).tolist()))
    fields["iqm"] = bootstrap_interval(partial(pooled_iqm, units=units), pair.mine, rng=rng)
    curves = (THRESHOLDS, *performance_profile(pair.mine, units, THRESHOLDS, rng))
    fields["profile"] = Profile(*(tuple(values.tolist()) for values in curves))
    if arm == baseline:
        return fields
    return fields | {"difference": _difference(pair, rng)} | _effects(pair, margin, rng)


def _difference(pair: Pair, rng: np.random.Generator) -> Difference | None:
    """IQM difference to the baseline with its interval and p-value; None without shared games."""
    if not pair.games:
        return None
    difference = partial(iqm_difference, floors=pair.floors)
    interval = bootstrap_interval(difference, pair.mine, pair.theirs, rng=rng)
    p = permutation_p(difference, pair.mine, pair.theirs, rng)
    return Difference(**vars(interval), p=p, games=tuple(pair.games))


def _effects(pair: Pair, margin: float, rng: np.random.Generator) -> dict[str, Any]:
    """The fields of an `ArmResult` that a baseline has not."""
    games, mine, theirs, floors = pair
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
    random, unit, at_floor = REFERENCE_SCORES[game].random, None, None
    if baseline is not None and floor is not None:
        unit, at_floor = float(unit_of(baseline, floor)), bool(baseline.mean() < floor)
    return GameInfo(
        kind="sensitive" if game in SENSITIVE else "tolerant" if game in TOLERANT else None,
        random=random,
        counts=unit is not None,
        unit=unit,
        at_floor=at_floor,
        means={
            name: None if scores is None else float(scores.mean()) + random
            for name in design.networks
            for scores in [table.scores.get(name, {}).get(game)]
        },
    )


def _control(table: Table, entry: NetworkResult, rng: np.random.Generator) -> ControlResult:
    """An A/A control: a network that computes the baseline's function."""
    difference = entry.difference
    if not difference:
        return ControlResult(entry.name, None)
    _, mine, theirs, floors = table.pair(entry.name)
    wrong = false_positives(mine, theirs, floors, rng)
    return ControlResult(entry.name, difference, difference.p < LEVEL, wrong)


def _notes(table: Table, games: Mapping[str, GameInfo], lacking: int) -> Iterator[str]:
    for game, info in games.items():
        if game not in table.floors and any(game in runs for runs in table.scores.values()):
            yield (
                f"{game_title(game)} is left out of all sums: "
                "its runs are not clearly above random play"
            )
        if info.at_floor:
            yield (
                f"{game_title(game)} is measured in {FLOOR:g} of the mean of all runs: "
                f"{BASELINE} scores less"
            )
    if lacking:
        yield f"{lacking} runs are missing; the numbers are of those that finished"

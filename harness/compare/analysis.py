"""From the scores of runs to what is said of each network: the order of the tests, no arithmetic.

Scores come as a table by network and game, with the games in which they say something. Equal steps
come first; equal wall time is told beside it. A network is compared with `stride` on the games in
which both have runs and something was learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from envs.games import game_title
from envs.scores import REFERENCE_SCORES
from harness.compare.design import BASELINE, SENSITIVE, TOLERANT, Design, role_of, teacher_of
from harness.compare.effects import equivalence, game_differences, interaction, spread_of
from harness.compare.power import SEED, design_notes, design_power
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
"""Where performance profiles are told (share of the baseline's score)."""
Verdict = Literal["higher", "lower", "equivalent", "undetermined"]


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
) -> dict[str, Any]:
    """What the runs say: `games`, `networks`, `tandems`, `controls`, `power` and `notes`."""
    rng = np.random.default_rng(SEED)
    table = tabulate([(r.game, r.arm, r.score) for r in runs], design.networks)
    timed = [(r.game, r.arm, r.at_equal_time) for r in runs if r.at_equal_time is not None]
    at_equal_time = tabulate(timed, design.networks)
    networks = []
    for name in design.networks:
        lacks = list(missing.get(name, ()))
        entry: dict[str, Any] = {"network": name, "role": role_of(name), "missing": lacks}
        entry |= _entry(table, name, BASELINE, design, rng)
        entry["at_equal_time"] = _difference(at_equal_time, name, BASELINE, rng)
        networks.append(entry)
    family = [e for e in networks if e["role"] == "compared" and e["difference"]]
    for entry, p in zip(family, holm([e["difference"]["p"] for e in family]), strict=True):
        entry["p_holm"] = p
        entry["verdict"] = _verdict(entry)
    tandems = [
        {"tandem": name, "missing": list(missing.get(name, ()))}
        | _entry(table, name, teacher_of(name)[0], design, rng)
        for name in design.tandems
    ]
    return {
        "games": {game: _game(table, design, game) for game in design.games},
        "networks": networks,
        "tandems": tandems,
        "controls": [_control(table, e, rng) for e in networks if e["role"] == "control"],
        "power": design_power(len(table.floors) or len(design.games), design, _spread(table)),
        "notes": _notes(design, table, missing),
    }


def _entry(
    table: Table, arm: str, baseline: str, design: Design, rng: np.random.Generator
) -> dict[str, Any]:
    """What is said of an arm at equal steps."""
    games = table.shared(arm, baseline)
    entry: dict[str, Any] = {
        "runs": sum(len(scores) for scores in table.scores.get(arm, {}).values()),
        "games": {},
        "iqm": None,
        "profile": None,
        "difference": None,
    }
    if not games:
        return entry
    mine, units = table.strata(arm, games), table.units(games, baseline)
    entry["games"] = {
        game: {"runs": len(scores), "normalised": (scores / unit).tolist()}
        for game, scores, unit in zip(games, mine, units, strict=True)
    }
    entry["iqm"] = bootstrap_interval(partial(pooled_iqm, units=units), mine, rng=rng)._asdict()
    share, low, high = performance_profile(mine, units, THRESHOLDS, rng)
    named = {"thresholds": THRESHOLDS, "share": share, "low": low, "high": high}
    entry["profile"] = {name: values.tolist() for name, values in named.items()}
    entry["difference"] = _difference(table, arm, baseline, rng)
    if arm != baseline:
        entry |= _effects(table, arm, baseline, design.margin, rng)
    return entry


def _difference(
    table: Table, arm: str, baseline: str, rng: np.random.Generator
) -> dict[str, Any] | None:
    """IQM difference to the baseline with its interval and p-value; None without shared games."""
    games = table.shared(arm, baseline)
    if not games or arm == baseline:
        return None
    difference = partial(iqm_difference, floors=table.of_games(games))
    mine, theirs = table.strata(arm, games), table.strata(baseline, games)
    interval = bootstrap_interval(difference, mine, theirs, rng=rng)
    return {**interval._asdict(), "p": permutation_p(difference, mine, theirs, rng), "games": games}


def _effects(
    table: Table, arm: str, baseline: str, margin: float, rng: np.random.Generator
) -> dict[str, Any]:
    games = table.shared(arm, baseline)
    mine, theirs, floors = (
        table.strata(arm, games),
        table.strata(baseline, games),
        table.of_games(games),
    )
    improvement = bootstrap_interval(probability_of_improvement, mine, theirs, rng=rng)
    same = equivalence(mine, theirs, floors, margin)
    differences = game_differences(mine, theirs, floors)
    classed = [i for i, game in enumerate(games) if game in (*SENSITIVE, *TOLERANT)]
    crossed = interaction(
        [mine[i] for i in classed],
        [theirs[i] for i in classed],
        [floors[i] for i in classed],
        [games[i] in SENSITIVE for i in classed],
        rng,
    )
    return {
        "probability_of_improvement": improvement._asdict(),
        "game_differences": dict(zip(games, differences.tolist(), strict=True)),
        "equivalence": {**same._asdict(), "margin": margin} if same else None,
        "interaction": crossed._asdict() if crossed else None,
    }


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    """No difference is only ever claimed through the equivalence test."""
    if entry["p_holm"] < LEVEL:
        return "higher" if entry["difference"]["value"] > 0 else "lower"
    same = entry["equivalence"]
    return "equivalent" if same and same["p"] < LEVEL else "undetermined"


def _game(table: Table, design: Design, game: str) -> dict[str, Any]:
    """Of a game: its class, its unit, and whether it counts."""
    kind = "sensitive" if game in SENSITIVE else "tolerant" if game in TOLERANT else None
    baseline = table.scores.get(BASELINE, {}).get(game)
    floor = table.floors.get(game)
    return {
        "class": kind,
        "random": REFERENCE_SCORES[game].random,
        "counts": floor is not None and baseline is not None,
        "unit": None if floor is None or baseline is None else table.units([game])[0],
        "at_floor": None if floor is None or baseline is None else bool(baseline.mean() < floor),
    } | {"means": {n: _mean(table, n, game) for n in design.networks}}


def _mean(table: Table, arm: str, game: str) -> float | None:
    """Mean raw score of an arm's runs (points)."""
    scores = table.scores.get(arm, {}).get(game)
    return None if scores is None else float(scores.mean()) + REFERENCE_SCORES[game].random


def _control(table: Table, entry: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """An A/A control: a network that computes the baseline's function."""
    name = entry["network"]
    found: dict[str, Any] = {"network": name, "difference": entry["difference"]}
    if entry["difference"]:
        games = table.shared(name, BASELINE)
        strata = table.strata(name, games), table.strata(BASELINE, games)
        found["found_a_difference"] = entry["difference"]["p"] < LEVEL
        found["interval_false_positives"] = false_positives(*strata, table.of_games(games), rng)
    return found


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
        baseline = table.scores.get(BASELINE, {}).get(game)
        floor = table.floors.get(game)
        if floor is not None and baseline is not None and baseline.mean() < floor:
            notes.append(
                f"{game_title(game)} is measured in {FLOOR:g} of the mean of all runs: "
                f"{BASELINE} scores less"
            )
    lacking = sum(len(lines) for lines in missing.values())
    if lacking:
        notes.append(f"{lacking} runs are missing; the figures are of those that finished")
    return notes

"""Of the report of a comparison: all games together, and the kinds of games."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.games import game_title
from harness.compare.design import BASELINE, SENSITIVE, TOLERANT
from harness.compare.formatting import (
    INTERVAL,
    UNIT,
    difference_cell,
    difference_row,
    differences,
    few_note,
    p_cell,
    p_text,
    row_of,
)
from harness.compare.power import SEED
from harness.compare.results import ArmResult, GameInfo, Results
from harness.compare.statistics import Interval, Scores, Strata, bootstrap_interval
from harness.report.blocks import Block, Curves, Intervals, Reference, Section, Series, Table


def sums(results: Results) -> Section:
    """All games together."""
    scored = [entry for entry in results.networks if entry.iqm]
    chances = [entry for entry in scored if entry.name != BASELINE]
    profiles = [(entry.name, entry.profile) for entry in scored if entry.profile]
    tails = [place for _, p in profiles for place, high in enumerate(p.high) if high > 0]
    last = max(tails, default=0) + 2  # one threshold that no run reaches ends the figure
    blocks: list[Block] = [
        Intervals(
            "Interquartile mean of all runs and games",
            f"score, 1 is {UNIT}; {INTERVAL}",
            tuple(row_of(entry.name, entry.iqm) for entry in results.networks),
            (Reference(1.0, f"mean of {BASELINE}"), Reference(0.0, "random play")),
            note=few_note(scored),
        ),
        Intervals(
            "Probability of improvement",
            f"chance that a run scores above one of {BASELINE} in the same game, {INTERVAL}",
            tuple(row_of(e.name, e.probability_of_improvement) for e in chances),
            (Reference(0.5, "even"),),
        ),
        Curves(
            "Performance profile",
            f"score, 1 is {UNIT}",
            "share of runs that score more, mean over games",
            tuple(
                Series(name, p.thresholds[:last], p.share[:last], p.low[:last], p.high[:last])
                for name, p in profiles
            ),
            y_range=(0, 1),
            note=f"Shaded: {INTERVAL}, point by point.",
        ),
        Table.of(
            f"Differences to {BASELINE} after equally many steps",
            results.others,
            (
                ("network", "", lambda entry: entry.name),
                ("games", "d", lambda e: len(e.difference.games) if e.difference else 0),
                ("runs", "d", lambda entry: entry.runs),
                (f"IQM difference ({INTERVAL})", "", lambda e: difference_cell(e.difference)),
                ("p", "", lambda entry: p_cell(entry.difference)),
                ("p after Holm", "", lambda e: None if e.p_holm is None else p_text(e.p_holm)),
                ("p of equivalence", "", lambda entry: p_cell(entry.equivalence)),
                ("finding", "", lambda e: "A/A control" if e.role == "control" else e.finding),
            ),
            "p is of permutations of runs within games. That of equivalence is of two one-sided "
            "tests: small where the difference is within the margin.",
        ),
    ]
    if not scored:
        why = f"no game in which {BASELINE} has a finished run is clearly above random play"
        blocks = [f"Nothing can be summed up: {why}."]
    kept = tuple(b for b in blocks if not isinstance(b, (Intervals, Table)) or b.rows)
    lead = (
        "A game's unit is the score above random play of stride's runs there. The interquartile "
        "mean leaves out the best and the worst quarter of all runs."
    )
    return Section("All games together", lead, kept)


def kinds(results: Results) -> Section:
    """Games that need exact places against games that forgive."""
    games, others = results.games, results.others
    (baseline,) = (entry for entry in results.networks if entry.name == BASELINE)
    rows = [
        difference_row(entry.name, difference, f"{game_title(game)} ({_KINDS[games[game].kind]})")
        for game in sorted(games, key=lambda game: list(_KINDS).index(games[game].kind))
        for entry in others
        if (difference := _in_game(entry, baseline, game))
    ]
    crossed = [(entry.name, entry.interaction) for entry in others if entry.interaction]
    blocks: list[Block] = []
    if rows:
        margin = results.design.margin
        title = f"Difference of the means to {BASELINE}, game by game"
        blocks.append(differences(title, rows, margin, few_note(others)))
    if crossed:
        blocks.append(
            Table.of(
                f"Does the difference to {BASELINE} depend on the kind of game?",
                crossed,
                (
                    ("network", "", lambda row: row[0]),
                    ("sensitive less tolerant", "+.1%", lambda row: row[1].difference),
                    ("p, runs as units", "", lambda row: p_text(row[1].p_runs)),
                    ("p, games as units", "", lambda row: p_text(row[1].p_games)),
                ),
                "p with runs as units is that of a difference which is the same in all these "
                "games; p with games as units that of kinds that do not matter, which is never "
                "small with few games. Neither is corrected for the number of networks.",
            )
        )
    else:
        blocks.append(_no_kinds(games))
    sensitive, tolerant = (", ".join(map(game_title, some)) for some in (SENSITIVE, TOLERANT))
    lead = (
        "If pooling harms because it loses places, it harms more where small things have to be "
        f"located exactly ({sensitive}) than in games that forgive ({tolerant})."
    )
    return Section("Kinds of games", lead, tuple(blocks))


_KINDS = {"sensitive": "sensitive", "tolerant": "tolerant", None: "of neither kind"}


def _no_kinds(games: Mapping[str, GameInfo]) -> str:
    kinds = {game.kind for game in games.values() if game.counts}
    lacking = [kind for kind in ("sensitive", "tolerant") if kind not in kinds]
    if lacking:
        return f"Kinds cannot be compared: no {' and no '.join(lacking)} game counts here."
    return "Kinds cannot be compared: no network shares games of both kinds with stride."


def _in_game(entry: ArmResult, baseline: ArmResult, game: str) -> Interval | None:
    """Difference of the means of normalised scores in a game; the unit is taken as known."""
    if game not in entry.games or game not in baseline.games:
        return None
    mine, theirs = (np.array(arm.games[game].normalised, float) for arm in (entry, baseline))
    rng = np.random.default_rng(SEED)

    def difference(network: Strata, baseline: Strata) -> Scores:
        return np.asarray(network[0].mean(-1) - baseline[0].mean(-1))

    return bootstrap_interval(difference, [mine], [theirs], rng=rng, redraws=1999)

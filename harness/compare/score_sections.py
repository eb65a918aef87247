"""Of the report of a comparison: all differences in one table, and game by game."""

from __future__ import annotations

from envs.games import game_title
from harness.compare.design import BASELINE
from harness.compare.formatting import INTERVAL, effect_cell, effect_row, effects, p_cell, p_text
from harness.compare.results import Results
from harness.report.blocks import Block, Section, Table


def differences(results: Results) -> Section:
    """Every network in one table, then in each game."""
    entries = [entry for entry in results.compared if entry.effect]
    if not entries:
        why = f"no game in which {BASELINE} is above random play has runs of another network"
        return Section("Differences", "", (f"Nothing can be compared: {why}.",))
    table = Table.of(
        f"Differences to {BASELINE} after equally many steps",
        entries,
        (
            ("network", "", lambda entry: entry.name),
            ("games", "d", lambda e: len(e.effect.games) if e.effect else 0),
            ("runs", "d", lambda entry: entry.runs),
            (f"difference ({INTERVAL})", "", lambda e: effect_cell(e.effect)),
            ("p", "", lambda entry: p_cell(entry.effect)),
            ("p after Holm", "", lambda entry: p_text(entry.p_holm)),
            ("better run", ".2f", lambda entry: entry.probability_of_improvement),
            ("second outcome", "", lambda e: effect_cell(e.second)),
            ("finding", "", lambda entry: entry.finding),
        ),
        "p is of permutations of seeds within games. Better run: probability that a run scores "
        f"above one of {BASELINE} in the same game.",
    )
    rows = [
        effect_row(entry.name, entry.by_game[game], game_title(game))
        for game in results.games
        for entry in entries
        if game in entry.by_game
    ]
    title = f"Difference to {BASELINE}, game by game"
    blocks: tuple[Block, ...] = (table, effects(title, rows, results.design.margin))
    lead = "A game counts as much as any other: the mean is over logarithms of ratios."
    return Section("Differences", lead, blocks)

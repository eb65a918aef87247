"""What `evaluate.py compare` prints: the design's prospects before, the findings after."""

from __future__ import annotations

from envs.games import game_title
from harness.compare.design import BASELINE, Design
from harness.compare.formatting import (
    INTERVAL,
    effect_cell,
    outcome_cells,
    p_cell,
    p_text,
    seeds_text,
)
from harness.compare.results import ArmResult, NetworkResult, Power, Results
from harness.console import Table
from harness.report.blocks import Cell, Column
from harness.report.blocks import Table as Block
from harness.text import counted


def power_lines(power: Power) -> list[str]:
    """The power of a design in words."""
    variation = f"coefficient of variation {power.variation:.2f} ({power.variation_is})"
    runs = f"{counted(power.runs, 'seed')} against {power.baseline_runs} of {BASELINE}"
    return [
        f"power, {counted(power.games, 'game')}, {runs}, {variation}:",
        *(
            f"  true difference {row.effect:+.0%}: found ({row.finding}) with probability "
            f"{row.chance:.2f}"
            for row in power.rows
        ),
    ]


def findings(results: Results) -> Table:
    """The networks at equal steps, and their differences at equal time."""
    title = f"mean score above random play against {BASELINE}'s; ({INTERVAL})"
    entries = (*results.networks, *results.tandems)
    return _printed(Block(title, _FINDINGS, tuple(map(_finding_row, entries))))


def seeds(results: Results) -> Table:
    """The outcome of every run, failed ones by their state."""
    numbers = range(results.design.most_seeds)
    columns = [Column(f"seed {seed}", ",.1f") for seed in numbers]
    cells = sorted(outcome_cells(results).items(), key=lambda item: item[0][0])
    rows = tuple((game_title(game), arm, *row) for (game, arm), row in cells)
    title = f"every seed (points a training game from step {results.outcome_from:,} on)"
    table = Block(title, (Column("game"), Column("network"), *columns), rows)
    return _printed(table, names=2)


def _printed(block: Block, names: int = 1) -> Table:
    """A table for the terminal; the first `names` columns are not numbers."""
    table = Table(title=block.title, title_justify="left", pad_edge=False)
    for place, column in enumerate(block.columns):
        table.add_column(column.name, justify="left" if place < names else "right")
    for row in block.rows:
        cells = zip(row, block.columns, strict=True)
        table.add_row(*(_cell(cell, column.format) for cell, column in cells))
    return table


def _cell(cell: Cell, form: str) -> str:
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else f"{cell:{form}}"


def _finding_row(arm: ArmResult) -> tuple[Cell, ...]:
    network = arm if isinstance(arm, NetworkResult) else None
    effect = arm.effect
    role = network.role if network and network.role != "compared" else None
    return (
        arm.name,
        f"{arm.runs}" + (f" ({len(arm.missing)} missing)" if arm.missing else ""),
        effect_cell(effect),
        p_cell(effect),
        p_text(network.p_holm) if network else None,
        arm.probability_of_improvement,
        effect_cell(network.second if network else None),
        effect_cell(network.at_equal_time if network else None),
        (network and network.finding) or role,
    )


_FINDINGS = (
    *(Column("network"), Column("runs"), Column("difference"), Column("p"), Column("Holm")),
    *(Column("better run", ".2f"), Column("second outcome"), Column("at equal time")),
    Column("finding"),
)


def job_count(design: Design) -> str:
    """`3 games x 4 networks, 5 seeds: 60 runs`."""
    arms = (*design.networks, *design.tandems)
    factors = f"{counted(len(design.games), 'game')} x {counted(len(arms), 'network')}"
    return f"{factors}, {seeds_text(design)}: {counted(design.runs, 'run')}"

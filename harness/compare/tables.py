"""What `evaluate.py compare` prints: the design's prospects before, the findings after."""

from __future__ import annotations

from collections.abc import Sequence

from envs.games import game_title
from harness.compare.formatting import has_width, score_cells
from harness.compare.results import (
    ArmResult,
    ControlResult,
    NetworkResult,
    Power,
    Results,
)
from harness.compare.statistics import CONFIDENCE, Interval
from harness.compare.verdict_sections import control_text
from harness.console import Table
from harness.report.blocks import Cell, Column
from harness.report.blocks import Table as Block
from harness.text import counted


def power_lines(power: Power) -> list[str]:
    """The power of a design in words."""
    spread = f"{power.spread:.0%} spread between seeds ({power.spread_is})"
    games, seeds = counted(power.games, "game"), counted(power.seeds, "seed")
    lines = [f"power, {games} x {seeds}, {spread}:"]
    for row in power.rows:
        among = f", {row.among_all:.2f} among {power.compared} compared networks"
        lines.append(
            f"  a difference of {row.effect:+.0%} is found with probability "
            f"{row.alone:.2f}{among if power.compared > 1 else ''}"
        )
    return lines


def findings(results: Results) -> Table:
    """The networks at equal steps, and their differences at equal time."""
    title = f"scores in units of stride above random play; [{CONFIDENCE:.0%} interval]"
    rows = tuple(map(_finding_row, (*results.networks, *results.tandems)))
    return _printed(Block(title, _FINDINGS, rows))


def seeds(results: Results) -> Table:
    """The score of every run, failed ones by their state."""
    columns = [Column(f"seed {seed}", ",.1f") for seed in range(results.design.seeds)]
    cells = sorted(score_cells(results).items(), key=lambda item: item[0][0])
    rows = tuple((game_title(game), arm, *row) for (game, arm), row in cells)
    table = Block("every seed (points)", (Column("game"), Column("network"), *columns), rows)
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


def _interval(interval: Interval | None, sign: str = "") -> Cell:
    if not interval:
        return None
    value, low, high = (f"{x:{sign}.2f}" for x in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]" if has_width(interval) else f"{value} [none]"


def _finding_row(arm: ArmResult) -> tuple[Cell, ...]:
    network = arm if isinstance(arm, NetworkResult) else None
    difference, better = arm.difference, arm.probability_of_improvement
    timed, p_holm = (network.at_equal_time, network.p_holm) if network else (None, None)
    role = "A/A control" if network and network.role == "control" else None
    return (
        arm.name,
        f"{arm.runs}" + (f" ({len(arm.missing)} missing)" if arm.missing else ""),
        _interval(arm.iqm),
        _interval(difference, sign="+"),
        difference.p if difference else None,
        p_holm,
        better.value if better else None,
        timed.value if timed else None,
        timed.p if timed else None,
        (network and network.finding) or role,
    )


_FINDINGS = (
    *(Column("network"), Column("runs"), Column("IQM"), Column("less stride"), Column("p", ".3f")),
    *(Column("Holm", ".3f"), Column("better run", ".2f"), Column("at equal time", "+.2f")),
    *(Column("its p", ".3f"), Column("finding")),
)


def control_lines(controls: Sequence[ControlResult]) -> list[str]:
    """What each A/A control found."""
    return [control_text(control) for control in controls if control.difference]


def job_count(games: Sequence[str], networks: Sequence[str], count: int) -> str:
    """`3 games x 4 networks x 5 seeds: 60 runs`."""
    factors = counted(len(games), "game"), counted(len(networks), "network"), counted(count, "seed")
    return f"{' x '.join(factors)}: {counted(len(games) * len(networks) * count, 'run')}"

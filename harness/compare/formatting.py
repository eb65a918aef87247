"""How the report of a comparison writes numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.design import BASELINE
from harness.compare.effects import Equivalence
from harness.compare.power import FEW_SEEDS
from harness.compare.results import ArmResult, Difference, Results
from harness.compare.statistics import CONFIDENCE, Interval
from harness.report.blocks import Band, Cell, Intervals, Reference, Row
from harness.report.markup import is_interval, number, telling
from harness.text import counted

INTERVAL = f"{CONFIDENCE:.0%} interval"
UNIT = f"{BASELINE}'s score above random play"


def p_text(p: float) -> str:
    """A p-value as tables have it."""
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_value(p: float) -> str:
    """A p-value in a sentence; it stays on one line."""
    return f"p\N{NO-BREAK SPACE}{p_text(p)}"


def p_cell(test: Difference | Equivalence | None) -> str | None:
    """The p-value of a test in a table."""
    return p_text(test.p) if test else None


def interval_text(interval: Interval, form: str = ".2f", short: bool = False) -> str:
    """A value with its interval, in words."""
    if not has_width(interval):
        return f"{number(interval.value, form)} (no interval)"
    form = telling(form, interval.low, interval.high)
    value, low, high = (number(x, form) for x in (interval.value, interval.low, interval.high))
    return f"{value} ({'' if short else INTERVAL + ' '}{low} to {high})"


def difference_cell(difference: Interval | None) -> str | None:
    """A difference with its interval in a table, in percent."""
    return interval_text(difference, "+.1%", short=True) if difference else None


def row_of(
    label: str, interval: Interval | None, group: str = "", series: str = "", scale: float = 1.0
) -> Row:
    """A row of a forest plot, its numbers times `scale`; None is one that was not measured."""
    if not interval:
        return Row(label, None, group=group, series=series)
    value, low, high = (scale * x for x in (interval.value, interval.low, interval.high))
    if not has_width(interval):
        return Row(label, value, group=group, series=series)
    return Row(label, value, low, high, group, series)


def difference_row(
    label: str, difference: Interval | None, group: str = "", series: str = ""
) -> Row:
    """A row of `differences`, in percent."""
    return row_of(label, difference, group, series, 100.0)


def differences(
    title: str, rows: Sequence[Row], margin: float, note: str, of: str = UNIT
) -> Intervals:
    """Differences in percent of a baseline's score, beside the margin (share of it)."""
    return Intervals(
        title,
        f"% of {of}, {INTERVAL}",
        tuple(rows),
        (Reference(0.0, "no difference"),),
        Band(-100 * margin, 100 * margin, "too small to matter"),
        "+.1f",
        note,
    )


def few_note(entries: Sequence[ArmResult]) -> str:
    """What to think of intervals from few runs."""
    counts = [game.runs for entry in entries for game in entry.games.values()]
    if not counts or min(counts) >= FEW_SEEDS:
        return ""
    least = counted(min(counts), "run")
    return (
        f"Intervals from few runs cover too seldom (here down to {least} of a network in a game)."
    )


def has_width(interval: Interval) -> bool:
    """Whether an interval is one: drawing a single run again and again gives none."""
    return is_interval(interval.low, interval.high)


def score_cells(results: Results) -> dict[tuple[str, str], list[Cell]]:
    """By game and arm what there is of each seed: its score, else the state of its run."""
    cells: dict[tuple[str, str], list[Cell]] = {}
    for job in results.jobs:
        row = cells.setdefault((job.game, job.arm), [None] * results.design.seeds)
        row[job.seed] = job.state if job.score is None else job.score
    return cells

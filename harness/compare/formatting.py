"""How the report of a comparison writes numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.design import BASELINE, Design
from harness.compare.results import Effect, Results
from harness.compare.statistics import CONFIDENCE, Interval
from harness.report.blocks import Band, Cell, Intervals, Reference, Row
from harness.report.markup import number, telling
from harness.text import counted

INTERVAL = f"{CONFIDENCE:.0%} interval"
UNIT = f"{BASELINE}'s mean score above random play"


def p_text(p: float | None) -> str | None:
    """A p-value as tables have it."""
    if p is None:
        return None
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_value(p: float) -> str:
    """A p-value in a sentence; it stays on one line."""
    return f"p\N{NO-BREAK SPACE}{p_text(p)}"


def p_cell(effect: Effect | None) -> str | None:
    """The p-value of a difference in a table."""
    return p_text(effect.p) if effect else None


def effect_text(effect: Interval, short: bool = True) -> str:
    """A difference with its interval, in percent."""
    low, high, form = effect.low, effect.high, "+.0%"
    if low is None or high is None:
        return f"{number(effect.value, form)} (no interval)"
    form = telling(form, low, high)
    value, low_text, high_text = (number(x, form) for x in (effect.value, low, high))
    return f"{value} ({'' if short else INTERVAL + ' '}{low_text} to {high_text})"


def effect_cell(effect: Interval | None) -> str | None:
    """The same in a table."""
    return effect_text(effect) if effect else None


def effect_row(label: str, effect: Interval | None, group: str = "", series: str = "") -> Row:
    """A row of `effects`, in percent."""
    if not effect:
        return Row(label, None, group=group, series=series)
    low, high = (None if end is None else 100 * end for end in (effect.low, effect.high))
    return Row(label, 100 * effect.value, low, high, group, series)


def effects(
    title: str, rows: Sequence[Row], margin: float, note: str = "", of: str = UNIT
) -> Intervals:
    """Differences in percent of a baseline, beside the largest loss that does not matter."""
    return Intervals(
        title,
        f"% of {of}, {INTERVAL}",
        tuple(rows),
        (Reference(0.0, "no difference"),),
        Band(-100 * margin, 0.0, "loss too small to matter"),
        "+.0f",
        note,
    )


def seeds_text(design: Design) -> str:
    """`5 seeds`, or `stride 12, half_max 8 seeds`."""
    counts = {name: design.seeds_for(name) for name in design.networks}
    if len(set(counts.values())) == 1:
        return counted(design.most_seeds, "seed")
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + " seeds"


def outcome_cells(results: Results) -> dict[tuple[str, str], list[Cell]]:
    """By game and arm what there is of each seed: its outcome, else the state of its run."""
    cells: dict[tuple[str, str], list[Cell]] = {}
    for job in results.jobs:
        row = cells.setdefault((job.game, job.arm), [None] * results.design.most_seeds)
        row[job.seed] = job.state if job.outcome is None else job.outcome
    return cells

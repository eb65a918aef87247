"""How the report of a comparison writes numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.compare.design import BASELINE
from harness.compare.power import FEW_SEEDS
from harness.compare.statistics import CONFIDENCE
from harness.report.blocks import Band, Intervals, Reference, Row
from harness.report.markup import is_interval, number, telling
from harness.text import counted

Results = Mapping[str, Any]
"""What results.json holds, or an object in it."""
INTERVAL = f"{CONFIDENCE:.0%} interval"
UNIT = f"{BASELINE}'s score above random play"


def p_text(p: float) -> str:
    """A p-value as tables have it."""
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_said(p: float) -> str:
    """A p-value in a sentence; it stays on one line."""
    return f"p\N{NO-BREAK SPACE}{p_text(p)}"


def interval_text(found: Results, form: str = ".2f", short: bool = False) -> str:
    """A value with its interval, in words."""
    if not has_width(found):
        return f"{number(found['value'], form)} (no interval)"
    form = telling(form, found["low"], found["high"])
    value, low, high = (number(found[name], form) for name in ("value", "low", "high"))
    return f"{value} ({'' if short else INTERVAL + ' '}{low} to {high})"


def row_of(
    label: str, found: Results | None, group: str = "", series: str = "", scale: float = 1.0
) -> Row:
    """A row of a forest plot, its numbers times `scale`; not measured where nothing was found."""
    if not found:
        return Row(label, None, group=group, series=series)
    low, high = (found["low"], found["high"]) if has_width(found) else (None, None)
    value, low, high = (None if end is None else scale * end for end in (found["value"], low, high))
    return Row(label, value, low, high, group, series)


def difference_row(label: str, found: Results | None, group: str = "", series: str = "") -> Row:
    """A row of `differences`, in percent."""
    return row_of(label, found, group, series, 100.0)


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


def few_note(entries: Sequence[Results]) -> str:
    """What to think of intervals from few runs."""
    counts = [game["runs"] for entry in entries for game in entry["games"].values()]
    if not counts or min(counts) >= FEW_SEEDS:
        return ""
    least = counted(min(counts), "run")
    return (
        f"Intervals from few runs cover too seldom (here down to {least} of a network in a game)."
    )


def has_width(found: Results) -> bool:
    """Whether an interval is one: drawing a single run again and again gives none."""
    return is_interval(found["low"], found["high"])

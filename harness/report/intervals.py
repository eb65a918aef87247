"""Values with their intervals, one under the other (a forest plot).

It is a table whose middle column is drawn, so that it can be read aloud and its labels wrap; on
a narrow page the drawing moves beneath the label and the number (page.css).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, groupby

from harness.report.blocks import Intervals, Row, Value
from harness.report.markup import Html, compact, is_interval, number, render, shown, telling
from harness.report.styles import Styles


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from `low` to `high`, low < high."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Share of the axis at which a value lies; beyond its ends 0 or 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self) -> list[tuple[float, str]]:
        """Places of at most six round values, and their labels."""
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        inside = [float(value) for value in values if self.low <= value <= self.high]
        return [(self.place(value), compact(value)) for value in inside]


def axis(values: Iterable[Value], margin: float = 0.04) -> Axis:
    """An axis that shows all finite values, with a margin (share of their span)."""
    finite = [value for value in map(shown, values) if value is not None] or [1.0]
    low, high = min(finite), max(finite)
    # A span lost in the rounding of its own ends is none.
    span = high - low if high - low > 1e-9 * max(abs(low), abs(high)) else 0.0
    room = span * margin or abs(high) / 2 or 1.0
    return Axis(low - room, high + room)


def draw_intervals(figure: Intervals, styles: Styles) -> Html:
    """A forest plot. Rows without a finite value stay, as not measured."""
    band = (figure.band.low, figure.band.high) if figure.band else ()
    levels = (reference.value for reference in figure.references)
    values = chain.from_iterable((row.value, row.low, row.high) for row in figure.rows)
    measured = [row for row in figure.rows if shown(row.value) is not None]
    return render(
        "intervals",
        figure=figure,
        styles=styles,
        axis=axis(chain(values, levels, band)),
        measured=measured,
        without=any(not has_interval(row) for row in measured),
        groups=[(name, list(rows)) for name, rows in groupby(figure.rows, lambda row: row.group)],
        has_interval=has_interval,
        written=written,
    )


def has_interval(row: Row) -> bool:
    """Whether both ends are numbers or infinite, and not the same."""
    return is_interval(row.low, row.high)


def written(row: Row, form: str) -> str:
    """A row's numbers: `0.92 (0.81 to 1.03)`."""
    value = shown(row.value)
    if value is None:
        return "not measured"
    if row.low is None or row.high is None or not has_interval(row):
        return f"{number(value, form)} (no interval)"
    form = telling(form, row.low, row.high)
    return f"{number(value, form)} ({number(row.low, form)} to {number(row.high, form)})"

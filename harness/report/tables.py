"""Tables of numbers and tables of shades."""

from __future__ import annotations

from itertools import chain

from harness.report.blocks import Heat, Table
from harness.report.markup import Html, render, shown
from harness.report.styles import Styles


def draw_table(table: Table, styles: Styles) -> Html:
    """A table; where it is wider than the page it scrolls inside its box."""
    numeric = [
        bool(table.rows) and not any(isinstance(row[place], str) for row in table.rows)
        for place in range(len(table.columns))
    ]
    # Names may be long and break anywhere; without a least width they would break everywhere.
    longest = max((len(str(row[0])) for row in table.rows), default=0)
    return render("table", table=table, styles=styles, numeric=numeric, width=min(longest + 4, 32))


def draw_heat(heat: Heat) -> Html:
    """A table of shades from the smallest value (palest) to the largest, with the values in the
    cells. A missing value is a dash in an empty cell."""
    values = [[shown(value) for value in row] for row in heat.values]
    finite = [value for value in chain.from_iterable(values) if value is not None]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    shares = [
        [None if value is None else (value - low) / (high - low) if high > low else 0.5
         for value in row]
        for row in values
    ]  # fmt: skip
    return render(
        "heat",
        heat=heat,
        values=values,
        shares=shares,
        ends=(low, high),
        drawable=bool(finite),
        missing=sum(map(len, values)) - len(finite),
        width=2 + min(max(map(len, heat.rows), default=0), 14),
    )

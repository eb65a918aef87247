"""Figures that are tables: values with their intervals (a forest plot), numbers, shades; screens.

The middle column of a forest plot is drawn, so that it can be read aloud and its labels wrap; on a
narrow page the drawing moves beneath the label and the number (page.css).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, groupby

import numpy as np
import numpy.typing as npt

from harness.report.blocks import Heat, Intervals, Marker, Picture, Row, Table, Value
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


def draw_picture(picture: Picture, styles: Styles) -> Html:
    """Screens beside each other with their marks, a legend above."""
    frames = [(frame, [mark for mark in frame.markers if _has_place(mark)])
              for frame in picture.frames]  # fmt: skip
    return render(
        "picture",
        picture=picture,
        styles=styles,
        frames=frames,
        names=[mark.label for frame in picture.frames for mark in frame.markers],
        missing=sum(len(frame.markers) - len(marks) for frame, marks in frames),
        address=lambda pixels: f"data:image/png;base64,{b64encode(png(pixels)).decode()}",
        spoken=_spoken,
    )


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """uint8 [H, W, 3] as a PNG file."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def _has_place(mark: Marker) -> bool:
    return shown(mark.x) is not None and shown(mark.y) is not None


def _spoken(marks: list[Marker]) -> str:
    """Where the marks are, for those who cannot see them."""
    return " ".join(
        f"{mark.label} at {number(mark.x or 0, '.0f')}, {number(mark.y or 0, '.0f')}."
        for mark in marks
    )

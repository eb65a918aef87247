"""Axes of figures: from values to places, and what is written beside them.

Figures stretch with the page and their writing does not: places are shares of a side, drawn as
percentages, while text, marks and line widths are CSS pixels. Only lines of many points need
numbers without a unit; those lie in an inner drawing of GRID by GRID that is stretched. So a
figure is as readable on a telephone as on a wide screen, takes its colours from the page, and
costs 50 to 100 bytes a point; that is why it is not drawn by a library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.report.blocks import Reference, Value
from harness.report.markup import Html, join, number, percent, shown, tag
from harness.report.styles import Styles

GRID: Final = 1000
"""Places a side of the inner drawing has: finer than a screen's pixels."""
TICKS: Final = 6
"""Most ticks of an axis; what fits on a telephone."""


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, low < high; both positive if `log`."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Share of the axis at which a value lies, 0 to 1 from low to high."""
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values within the axis, at most TICKS, and their labels."""
        if not self.log:
            return linear_ticks(self.low, self.high)
        found = _decades(self.low, self.high)
        if len(found) < 2:  # within a decade a logarithmic axis is nearly a plain one
            return [(v, text) for v, text in linear_ticks(self.low, self.high) if v > 0]
        return [(v, compact(v)) for v in found]


def scale(values: Iterable[Value], log: bool = False, margin: float = 0.03) -> Scale:
    """An axis that shows all finite values, with a margin (share of their span). Raises
    ValueError for a logarithmic axis of values that are not positive."""
    finite = [value for value in map(shown, values) if value is not None] or [1.0]
    low, high = min(finite), max(finite)
    if log:
        if low <= 0:
            raise ValueError(f"{low:g} has no place on a logarithmic axis")
        ratio = (high / low) ** margin if high > low else 2.0
        return Scale(low / ratio, high * ratio, log=True)
    # A span lost in the rounding of its own ends is none.
    span = high - low if high - low > 1e-9 * max(abs(low), abs(high)) else 0.0
    room = span * margin or abs(high) / 2 or 1.0
    return Scale(low - room, high + room)


def linear_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Multiples of 1, 2 or 5 times a power of ten from low to high, at most TICKS, labelled."""
    power = 10.0 ** math.floor(math.log10((high - low) / TICKS))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < TICKS:
            break
    values = [place * step for place in range(first, last + 1)]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > 6:
        return [(value, number(value, ".3g")) for value in values]
    largest = max(map(abs, values), default=0.0)
    if 10_000 <= largest <= 1000 * step:  # four digits tell them apart
        return [(value, compact(value)) for value in values]
    return [(value, number(value, f",.{decimals}f")) for value in values]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten within an axis, with 2 and 5 between where there is room."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        values = [step * 10.0**power for power in powers for step in steps]
        within = [value for value in values if low <= value <= high]
        if len(within) <= TICKS:
            return within
    return within[:: math.ceil(len(within) / TICKS)]


def compact(value: float) -> str:
    """400000 as 400k, 2500000 as 2.5M, 5 as 5."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return number(value / size, ".4g") + unit
    return number(value, ".4g")


def _frame(x: Scale, y: Scale) -> Html:
    """Grid lines and ticks."""
    lines, texts = [], []
    for value, text in y.ticks():
        at = percent(1 - y.place(value))
        lines.append(tag("line", x1="0", x2="100%", y1=at, y2=at))
        texts.append(tag("text", text, x="-8", y=at, dy="0.35em", text_anchor="end"))
    for value, text in x.ticks():
        at = percent(x.place(value))
        lines.append(tag("line", x1=at, x2=at, y1="0", y2="100%"))
        texts.append(tag("text", text, x=at, y="100%", dy="18", text_anchor="middle"))
    return tag("g", tag("g", *lines, class_="grid"), *texts, class_="axes")


def plot(drawn: Html, x: Scale, y: Scale, labels: tuple[str, str], spoken: str) -> Html:
    """A plot with its axes. `labels` are those of x and y; a screen reader says `spoken`."""
    room = 14 + 7 * max((len(text) for _, text in y.ticks()), default=1)
    svg = tag("svg", _frame(x, y), drawn, role="img", aria_label=spoken)
    box = tag("div", svg, class_="plot", style=f"margin-left:{room}px")
    return join([y_name(labels[1]), box, x_name(labels[0])])


def x_name(label: str) -> Html:
    """The x axis's label, beneath a plot; outside of the drawing it wraps."""
    return tag("div", label, class_="x-label")


def y_name(label: str) -> Html:
    """The y axis's label, above a plot: upright it is read more easily."""
    return tag("div", label, class_="y-label")


def across(references: Sequence[Reference], y: Scale) -> Html:
    """Reference lines at values of y."""
    return join(
        tag("line", tag("title", reference.label), class_="reference", x1="0", x2="100%",
            y1=percent(1 - y.place(reference.value)), y2=percent(1 - y.place(reference.value)),
            stroke_dasharray=reference_dashes(place))
        for place, reference in enumerate(references)
    )  # fmt: skip


def reference_dashes(place: int) -> str:
    """Dashes of the place-th reference line of a figure."""
    return ("5 4", "2 3", "9 3 2 3")[place % 3]


def legend(names: Iterable[str], styles: Styles, *more: Html, line: bool = False) -> Html:
    """Marks (on pieces of their lines if `line`) and names of series, each once, then `more`
    entries. Stands above a figure, where it covers no data."""
    entries = [legend_entry(styles.key(name, line), name) for name in dict.fromkeys(names)]
    entries += more
    return tag("ul", *entries, class_="legend") if entries else Html("")


def legend_entry(key: Html, text: str) -> Html:
    """A line of a legend."""
    return tag("li", key, tag("span", text))


def reference_entries(references: Sequence[Reference], form: str = "") -> list[Html]:
    """Reference lines in a legend with their values, in four digits unless `form` says how."""
    found = []
    for place, reference in enumerate(references):
        dashes = reference_dashes(place)
        line = tag("path", class_="reference", d="M1 7H29", stroke_dasharray=dashes)
        key = tag("svg", line, class_="key", width=30, height=14, aria_hidden="true")
        value = number(reference.value, form or (",.0f" if abs(reference.value) >= 1000 else ".4g"))
        found.append(legend_entry(key, f"{reference.label} ({value})"))
    return found


def nothing_note() -> Html:
    """Stands in the place of a figure without values."""
    return tag("p", "There are no values to draw.", class_="note")


def missing_note(missing: int) -> Html:
    """Says how many values a figure could not draw."""
    if not missing:
        return Html("")
    text = "1 value is missing" if missing == 1 else f"{missing:,} values are missing"
    return tag("p", f"{text} (not measured or not finite).", class_="note")

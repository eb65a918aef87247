"""Tables of numbers and tables of shades."""

from __future__ import annotations

from itertools import chain

from harness.report.axes import missing_note, nothing_note, x_name, y_name
from harness.report.blocks import Cell, Column, Heat, Table
from harness.report.markup import Html, join, number, percent, shown, tag
from harness.report.styles import Styles

NARROW = 12
"""A heat map of at most so many columns writes its numbers into its cells."""


def draw_table(table: Table, styles: Styles) -> Html:
    """A table; where it is wider than the page it scrolls inside its box."""
    numeric = [
        bool(table.rows) and not any(isinstance(row[place], str) for row in table.rows)
        for place in range(len(table.columns))
    ]
    # Names may be long and break anywhere; without this they would be broken everywhere.
    longest = max((len(str(row[0])) for row in table.rows), default=0)
    heading = tag("tr", *(
        tag("th", column.name, scope="col", class_="number" if is_number else None,
            style=None if place else f"min-width:{min(longest + 4, 32)}ch")
        for place, (column, is_number) in enumerate(zip(table.columns, numeric, strict=True))
    ))  # fmt: skip
    body = []
    for row in table.rows:
        cells = [
            _cell(cell, column, is_number, styles, first=not place)
            for place, (cell, column, is_number) in enumerate(
                zip(row, table.columns, numeric, strict=True)
            )
        ]
        body.append(tag("tr", *cells))
    drawn = tag("table", tag("thead", heading), tag("tbody", *body), class_="numbers")
    return tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=table.title)


def _cell(cell: Cell, column: Column, is_number: bool, styles: Styles, first: bool) -> Html:
    if cell is None:
        content = tag("span", "\N{EN DASH}", aria_label="none", role="img")
    elif isinstance(cell, str):
        content = join([styles.key(cell), cell] if first and cell in styles else [cell])
    else:
        content = join([number(cell, column.format)])
    kind = "number" if is_number else None
    return tag("th", content, scope="row") if first else tag("td", content, class_=kind)


def draw_heat(heat: Heat) -> Html:
    """Shades from the smallest value (palest) to the largest; values in the cells where these
    are few, else where the pointer rests. A missing value is an empty, crossed cell."""
    finite = [value for value in map(shown, chain.from_iterable(heat.values)) if value is not None]
    if not finite:
        return nothing_note()
    low, high = min(finite), max(finite)
    cells = [
        _shade(heat, row, column, low, high)
        for row in range(len(heat.rows))
        for column in range(len(heat.columns))
    ]
    ends = f"{number(low, heat.format)} to {number(high, heat.format)}"
    by = f"{heat.row_label or 'row'} and {heat.column_label or 'column'}"
    spoken = f"{heat.title}. {heat.unit} by {by}, {ends}."
    room = 12 + 7 * min(18, max(len(name) for name in heat.rows))
    svg = tag("svg", *cells, *_names(heat, room), role="img", aria_label=spoken)
    height = max(140, min(28 * len(heat.rows), 360), 15 * len(heat.rows))  # a line for each name
    style = f"margin-left:{room}px;height:{height}px"
    return join([
        _shades_key(heat, low, high),
        y_name(heat.row_label),
        tag("div", svg, class_="plot heat", style=style),
        x_name(heat.column_label),
        missing_note(len(cells) - len(finite)),
    ])  # fmt: skip


def _shade(heat: Heat, row: int, column: int, low: float, high: float) -> Html:
    """A cell with its number or a title that says it."""
    wide, tall = 1 / len(heat.columns), 1 / len(heat.rows)
    value = shown(heat.values[row][column])
    says = "missing" if value is None else number(value, heat.format)
    share = 0.0 if value is None else (value - low) / (high - low) if high > low else 0.5
    rect = tag("rect", tag("title", f"{heat.rows[row]}, {heat.columns[column]}: {says}"),
               x=percent(column * wide), y=percent(row * tall), width=percent(wide),
               height=percent(tall), class_="missing" if value is None else None,
               fill_opacity=f"{0.06 + 0.94 * share:.3g}")  # fmt: skip
    if len(heat.columns) > NARROW:
        return rect
    # From here on paper has more contrast than ink, in light and in dark.
    text = tag("text", "\N{EN DASH}" if value is None else says, x=percent((column + 0.5) * wide),
               y=percent((row + 0.5) * tall), dy="0.35em", text_anchor="middle",
               class_="on-dark" if share > 0.58 else None)  # fmt: skip
    return join([rect, text])


def _names(heat: Heat, left: int) -> list[Html]:
    """Every row's name, in the room on the `left` (CSS pixels), and as many of the columns' as
    there is room for."""
    wide, tall = 1 / len(heat.columns), 1 / len(heat.rows)
    every_column = -(-len(heat.columns) // NARROW)
    # Characters on a telephone, on which a figure is 330 pixels wide.
    room = max(3, (330 - left) * every_column // (7 * len(heat.columns)))
    names = [
        tag(
            "text",
            _cut(name, 18),
            x="-6",
            y=percent((place + 0.5) * tall),
            dy="0.35em",
            text_anchor="end",
        )
        for place, name in enumerate(heat.rows)
    ]
    names += [
        tag(
            "text",
            _cut(name, room),
            x=percent((place + 0.5) * wide),
            y="100%",
            dy="16",
            text_anchor="middle",
        )
        for place, name in enumerate(heat.columns)
        if place % every_column == 0
    ]
    return [tag("g", *names, class_="axes")]


def _cut(name: str, length: int) -> str:
    """A name, or both its ends where there is no room for it; cells tell the whole."""
    ends = length - 1
    return name if len(name) <= length else f"{name[: ends // 2]}…{name[-(ends - ends // 2) :]}"


def _shades_key(heat: Heat, low: float, high: float) -> Html:
    shades = tag("span", class_="shades", aria_hidden="true")
    ends = (number(low, heat.format), number(high, heat.format))
    return tag("p", tag("span", heat.unit), " ", tag("span", ends[0]), shades, tag("span", ends[1]),
               class_="legend")  # fmt: skip

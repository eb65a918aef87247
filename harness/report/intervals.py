"""Values with their intervals, one under the other (a forest plot).

It is a table whose middle column is drawn, so that it can be read aloud and its labels wrap; on
a narrow page the drawing moves beneath the label and the number (page.css).
"""

from __future__ import annotations

from itertools import chain, groupby

from harness.report.axes import (
    Scale,
    legend_entry,
    missing_note,
    reference_dashes,
    reference_entries,
    scale,
    y_name,
)
from harness.report.blocks import Intervals, Row
from harness.report.markup import Html, is_interval, join, number, percent, shown, tag, telling
from harness.report.styles import Styles

NO_INTERVAL = "No interval: there is a single value, or all values are the same."


def draw_intervals(figure: Intervals, styles: Styles) -> Html:
    """A forest plot. Rows without a finite value stay, as not measured."""
    band = (figure.band.low, figure.band.high) if figure.band else ()
    levels = (reference.value for reference in figure.references)
    values = chain.from_iterable((row.value, row.low, row.high) for row in figure.rows)
    x = scale(chain(values, levels, band), margin=0.04)
    drawable = any(shown(row.value) is not None for row in figure.rows)
    behind = _behind(figure, x) if drawable else Html("")
    body = []
    for group, rows in groupby(figure.rows, lambda row: row.group):
        if group:
            heading = tag("th", group, scope="rowgroup", role="rowheader", class_="group")
            body.append(tag("tr", heading, role="row"))
        body += [_row(row, x, behind, figure.format, styles) for row in rows]
    if drawable:
        axis = tag("td", _ticks(x), class_="drawn axis")
        body.append(tag("tr", tag("td"), axis, tag("td"), role="row", aria_hidden="true"))
    table = tag(
        "table",
        tag("caption", f"{figure.title}: {figure.x_label}", class_="spoken"),
        tag("thead", _heading(figure.x_label), role="rowgroup"),
        tag("tbody", *body, role="rowgroup"),
        class_="forest",
        role="table",
    )
    missing = sum(shown(row.value) is None for row in figure.rows)
    without = any(shown(row.value) is not None and not has_interval(row) for row in figure.rows)
    note = tag("p", NO_INTERVAL, class_="note") if without else Html("")
    return join([_legend(figure), y_name(figure.x_label), table, note, missing_note(missing)])


def _heading(label: str) -> Html:
    cells = [
        tag("th", tag("span", text, class_="spoken"), scope="col", role="columnheader")
        for text in ("what", "drawing", label)
    ]
    return tag("tr", *cells, role="row", class_="spoken")


def _row(row: Row, x: Scale, behind: Html, form: str, styles: Styles) -> Html:
    name = row.series or row.label
    label = tag("th", styles.key(name), tag("span", row.label), scope="row", role="rowheader")
    return tag("tr", label, tag("td", _drawn(row, x, behind, styles, form), role="cell",
               class_="drawn", aria_hidden="true"),
               tag("td", written(row, form), role="cell", class_="number"), role="row")  # fmt: skip


def _drawn(row: Row, x: Scale, behind: Html, styles: Styles, form: str) -> Html:
    """Mark and interval over what lies behind all rows. An end that is infinite is at the edge."""
    look, value = styles[row.series or row.label], shown(row.value)
    if value is None:
        return tag("svg", behind)
    drawn = [tag("title", f"{row.label}: {written(row, form)}")]
    if has_interval(row):
        low, high = (_at(end, x) for end in (row.low, row.high))
        drawn.append(tag("line", class_="interval", x1=low, x2=high, y1="50%", y2="50%"))
    drawn.append(tag("use", href=f"#{look.shape}", x=percent(x.place(value)), y="50%"))
    return tag("svg", behind, tag("g", *drawn, class_=look.colour))


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


def _at(end: float | None, x: Scale) -> str:
    assert end is not None
    return percent(min(1.0, max(0.0, x.place(end))))


def _behind(figure: Intervals, x: Scale) -> Html:
    """Shaded band, grid and reference lines, the same in every row."""
    drawn = []
    if figure.band:
        low, high = x.place(figure.band.low), x.place(figure.band.high)
        drawn.append(tag("rect", class_="band", x=percent(low), width=percent(high - low),
                         y="0", height="100%"))  # fmt: skip
    lines = [_upright(x.place(value)) for value, _ in x.ticks()]
    drawn.append(tag("g", *lines, class_="grid"))
    for place, reference in enumerate(figure.references):
        drawn.append(tag("g", _upright(x.place(reference.value)), class_="reference",
                         stroke_dasharray=reference_dashes(place)))  # fmt: skip
    return join(drawn)


def _upright(place: float) -> Html:
    return tag("line", x1=percent(place), x2=percent(place), y1="0", y2="100%")


def _ticks(x: Scale) -> Html:
    texts = [
        tag("text", text, x=percent(x.place(value)), y="14", text_anchor="middle")
        for value, text in x.ticks()
    ]
    return tag("svg", *texts, class_="axes")


def _legend(figure: Intervals) -> Html:
    entries = reference_entries(figure.references, figure.format)
    if figure.band:
        swatch = tag("svg", tag("rect", class_="band", width=30, height=14), class_="key",
                     width=30, height=14, aria_hidden="true")  # fmt: skip
        ends = (number(end, figure.format) for end in (figure.band.low, figure.band.high))
        entries.append(legend_entry(swatch, f"{figure.band.label} ({' to '.join(ends)})"))
    return tag("ul", *entries, class_="legend") if entries else Html("")

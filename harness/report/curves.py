"""Lines and points over two axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from harness.report.axes import (
    GRID,
    Scale,
    across,
    legend,
    missing_note,
    nothing_note,
    plot,
    reference_entries,
    scale,
)
from harness.report.blocks import Curves, Scatter, Series, Value, Values
from harness.report.markup import Html, is_interval, join, number, percent, shown, tag
from harness.report.styles import Styles

MARKED = 12
"""A line of at most so many points has a mark at each, a longer one at about so many."""
POINTED = 60
"""The other points of a line of at most so many get their mark where the pointer rests."""


def draw_curves(curves: Curves, styles: Styles) -> Html:
    """A figure of lines. Raises ValueError where log_x meets an x that is not positive."""
    if not any(_finite_points(series) for series in curves.series):
        return nothing_note()
    x = scale(chain.from_iterable(_all_x(s) for s in curves.series), curves.log_x, margin=0.015)
    ends = chain(curves.y_range or (), (reference.value for reference in curves.references))
    y = scale(chain(chain.from_iterable(_all_y(s) for s in curves.series), ends))
    behind = [_behind(series, x, y, styles) for series in curves.series]
    front = [_front(series, x, y, styles) for series in curves.series]
    drawn = [tag("g", *behind, *front, across(curves.references, y), class_="data")]
    spoken = f"{curves.title}. {curves.y_label} over {curves.x_label}. " + " ".join(
        _spoken(series) for series in curves.series
    )
    names = [series.name for series in curves.series]
    missing = sum(_missing(series) for series in curves.series)
    return join([
        legend(names, styles, *reference_entries(curves.references), line=True),
        plot(join(drawn), x, y, (curves.x_label, curves.y_label), spoken),
        missing_note(missing),
    ])  # fmt: skip


def draw_scatter(scatter: Scatter, styles: Styles) -> Html:
    """A figure of points. Raises ValueError where log_x meets an x that is not positive."""
    if not _finite((point.x, point.y) for point in scatter.points):
        return nothing_note()
    x = scale((point.x for point in scatter.points), scatter.log_x)
    levels = (reference.value for reference in scatter.references)
    y = scale(chain((point.y for point in scatter.points), levels))
    marks = []
    for point in scatter.points:
        at_x, at_y = shown(point.x), shown(point.y)
        if at_x is not None and at_y is not None:
            says = f"{point.label or point.series}: {number(at_x)}, {number(at_y)}"
            marks.append(_mark(point.series, x.place(at_x), y.place(at_y), says, styles))
    drawn = tag("g", across(scatter.references, y), *marks, class_="data")
    spoken = f"{scatter.title}. {scatter.y_label} against {scatter.x_label}, {len(marks)} points."
    names = [point.series for point in scatter.points]
    return join([
        legend(names, styles, *reference_entries(scatter.references)),
        plot(drawn, x, y, (scatter.x_label, scatter.y_label), spoken),
        missing_note(len(scatter.points) - len(marks)),
    ])  # fmt: skip


def outline(xs: Values, ys: Values, x: Scale, y: Scale) -> str:
    """SVG path through points in the inner drawing. A gap is left where a value is missing, a
    point between gaps becomes a dot, and points that fall on the one before are left out."""
    return "".join(map(_path, _pieces(xs, ys, x, y)))


def _path(places: list[tuple[int, int]]) -> str:
    """A path through places; a single one is a dot. Steps from place to place are shorter to
    write than places: `M15 972l5-3 5 2`."""
    steps = [f"{x1 - x0} {y1 - y0}" for (x0, y0), (x1, y1) in pairwise(places)]
    return f"M{places[0][0]} {places[0][1]}" + (
        "l" + " ".join(steps).replace(" -", "-") if steps else "h0"
    )


def ribbon(series: Series, x: Scale, y: Scale) -> str:
    """SVG path around the interval of a series, in the inner drawing; gaps as in `outline`."""
    low, high = series.low or (), series.high or ()
    both = [shown(a) is not None and shown(b) is not None for a, b in zip(low, high, strict=True)]
    lows = [value if there else None for value, there in zip(low, both, strict=True)]
    highs = [value if there else None for value, there in zip(high, both, strict=True)]
    found = []
    for below, above in zip(
        _pieces(series.x, lows, x, y), _pieces(series.x, highs, x, y), strict=True
    ):
        found.append(_path([*below, *reversed(above)]) + "Z")
    return "".join(found)


def _pieces(xs: Values, ys: Values, x: Scale, y: Scale) -> Iterator[list[tuple[int, int]]]:
    """Unbroken stretches of a line as places in the inner drawing."""
    piece: list[tuple[int, int]] = []
    for at_x, at_y in zip(map(shown, xs), map(shown, ys), strict=True):
        if at_x is None or at_y is None:
            if piece:
                yield piece
            piece = []
            continue
        place = round(GRID * x.place(at_x)), round(GRID * (1 - y.place(at_y)))
        if not piece or place != piece[-1]:
            piece.append(place)
    if piece:
        yield piece


def _behind(series: Series, x: Scale, y: Scale, styles: Styles) -> Html:
    """The interval and the thin lines of a series."""
    drawn = [
        tag("path", class_="thin", d=outline(thin_x, thin_y, x, y))
        for thin_x, thin_y in series.thin
    ]
    if series.low is not None:
        drawn.insert(0, tag("path", class_="ribbon", d=ribbon(series, x, y)))
    return _stretched(drawn, styles[series.name].colour) if drawn else Html("")


def _front(series: Series, x: Scale, y: Scale, styles: Styles) -> Html:
    """The line of a series and, if they are few, its points with what they say."""
    look = styles[series.name]
    title = tag("title", _spoken(series))
    line = tag("path", title, class_="line", d=outline(series.x, series.y, x, y),
               stroke_dasharray=look.dashes or None)  # fmt: skip
    every = 1 if len(series.x) <= MARKED else -(-len(series.x) // (MARKED - 2))
    drawn = [_stretched([line], look.colour)]
    for place, point in enumerate(zip(series.x, series.y, strict=True)):
        at_x, at_y = map(shown, point)
        if at_x is None or at_y is None or (place % every and len(series.x) > POINTED):
            continue
        says = f"{series.name} at {number(at_x)}: {number(at_y)}{_interval(series, place)}"
        quiet = bool(place % every)
        drawn.append(_mark(series.name, x.place(at_x), y.place(at_y), says, styles, quiet))
    return join(drawn)


def _mark(name: str, x: float, y: float, says: str, styles: Styles, quiet: bool = False) -> Html:
    """A mark with what it says where the pointer rests; unseen before that if `quiet`."""
    look = styles[name]
    kind = f"{look.colour} quiet" if quiet else look.colour
    return tag("use", tag("title", says), href=f"#{look.shape}", class_=kind,
               x=percent(x), y=percent(1 - y))  # fmt: skip


def _stretched(drawn: list[Html], colour: str) -> Html:
    return tag("svg", *drawn, class_=colour, viewBox=f"0 0 {GRID} {GRID}", width="100%",
               height="100%", preserveAspectRatio="none")  # fmt: skip


def _interval(series: Series, place: int) -> str:
    if series.low is None or series.high is None:
        return ""
    low, high = shown(series.low[place]), shown(series.high[place])
    if low is None or high is None or not is_interval(low, high):
        return ""
    return f" ({number(low)} to {number(high)})"


def _spoken(series: Series) -> str:
    """A line in words."""
    there = _finite(zip(series.x, series.y, strict=True))
    if not there:
        return f"{series.name}: no values."
    (x0, y0), (x1, y1) = there[0], there[-1]
    return (
        f"{series.name}: {number(y0, '.4g')} at {number(x0, ',.6g')}"
        f" to {number(y1, '.4g')} at {number(x1, ',.6g')}."
    )


def _finite(points: Iterable[tuple[Value, Value]]) -> list[tuple[float, float]]:
    both = ((shown(x), shown(y)) for x, y in points)
    return [(x, y) for x, y in both if x is not None and y is not None]


def _finite_points(series: Series) -> int:
    """Points of a series and its thin lines that can be drawn (count)."""
    lines = [(series.x, series.y), *series.thin]
    return sum(len(_finite(zip(x, y, strict=True))) for x, y in lines)


def _missing(series: Series) -> int:
    points = len(series.x) + sum(len(x) for x, _ in series.thin)
    return points - _finite_points(series)


def _all_x(series: Series) -> Iterator[Value]:
    return chain(series.x, *(x for x, _ in series.thin))


def _all_y(series: Series) -> Iterator[Value]:
    return chain(series.y, series.low or (), series.high or (), *(y for _, y in series.thin))

"""Lines over two axes, drawn by matplotlib once for a wide and once for a narrow place.

The page shows the drawing that fits (page.css), so writing is as large on a telephone as on a wide
screen. Colours, widths and marks are the page's own: a drawing follows light and dark paper, and
a legend cannot differ from its figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from harness.report.blocks import Curves, Series, Values
from harness.report.markup import Html, compact, is_interval, number, render, shown
from harness.report.styles import Styles

if TYPE_CHECKING:  # matplotlib takes half a second to import: only what draws pays for it
    from matplotlib.axes import Axes

WIDTHS: Final = {"wide": 640, "narrow": 370}
HEIGHT: Final = 280
"""CSS pixels, as all lengths here."""
MARKED: Final = 12
"""A line of at most so many points has a mark at each, a longer one at about so many."""
POINTED: Final = 60
"""The other points of a line of at most so many get their mark where the pointer rests."""
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text
    "lines.scale_dashes": False,
    "path.simplify_threshold": 0.25,
}

Numbers = npt.NDArray[np.float64]


def draw_curves(curves: Curves, styles: Styles) -> Html:
    """A figure of lines. Raises ValueError where log_x meets an x that is not positive."""
    lines = [line for series in curves.series for line in _lines(series)]
    if curves.log_x and any((x <= 0).any() for x, _ in lines):
        raise ValueError(f"{curves.title}: a logarithmic axis has no place for x that is 0 or less")
    drawable = sum(int(np.isfinite(x + y).sum()) for x, y in lines)
    spoken = " ".join(
        [f"{curves.title}. {curves.y_label} over {curves.x_label}.", *map(_spoken, curves.series)]
    )
    return render(
        "curves",
        curves=curves,
        styles=styles,
        spoken=spoken,
        drawings=_drawings(curves, styles) if drawable else [],
        missing=sum(len(x) for x, _ in lines) - drawable,
    )


def _drawings(curves: Curves, styles: Styles) -> list[Html]:
    import matplotlib
    from matplotlib.figure import Figure

    drawings = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not those of the user's own matplotlibrc
        matplotlib.rcParams.update(_SETTINGS)
        figure = Figure(dpi=72)
        figure.patch.set_visible(False)
        axes = figure.subplots()
        for place, series in enumerate(curves.series):
            _plot(axes, series, place, styles)
        _set_axes(axes, curves, styles)
        left = 14 + 7 * max(len(compact(value)) for value in axes.get_yticks())
        for name, width in WIDTHS.items():
            figure.set_size_inches(width / 72, HEIGHT / 72)
            axes.set_position((left / width, 24 / HEIGHT, 1 - (left + 16) / width, 1 - 32 / HEIGHT))
            svg = StringIO()
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
            root = _cleaned(svg.getvalue(), curves)
            root.attrib = {"class": name, "viewBox": f"0 0 {width} {HEIGHT}", "aria-hidden": "true"}
            root.extend(mark for series in curves.series for mark in _marks(axes, series, styles))
            drawings.append(Html(ElementTree.tostring(root, encoding="unicode")))
    return drawings


def _plot(axes: Axes, series: Series, place: int, styles: Styles) -> None:
    """The interval, the thin lines and the line of a series. What is drawn carries its place among
    the series and the classes that give it colour and width on the page."""
    style = styles[series.name]
    (x, y), *thin = _lines(series)
    if series.low is not None and series.high is not None:
        low, high = _numbers(series.low), _numbers(series.high)
        axes.fill_between(x, low, high, linewidth=0, gid=f" ribbon {style.colour}")
    for thin_x, thin_y in thin:
        axes.plot(thin_x, thin_y, gid=f" thin {style.colour}")
    dashes = _dashes(style.dashes)
    axes.plot(x, y, zorder=3, linestyle=dashes, gid=f"{place} line {style.colour}")


def _dashes(pattern: str) -> Any:
    """Matplotlib's line style of an SVG dash pattern such as `7 4`."""
    return (0, tuple(map(float, pattern.split()))) if pattern else "-"


def _set_axes(axes: Axes, curves: Curves, styles: Styles) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    for place, line in enumerate(curves.references):
        dashes = _dashes(styles.reference_dashes(place))
        axes.axhline(line.value, zorder=4, linestyle=dashes, gid=f"{place} reference")
    axes.update_datalim([(1, end) for end in curves.y_range or ()], updatex=False)
    axes.margins(0.015, 0.03)
    if curves.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=6))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: compact(value))
    axes.tick_params(bottom=False, left=False, pad=6)
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.patch.set_visible(False)


def _cleaned(svg: str, curves: Curves) -> ElementTree.Element:
    """Matplotlib's drawing with classes instead of colours and without what a page has already.
    Lines say their name where the pointer rests."""
    root = ElementTree.fromstring(svg)
    for element in list(root.iter()):
        element.tag = element.tag.rpartition("}")[2]
        element.text, element.tail = (element.text or "").strip(), None
        for child in list(element):
            if child.tag.rpartition("}")[2] in ("defs", "metadata"):
                element.remove(child)
        place, _, classes = element.get("id", "").partition(" ")
        element.attrib = _kept_attributes(element)
        if classes and place:
            title = ElementTree.Element("title")
            is_line = classes.startswith("line")
            title.text = (_spoken(curves.series[int(place)]) if is_line
                          else curves.references[int(place)].label)  # fmt: skip
            element.insert(0, title)
    return root


def _kept_attributes(element: ElementTree.Element) -> dict[str, str]:
    """Places, paths, dashes, and what `_plot` and `_set_axes` gave as classes; grid lines are what
    has none."""
    kept = {key: f"{float(element.attrib[key]):.4g}" for key in "xy" if key in element.attrib}
    for key in ("text-anchor", "stroke-dasharray"):
        if value := re.search(rf"{key}: ([\w.,]+)", element.get("style", "")):
            kept[key] = value[1]
    if "d" in element.attrib:
        kept["d"] = _shorter(element.attrib["d"])
    identity, _, classes = element.get("id", "").partition(" ")
    if classes or identity.startswith("line2d"):
        kept["class"] = classes or "grid"
    return kept


def _shorter(path: str) -> str:
    """A path as steps from place to place in tenths of a pixel: a third of the bytes. A point
    between gaps becomes a dot."""
    pieces = []
    for piece in path.split("M")[1:]:
        places = np.array(re.findall(r"[-\d.]+", piece), np.float64).reshape(-1, 2).round(1)
        steps = " ".join(f"{x:g} {y:g}" for x, y in np.diff(places, axis=0).round(1) + 0.0)
        x, y = places[0]
        pieces.append(f"M{x:g} {y:g}{f'l{steps}' if steps else 'h0'}{'z' * ('z' in piece)}")
    return re.sub(r" -|\b0(?=\.)", lambda match: match[0].strip(" 0"), "".join(pieces))


def _marks(axes: Axes, series: Series, styles: Styles) -> Iterator[ElementTree.Element]:
    """Marks on the points of a series that say their values where the pointer rests."""
    style, length = styles[series.name], len(series.x)
    every = 1 if length <= MARKED else -(-length // (MARKED - 2))
    ((x, y), *_) = _lines(series)
    for place, (across, up) in enumerate(axes.transData.transform(np.column_stack([x, y]))):
        seen = place % every == 0
        if not np.isfinite(across + up) or not (seen or length <= POINTED):
            continue
        mark = ElementTree.Element("use", {
            "href": f"#{style.shape}", "x": f"{across:.4g}", "y": f"{HEIGHT - up:.4g}",
            "class": style.colour if seen else f"{style.colour} quiet",
        })  # fmt: skip
        title = ElementTree.SubElement(mark, "title")
        title.text = (f"{series.name} at {number(x[place])}: {number(y[place])}"
                      f"{_interval(series, place)}")  # fmt: skip
        yield mark


def _interval(series: Series, place: int) -> str:
    if series.low is None or series.high is None:
        return ""
    low, high = shown(series.low[place]), shown(series.high[place])
    if low is None or high is None or not is_interval(low, high):
        return ""
    return f" ({number(low)} to {number(high)})"


def _spoken(series: Series) -> str:
    """A line in words: its first and its last point."""
    ((x, y), *_) = _lines(series)
    there = np.flatnonzero(np.isfinite(x + y))
    if not len(there):
        return f"{series.name}: no values."
    ends = (f"{number(y[end], '.4g')} at {number(x[end], ',.6g')}" for end in there[[0, -1]])
    return f"{series.name}: {' to '.join(ends)}."


def _lines(series: Series) -> list[tuple[Numbers, Numbers]]:
    """x and y of a series and of its thin lines, float64 [points]; nan where a value is missing."""
    return [(_numbers(x), _numbers(y)) for x, y in ((series.x, series.y), *series.thin)]


def _numbers(values: Values) -> Numbers:
    numbers = np.array(values, np.float64)  # None becomes nan
    numbers[np.isinf(numbers)] = np.nan
    return numbers

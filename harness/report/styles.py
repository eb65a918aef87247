"""The style of each series: one name, one colour, one mark and one line everywhere on a page.

The project's networks have the same style in every report. The colour tells how a network reduces
(maximum warm, mean green, blur purple, one value blue). Mark and line tell networks of one colour
apart, so nothing depends on colour alone. Other names take the remaining styles in the order in
which they appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from harness.report.blocks import Curves, Intervals, Picture, Report, Verdict
from harness.report.markup import Html, tag

TRUTH: Final = "true position"
"""The name of the marker that others in a picture are compared with; it has its own style."""

COLOURS: Final = {
    "ink": ("#1d2430", "#e8ebf0"),
    "blue": ("#0b5fa5", "#63aef0"),
    "sky": ("#2e8fce", "#a5d6fb"),
    "vermilion": ("#c4420f", "#ff8552"),
    "amber": ("#c07d00", "#f5b02e"),
    "green": ("#00755a", "#2fc79b"),
    "leaf": ("#2f6b1c", "#c4f5b8"),
    "purple": ("#7a3597", "#c58be0"),
    "pink": ("#a93a9a", "#d85cc8"),
    "maroon": ("#8a1538", "#ef6f8c"),
    "brown": ("#86690f", "#cfae58"),
    "grey": ("#68707c", "#a9b1bc"),
    "teal": ("#157a86", "#5bcad6"),
}
"""On light paper, on dark paper."""

SHAPES: Final = {
    "circle": "M-4.2 0A4.2 4.2 0 1 1 4.2 0A4.2 4.2 0 1 1-4.2 0Z",
    "square": "M-3.8-3.8H3.8V3.8H-3.8Z",
    "triangle": "M0-4.8L4.8 3.7H-4.8Z",
    "diamond": "M0-5.4L5.4 0L0 5.4L-5.4 0Z",
    "down": "M0 4.8L4.8-3.7H-4.8Z",
    "cross": "M-1.6-4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z",
    "star": "M0-5.6L1.6-1.8L5.4-1.6L2.4.8L3.4 4.6L0 2.4L-3.4 4.6L-2.4.8L-5.4-1.6L-1.6-1.8Z",
    "hourglass": "M-4.4-4.6H4.4L-4.4 4.6H4.4Z",
    "ring": "M-9 0A9 9 0 1 1 9 0A9 9 0 1 1-9 0Z",
}
"""Marks around (0, 0), CSS pixels."""

SOLID, DASHED, DOTTED, MIXED = "", "7 4", "1 4", "9 3 1 3"


@dataclass(frozen=True)
class Style:
    """Colour (a key of COLOURS), mark (a key of SHAPES) and dashes (CSS pixels) of a series."""

    colour: str
    shape: str
    dashes: str = SOLID


KNOWN: Final = {
    "stride": Style("blue", "circle"),
    "dense_sub": Style("sky", "square", MIXED),
    "dense_stagger": Style("sky", "circle", DASHED),
    "dense_max": Style("vermilion", "square"),
    "dense_avg": Style("green", "square"),
    "dense_blur": Style("purple", "square"),
    "half_sub": Style("sky", "triangle", MIXED),
    "half_stagger": Style("sky", "diamond", DOTTED),
    "half_max": Style("amber", "triangle", DASHED),
    "half_avg": Style("leaf", "triangle", DASHED),
    "half_blur": Style("pink", "triangle", DASHED),
    "stride_gap": Style("brown", "diamond", DOTTED),
    "stride_gap64": Style("brown", "cross", DASHED),
    "stride_gmp": Style("maroon", "diamond", DOTTED),
    "stride_sort": Style("blue", "diamond", DOTTED),
    "narrow_sub": Style("sky", "hourglass", MIXED),
    "narrow_max": Style("vermilion", "hourglass", DOTTED),
    "narrow_avg": Style("green", "hourglass", DOTTED),
    "narrow_lowpass": Style("purple", "hourglass", DASHED),
    "imagenet": Style("grey", "cross", MIXED),
    TRUTH: Style("ink", "ring"),
}
_OTHER_COLOURS = ("teal", "ink", *(name for name in COLOURS if name not in ("teal", "ink")))
_OTHER_SHAPES = ("down", "star", "cross")
_OTHER_DASHES = (SOLID, DASHED, DOTTED, MIXED)


def other(place: int) -> Style:
    """The style of the place-th name that is not in KNOWN; the first 78 differ."""
    cycle, colour = divmod(place, len(_OTHER_COLOURS))
    shape = _OTHER_SHAPES[(place + cycle) % len(_OTHER_SHAPES)]
    return Style(_OTHER_COLOURS[colour], shape, _OTHER_DASHES[cycle % len(_OTHER_DASHES)])


class Styles(dict[str, Style]):
    """The styles of all names on a page."""

    def __init__(self, names: Iterable[str]) -> None:
        unknown = dict.fromkeys(name for name in names if name not in KNOWN)
        super().__init__(KNOWN | {name: other(place) for place, name in enumerate(unknown)})

    def reference_dashes(self, place: int) -> str:
        """Dashes of the place-th reference line of a figure."""
        return ("5 4", "2 3", "9 3 2 3")[place % 3]


def series_names(report: Report) -> Iterator[str]:
    """Names of all series of a report, in the order of the page."""
    blocks = (block for section in report.sections for block in section.blocks)
    for block in (report.figure, *blocks):
        figure = block.figure if isinstance(block, Verdict) else block
        match figure:
            case Curves():
                yield from (series.name for series in figure.series)
            case Intervals():
                yield from (row.series or row.label for row in figure.rows)
            case Picture():
                yield from (mark.label for frame in figure.frames for mark in frame.markers)
            case _:
                pass


def colour_rules() -> str:
    """CSS that sets --c, the colour of a series, by class and paper."""
    light = "".join(f".{name}{{--c:{pair[0]}}}" for name, pair in COLOURS.items())
    dark = "".join(f".{name}{{--c:{pair[1]}}}" for name, pair in COLOURS.items())
    return f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def shape_symbols() -> Html:
    """The marks, drawn once for the whole page."""
    paths = [tag("path", id=name, d=path) for name, path in SHAPES.items()]
    marks = tag("defs", *paths)
    return tag("svg", marks, width="0", height="0", aria_hidden="true", class_="shapes")

"""The parts of a report as plain data: pages are drawn from these and from nothing else.

Text is text: markup, names of classes and folders are shown as they are written. In figures a
value that is None or not finite is missing: the figure leaves it out and says how many are missing.
A series or row with a network's name has that network's colour, mark and line in every figure of
the page (harness/report/styles.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Value = float | None
"""A number, or None where there is none."""
Values = Sequence[Value]
Cell = str | float | None
Item = TypeVar("Item")
Columns = Sequence[tuple[str, str, Callable[[Item], Cell]]]
"""Headings, formats (as in Column), and what a cell says of the item of its row."""


@dataclass(frozen=True)
class Column:
    """Heading of a column, with its unit, and how its numbers are written."""

    name: str
    format: str = ""
    """Python's format specification, such as `,.2f`, `+.1f` or `.0%`; empty: up to six digits."""


@dataclass(frozen=True)
class Table:
    """Rows under columns. A cell that is None is drawn as a dash. The first cell of a row is its
    heading."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row of {len(row)} in {len(self.columns)}")

    @classmethod
    def of(cls, title: str, items: Iterable[Item], columns: Columns[Item], note: str = "") -> Table:
        """A row for each item."""
        headings = tuple(Column(name, form) for name, form, _ in columns)
        rows = tuple(tuple(cell(item) for _, _, cell in columns) for item in items)
        return cls(title, headings, rows, note)


@dataclass(frozen=True)
class Reference:
    """A value to compare with, drawn as a dashed line: chance, a human's score, no effect."""

    value: float
    label: str


@dataclass(frozen=True)
class Band:
    """Values from `low` to `high`, shaded: effects that would be too small to matter."""

    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Series:
    """A line: y over x, with the interval from `low` to `high` around it."""

    name: str
    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    """Ends of the interval at each x; both or neither, None where there is none."""
    thin: tuple[tuple[Values, Values], ...] = ()
    """Individual lines behind it, an (x, y) for each: the seeds."""

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.name}: an interval has two ends")
        together = [self.y, *(end for end in (self.low, self.high) if end is not None)]
        if any(len(values) != len(self.x) for values in together):
            raise ValueError(f"{self.name}: x and y differ in length")
        if any(len(x) != len(y) for x, y in self.thin):
            raise ValueError(f"{self.name}: a thin line's x and y differ in length")


@dataclass(frozen=True)
class Curves:
    """Lines over one x axis. Profiles and distribution functions are curves too."""

    title: str
    x_label: str
    y_label: str
    """Axis labels say the unit."""
    series: tuple[Series, ...]
    log_x: bool = False
    """All x are positive then."""
    y_range: tuple[float, float] | None = None
    """Values that the y axis reaches at least, such as 0 and 1 for a share."""
    references: tuple[Reference, ...] = ()
    """Values of y."""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A value and its interval; `low` and `high` are None where one seed allows none."""

    label: str
    value: Value
    low: Value = None
    high: Value = None
    group: str = ""
    """Rows that follow each other and share it stand under it as their heading."""
    series: str = ""
    """Whose colour and mark it has; empty: the label's."""


@dataclass(frozen=True)
class Intervals:
    """Values with intervals, one under the other (a forest plot)."""

    title: str
    x_label: str
    """The value, its unit and what the interval is, such as `points, 95% interval`."""
    rows: tuple[Row, ...]
    references: tuple[Reference, ...] = ()
    band: Band | None = None
    """Effects too small to matter."""
    format: str = ".2f"
    """How the numbers beside the marks are written (Python's format specification)."""
    note: str = ""


@dataclass(frozen=True)
class Heat:
    """A small table of numbers as shades, such as an error by place on the screen. Columns lie
    along an axis and are few: bring a larger map into bins first."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[Values, ...]
    """A sequence for each row, a value for each column."""
    unit: str
    """What the shades mean, with its unit."""
    column_label: str = ""
    format: str = ".2g"
    note: str = ""

    def __post_init__(self) -> None:
        if [len(row) for row in self.values] != [len(self.columns)] * len(self.rows):
            raise ValueError(f"{self.title}: {len(self.rows)} rows of {len(self.columns)} values")


@dataclass(frozen=True)
class Marker:
    """A place in a picture; (0, 0) is the middle of the top left pixel."""

    x: Value
    """Pixels to the right."""
    y: Value
    """Pixels down."""
    label: str
    """Whose place it is: a network's name, or `styles.TRUTH`. Gives colour and mark."""


@dataclass(frozen=True)
class Frame:
    """A picture of a screen."""

    pixels: npt.NDArray[np.uint8]
    """uint8 [H, W, 3], red green blue."""
    caption: str = ""
    markers: tuple[Marker, ...] = ()

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"pixels are uint8 [H, W, 3], not {self.pixels.dtype} {list(shape)}")


@dataclass(frozen=True)
class Picture:
    """Screens beside each other, every pixel sharp."""

    title: str
    frames: tuple[Frame, ...]
    scale: float = 2.0
    """Width of a pixel on the page (CSS pixels); less where the page is too narrow."""
    note: str = ""


Figure = Table | Curves | Intervals | Heat | Picture
"""A block with a title and a number."""

Outcome = Literal["supported", "refuted", "undetermined"]


@dataclass(frozen=True)
class Verdict:
    """The answer that the measurements give to a claim, and the rule that decided."""

    claim_id: str
    """Short and its own on the page, such as C1."""
    claim: str
    verdict: Outcome
    answer: str
    """One sentence."""
    rule: str
    """As it was written down before measuring."""
    figure: Figure | None = None
    effect: str = ""
    """What was measured, with its interval, for the line of this claim at the top of the page."""
    matters: str = ""
    """The smallest effect that matters, for the same line."""
    word: str = ""
    """What stands in place of the verdict, which then is only how it is drawn."""


Block = str | Figure | Verdict
"""Of a section; text is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A part of the report, in the list of contents; only its title is seen until it is opened."""

    title: str
    lead: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole page."""

    title: str
    answer: str
    """The result in a few sentences, before anything else."""
    sections: tuple[Section, ...]
    made: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    """How it was made: machine, versions, date, command."""
    figure: Figure | None = None
    """What shows the answer, right beneath it."""

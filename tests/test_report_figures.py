"""Figures of the report: axes, lines, shades, pictures, and numbers as they are written."""

from __future__ import annotations

import math
import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.axes import GRID, Scale, compact, linear_ticks, scale
from harness.report.blocks import (
    Column,
    Curves,
    Frame,
    Heat,
    Intervals,
    Marker,
    Picture,
    Row,
    Series,
    Table,
)
from harness.report.curves import draw_curves, outline, ribbon
from harness.report.intervals import draw_intervals, written
from harness.report.markup import number
from harness.report.pictures import draw_picture, png
from harness.report.styles import TRUTH, Styles
from harness.report.tables import draw_heat

VALUES = st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf))
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1687206, "", "1,687,206"),
        (0.123456789, "", "0.123457"),
        (-1.5, ".2f", f"{MINUS}1.50"),
        (-0.001, ".1f", "0.0"),
        (-0.0, "", "0"),
        (math.nan, ".2f", "nan"),
        (-math.inf, "", f"{MINUS}∞"),
        (1e-7, "", f"1e{MINUS}07"),
        (0.256, ".0%", "26%"),
        (3, "+.1f", "+3.0"),
        (1234, ",d", "1,234"),
    ],
)
def test_numbers_are_written_as_people_do(value: float, form: str, text: str) -> None:
    assert number(value, form) == text


def test_large_numbers_are_short() -> None:
    assert [compact(v) for v in (5, 400_000, 2_500_000, -12_000, 0.25)] == [
        "5", "400k", "2.5M", f"{MINUS}12k", "0.25"]  # fmt: skip


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
def test_ticks_are_the_finest_round_values_that_are_few(low: float, span: float) -> None:
    high = low + span
    for step in (m * 10.0**k for k in range(-6, 7) for m in (1, 2, 5)):  # finest first
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first + 1 <= 6:
            break
    expected = [place * step for place in range(first, last + 1)]
    ticks = linear_ticks(low, high)
    assert [value for value, _ in ticks] == pytest.approx(expected)
    assert len({text for _, text in ticks}) == len(ticks) >= 2


def test_ticks_of_a_logarithmic_axis() -> None:
    thousands = Scale(100, 10_000, log=True).ticks()
    assert [text for _, text in thousands] == ["100", "300", "1k", "3k", "10k"]
    assert [text for _, text in Scale(1, 10, log=True).ticks()] == ["1", "2", "5", "10"]
    within = Scale(2.1, 4.5, log=True).ticks()
    assert [text for _, text in within] == ["2.5", "3.0", "3.5", "4.0", "4.5"]
    assert 2 <= len(Scale(1e-9, 1e9, log=True).ticks()) <= 6


def test_places_on_axes() -> None:
    assert Scale(10, 1000, log=True).place(100) == pytest.approx(0.5)
    assert Scale(-1, 3).place(0) == 0.25
    with pytest.raises(ValueError, match="no place on a logarithmic axis"):
        scale([1, 0, 5], log=True)


@given(st.lists(VALUES, max_size=8), st.booleans())
def test_axes_hold_every_finite_value(values: list[float | None], log: bool) -> None:
    finite = [v for v in values if v is not None and math.isfinite(v) and (v > 1e-9 or not log)]
    axis = scale([*finite, None, math.nan, math.inf], log)
    assert axis.low < axis.high
    assert all(0 <= axis.place(value) <= 1 for value in finite)
    assert axis.ticks()


@given(st.lists(st.tuples(VALUES, VALUES), max_size=12))
def test_lines_break_where_values_are_missing(points: list[tuple[float, float]]) -> None:
    grid = Scale(-1e6, 1e6)
    path = outline([x for x, _ in points], [y for _, y in points], grid, grid)
    # The twin goes point by point and looks back only at the point before.
    stretches: list[list[tuple[int, int]]] = []
    before = False
    for x, y in points:
        there = None not in (x, y) and math.isfinite(x) and math.isfinite(y)
        if there:
            place = round(GRID * grid.place(x)), round(GRID * (1 - grid.place(y)))
            if not before:
                stretches.append([place])
            elif stretches[-1][-1] != place:
                stretches[-1].append(place)
        before = there
    assert walked(path) == stretches


def walked(path: str) -> list[list[tuple[int, int]]]:
    """The places that a path goes through, a list for each M."""
    found = []
    for start, steps in re.findall(r"M(\d+ \d+)(?:h0|l([^MZ]*))", path):
        x, y = map(int, start.split())
        found.append([(x, y)])
        numbers = [int(text) for text in re.findall(r"-?\d+", steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            found[-1].append((x, y))
    return found


def test_a_ribbon_runs_along_one_end_and_back_along_the_other() -> None:
    grid = Scale(0, GRID)
    series = Series("a", (0, 1, 2, 3, 4), (5,) * 5, (1, 2, None, 3, 4), (9, 8, 7, math.inf, 6))
    path = ribbon(series, grid, grid)
    assert path == "M0 999l1-1 0-6-1-1ZM4 996l0-2Z"
    assert walked(path) == [[(0, 999), (1, 998), (1, 992), (0, 991)], [(4, 996), (4, 994)]]


def test_a_figure_says_what_it_could_not_draw() -> None:
    series = Series("a", (1, 2, None), (1, math.nan, 3), thin=(((1, 2), (None, 2)),))
    assert "3 values are missing" in draw_curves(Curves("t", "x", "y", (series,)), Styles("a"))
    nothing = Curves("t", "x", "y", (Series("a", (1,), (None,)),))
    assert "no values to draw" in draw_curves(nothing, Styles("a"))


def test_long_lines_have_few_marks() -> None:
    lines = [Series("a", range(n), range(n)) for n in (12, 60, 61)]
    drawn = [draw_curves(Curves("t", "x", "y", (line,)), Styles("a")) for line in lines]
    marks = [len(re.findall('class="teal" [^>]*><title>a at', svg)) for svg in drawn]
    quiet = [svg.count('class="teal quiet"') for svg in drawn]
    assert (marks, quiet) == ([12, 10, 9], [0, 50, 0])


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (84, 84)])
def test_a_png_has_the_pixels_it_was_given(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(*shape, 3)).astype(np.uint8)
    decoded = cv2.imdecode(np.frombuffer(png(pixels), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[:, :, ::-1], pixels)


def test_marks_lie_on_the_middle_of_their_pixels() -> None:
    frame = Frame(np.zeros((10, 20, 3), np.uint8), "", (Marker(0, 0, "a"), Marker(19, 4.5, TRUTH)))
    svg = draw_picture(Picture("t", (frame,)), Styles(["a"]))
    places = re.findall(r'x="([\d.]+)%" y="([\d.]+)%"', svg)
    assert places == [("2.5", "5"), ("97.5", "50")]
    assert "true position at 19, 4." in svg


def test_shades_grow_with_the_values() -> None:
    values = ((1.0, 5.0), (None, 3.0))
    svg = draw_heat(Heat("t", ("a", "b"), ("c", "d"), values, "pixels"))
    assert re.findall('fill-opacity="([^"]*)"', svg) == ["0.06", "1", "0.06", "0.53"]
    assert svg.count('class="missing"') == 1


@pytest.mark.parametrize("count", [1, 15, 24, 32])
def test_every_row_of_a_heat_map_has_its_name(count: int) -> None:
    names = tuple(f"my_networks:Network{place}" for place in range(count))
    svg = draw_heat(Heat("t", names, ("a",), ((1.0,),) * count, "pixels"))
    shown = re.findall('text-anchor="end">([^<]*)<', svg)
    assert len(set(shown)) == len(shown) == count
    assert int(re.findall(r"height:(\d+)px", svg)[0]) >= 15 * count


def test_equal_values_are_no_interval() -> None:
    rows = Row("one", 1.0), Row("same", 0.0, 0.0, 0.0)
    drawn = draw_intervals(Intervals("t", "points", rows), Styles(["one", "same"]))
    assert "No interval: there is a single value, or all values are the same." in drawn
    spread = Intervals("t", "x", (Row("a", 2, 1, 3),))
    assert "No interval" not in draw_intervals(spread, Styles("a"))
    line = Series("a", (1, 2), (0, 1), (0, 0.5), (0, 1.5))
    drawn = draw_curves(Curves("t", "x", "y", (line,)), Styles("a"))
    assert "a at 1: 0<" in drawn
    assert "a at 2: 1 (0.5 to 1.5)<" in drawn


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Row("a", 0.921, 0.81, 1.03), "0.92 (0.81 to 1.03)"),
        (Row("a", -1, -math.inf, 1), f"{MINUS}1.00 ({MINUS}∞ to 1.00)"),
        (Row("a", 2), "2.00 (no interval)"), (Row("a", 2, 1, math.nan), "2.00 (no interval)"),
        (Row("a", 0.0, 0.0, 0.0), "0.00 (no interval)"),
        (Row("a", 0.3, 0.3, 0.3 + 1e-16), "0.30 (no interval)"),
        (Row("a", 0.9975, 0.996, 0.999), "0.998 (0.996 to 0.999)"),
        (Row("a", 2e-4, 1e-4, 3e-4), "0.0002 (0.0001 to 0.0003)"),
        (Row("a", None, 1, 2), "not measured"), (Row("a", math.nan), "not measured"),
    ],
)  # fmt: skip
def test_intervals_in_words(row: Row, text: str) -> None:
    assert written(row, ".2f") == text


def test_blocks_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="two ends"):
        Series("a", (1,), (1,), low=(0,))
    with pytest.raises(ValueError, match="differ in length"):
        Series("a", (1,), (1,), low=(0,), high=(1, 2))
    with pytest.raises(ValueError, match="differ in length"):
        Series("a", (1,), (1,), thin=(((1,), ()),))
    with pytest.raises(ValueError, match="a row of 1 in 2"):
        Table("t", (Column("a"), Column("b")), (("x",),))
    with pytest.raises(ValueError, match="1,024"):
        Heat("t", ("a",) * 33, ("b",) * 32, ((0.0,) * 32,) * 33, "u")
    with pytest.raises(ValueError, match="every row needs"):
        Heat("t", ("a",), ("b", "c"), ((1.0,),), "u")
    with pytest.raises(ValueError, match="uint8"):
        Frame(np.zeros((2, 2), np.uint8))

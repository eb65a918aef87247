"""Figures of the report: lines, intervals, shades, pictures, and numbers as they are written."""

from __future__ import annotations

import math
import re
from typing import Any

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.blocks import (
    Column,
    Curves,
    Frame,
    Heat,
    Intervals,
    Marker,
    Picture,
    Reference,
    Row,
    Series,
    Table,
)
from harness.report.curves import draw_curves
from harness.report.figures import Axis, axis, draw_heat, draw_intervals, draw_picture, png, written
from harness.report.markup import compact, number
from harness.report.styles import TRUTH, Styles

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


@given(st.lists(VALUES, max_size=8))
def test_axes_hold_every_finite_value(values: list[float | None]) -> None:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    held = axis([*finite, None, math.nan, math.inf])
    assert held.low < held.high
    assert all(held.low <= value <= held.high for value in finite)
    assert 2 <= len({label for _, label in held.ticks()}) == len(held.ticks()) <= 6


def test_places_on_axes() -> None:
    held = Axis(-1, 3)
    assert [held.place(value) for value in (0, 5, -math.inf)] == [0.25, 1, 0]
    assert held.ticks() == [(0, f"{MINUS}1"), (0.25, "0"), (0.5, "1"), (0.75, "2"), (1, "3")]


def drawn(*series: Series, log_x: bool = False, **more: Any) -> str:
    names = [line.name for line in series]
    return draw_curves(Curves("t", "x", "y", series, log_x, **more), Styles(names))


def paths(svg: str, kind: str) -> list[str]:
    """The paths of a class in the first of the two drawings."""
    wide = svg[svg.index('class="wide"') : svg.index('class="narrow"')]
    groups = re.findall(rf'<g class="{kind}(?: \w+)?">(.*?)</g>', wide)
    return ["".join(re.findall(' d="([^"]+)"', group)) for group in groups]


def test_lines_break_where_values_are_missing() -> None:
    gaps = Series("a", range(7), (1, None, 2, math.nan, 3, 5, math.inf))
    (line,) = paths(drawn(gaps), "line")
    assert [piece[-2:] == "h0" for piece in line.split("M")[1:]] == [True, True, False]


def test_an_interval_breaks_where_an_end_is_missing() -> None:
    series = Series("a", range(5), (5,) * 5, (1, 2, None, 3, 4), (9, 8, 7, math.inf, 6))
    (ribbon,) = paths(drawn(series), "ribbon")
    assert ribbon.count("M") == 2
    assert not paths(drawn(Series("a", (1, 2), (1, 2))), "ribbon")


def test_points_lie_where_their_axis_says() -> None:
    """Marks and lines beside grid lines, which matplotlib places."""
    svg = drawn(Series("a", (0, 10, 20), (0, 2, 1)))
    grid = [places(path)[0] for path in paths(svg, "grid")]
    upright, level = [x for x, _ in grid[:5]], [y for _, y in grid[5:]]
    expected = [(upright[0], level[0]), (upright[2], level[4]), (upright[4], level[2])]
    _, *marks = re.findall('<use href="#down" x="([\\d.]+)" y="([\\d.]+)"', svg)
    marked = [(float(x), float(y)) for x, y in marks[:3]]
    np.testing.assert_allclose(marked, expected, atol=0.1)
    np.testing.assert_allclose(places(paths(svg, "line")[0]), expected, atol=0.1)


def places(path: str) -> list[tuple[float, float]]:
    """Where a path of one piece goes."""
    steps = np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)
    return [(x, y) for x, y in steps.cumsum(0).tolist()]


def test_a_logarithmic_axis_has_thousands_and_no_zero() -> None:
    svg = drawn(Series("a", (100, 1000, 10_000), (1, 2, 3)), log_x=True)
    assert re.findall('text-anchor="middle">([^<]*)<', svg)[:5] == ["100", "300", "1k", "3k", "10k"]
    with pytest.raises(ValueError, match="logarithmic axis"):
        drawn(Series("a", (0, 1), (1, 2)), log_x=True)


def test_an_axis_reaches_its_range_and_its_references() -> None:
    line = Series("a", (1, 2), (0.4, 0.5))
    labels = re.findall('text-anchor="end">([^<]*)<', drawn(line, y_range=(0, 1)))
    assert labels[:6] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    svg = drawn(line, references=(Reference(20.0, "human"),))
    assert ">20</text>" in svg
    assert "human (20)" in svg


def test_a_drawing_takes_nothing_from_the_users_own_settings() -> None:
    line = Series("stride", (1, 2), (3, 4))
    with matplotlib.rc_context({"font.size": 30, "axes.xmargin": 1, "svg.fonttype": "path"}):
        assert drawn(line) == (svg := drawn(line))
    assert drawn(line) == svg
    assert not re.search("#[0-9a-f]{6}", svg)  # colours are the page's


def test_a_figure_says_what_it_could_not_draw() -> None:
    series = Series("a", (1, 2, None), (1, math.nan, 3), thin=(((1, 2), (None, 2)),))
    assert "3 values are missing" in drawn(series)
    assert "no values to draw" in drawn(Series("a", (1,), (None,)))


def test_long_lines_have_few_marks() -> None:
    lines = [Series("a", range(n), range(n)) for n in (12, 60, 61)]
    svgs = [drawn(line) for line in lines]
    marks = [len(re.findall('class="teal"><title>a at', svg)) // 2 for svg in svgs]
    quiet = [svg.count('class="teal quiet"') // 2 for svg in svgs]
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
    assert re.findall('--share:([^"]*)%', svg) == ["6", "100", "53"]
    assert svg.count('class="missing"') == 1


@pytest.mark.parametrize("count", [1, 15, 24, 32])
def test_every_row_of_a_heat_map_has_its_name(count: int) -> None:
    names = tuple(f"my_networks:Network{place}" for place in range(count))
    svg = draw_heat(Heat("t", names, ("a",), ((1.0,),) * count, "pixels"))
    assert tuple(re.findall('<th scope="row">([^<]*)<', svg)) == names


def test_equal_values_are_no_interval() -> None:
    rows = Row("one", 1.0), Row("same", 0.0, 0.0, 0.0)
    table = draw_intervals(Intervals("t", "points", rows), Styles(["one", "same"]))
    assert "No interval: there is a single value, or all values are the same." in table
    spread = Intervals("t", "x", (Row("a", 2, 1, 3),))
    assert "No interval" not in draw_intervals(spread, Styles("a"))
    line = Series("a", (1, 2), (0, 1), (0, 0.5), (0, 1.5))
    assert "a at 1: 0<" in drawn(line)
    assert "a at 2: 1 (0.5 to 1.5)<" in drawn(line)


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
    with pytest.raises(ValueError, match="1 rows of 2 values"):
        Heat("t", ("a",), ("b", "c"), ((1.0,),), "u")
    with pytest.raises(ValueError, match="uint8"):
        Frame(np.zeros((2, 2), np.uint8))

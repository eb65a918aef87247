"""Frames and values as text in a terminal: half blocks, the status line, the panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.players.halfblocks import draw, fit, to_cells
from harness.players.player import shares
from harness.players.terminal import Canvas, bar, panel_lines
from support.player_samples import Sheet, coloured, view

# The picture


def test_half_blocks_by_hand() -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    cells = np.array([[[red, red], [red, blue]], [[blue, red], [red, red]]], np.uint8)
    assert draw(cells) == (
        "\x1b[1;1H\x1b[48;2;255;0;0m \x1b[48;2;0;0;255m\x1b[38;2;255;0;0m\u2580"
        "\x1b[2;1H\x1b[48;2;255;0;0m\x1b[38;2;0;0;255m\u2580 \x1b[0m"
    )
    assert draw(cells, cells) == ""


CELLS = arrays(np.uint8, (3, 5, 2, 3), elements=st.sampled_from([0, 80, 255]))


@given(CELLS, CELLS)
def test_drawing_over_a_picture_gives_the_new_one(before: np.ndarray, after: np.ndarray) -> None:
    sheet = Sheet(5, 3)
    sheet.write(draw(before))
    assert np.array_equal(sheet.cells, before)
    sheet.write(draw(after, before))
    assert np.array_equal(sheet.cells, after)


def test_only_cells_that_changed_are_sent() -> None:
    before = np.zeros((20, 60, 2, 3), np.uint8)
    after = before.copy()
    after[7, 30, 1] = 255
    codes = draw(after, before)
    assert codes.startswith("\x1b[8;31H")
    assert len(codes) < 60


def test_scaling_takes_the_mean_of_each_area() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(256, size=(210, 160, 3)).astype(np.uint8)
    cells = to_cells(image, columns=40, rows=21)
    means = image.reshape(42, 5, 40, 4, 3).mean((1, 3)).reshape(21, 2, 40, 3)
    assert np.abs(cells.transpose(0, 2, 1, 3) - means).max() <= 1  # rounded across and down
    flat = np.full((210, 160, 3), (10, 20, 30), np.uint8)
    assert (to_cells(flat, columns=61, rows=23) == (10, 20, 30)).all()


def test_a_ball_of_two_pixels_shows_in_a_small_terminal() -> None:
    for x in range(158):
        image = np.zeros((210, 160, 3), np.uint8)
        image[100:104, x : x + 2] = 236
        assert to_cells(image, columns=57, rows=23).max() > 60


@given(st.integers(1, 400), st.integers(1, 200))
def test_the_picture_fits_and_is_four_by_three(columns: int, rows: int) -> None:
    width, height = fit(columns, rows)
    assert 1 <= width <= columns
    assert 1 <= height <= rows
    assert width in (columns, int(rows * 8 / 3))
    assert abs(width - height * 8 / 3) <= 2


# The screen


def test_the_status_line_and_the_panel_name_actions_and_values() -> None:
    shown = view(coloured((0, 0, 0))[0], step=41)
    assert shown.status == "step 42/2,000  score 7  DOWNRIGHTFIRE (Q 3.000)"
    paused = replace(shown, speed=0.5, paused=True)
    assert paused.status == f"{shown.status}  0.5x  paused"
    assert panel_lines(shown, 22) == [
        "NOOP            -0.500\x1b[0m",
        "\x1b[1mFIRE            12.250\x1b[0m",
        "\x1b[7mDOWNRIGHTFIRE    3.000\x1b[0m",
    ]


def test_bars_are_as_long_as_their_shares() -> None:
    shown = view(coloured((0, 0, 0))[0])  # -0.5, 12.25 and 3 from -0.5 to 24.5
    assert [line.split("\x1b[0m ")[1] for line in panel_lines(shown, 22 + 1 + 16)] == [
        "\x1b[0m",
        "\x1b[1m" + "█" * 8 + "▏\x1b[0m",  # .51 of 16 columns
        "██▎\x1b[0m",  # .14 of them
    ]
    assert (bar(0, 8), bar(1, 8), bar(0.5, 9)) == ("", "█" * 8, "████▌")


def test_bars_tell_the_actions_of_a_step_apart() -> None:
    """Also where they differ by less than the values do over the episode."""
    q_values = np.array([[-50, -50.5], [50, 49], *[[0, -2]] * 8], np.float32)
    assert shares(q_values)[:3].tolist() == [[1, 0.75], [1, 0.5], [1, 0]]
    assert shares(np.array([[3, 3]], np.float32)).tolist() == [[1, 1]]
    assert shares(q_values[:, :0]).shape == (10, 0)


def test_without_q_values_the_panel_has_names_alone() -> None:
    unknown = np.zeros(0, np.float32)
    shown = replace(view(coloured((0, 0, 0))[0]), q_values=unknown, shares=unknown)
    assert shown.status == "step 1/2,000  score 7  DOWNRIGHTFIRE"
    assert panel_lines(shown, 60)[1:] == ["FIRE         \x1b[0m", "\x1b[7mDOWNRIGHTFIRE\x1b[0m"]


@given(st.lists(st.tuples(st.integers(2, 130), st.integers(2, 45)), min_size=1, max_size=4))
def test_a_canvas_stays_inside_a_terminal_of_any_size(sizes: list[tuple[int, int]]) -> None:
    canvas = Canvas()
    for step, (columns, rows) in enumerate(sizes):
        sheet = Sheet(columns, rows)  # after a resize nothing on it can be relied on
        canvas.show(view(coloured((9, 9, 9))[0]), (1, 1))
        sheet.write(canvas.show(view(coloured((200, 50, step))[0], step), (columns, rows)))
        status = f"step {step + 1}/2,000"
        with_keys = rows >= 12
        assert sheet.line(-2 if with_keys else -1).startswith(status[: columns - 1])
        assert with_keys == ("space" in sheet.line(-1)[:columns]) or columns < 8
        assert tuple(sheet.cells[0, 0, 0]) == (200, 50, step)
        if columns >= 48 and rows >= 5:
            assert "DOWNRIGHTFIRE    3.000" in sheet.line(2)
        if columns >= 66 and rows >= 4:
            assert "FIRE            12.250 ████" in sheet.line(1)
        assert columns >= 48 or "█" not in "".join(sheet.text.flat)


def test_a_canvas_sends_what_changed_and_all_after_a_resize() -> None:
    canvas, image = Canvas(), coloured((1, 2, 3))[0]
    whole = canvas.show(view(image), (80, 24))
    assert canvas.show(view(image), (80, 24)) == ""
    next_step = canvas.show(view(image, step=1), (80, 24))
    assert next_step.startswith("\x1b[23;1Hstep 2/")
    assert "\u2580" not in next_step
    assert len(canvas.show(view(image, step=1), (81, 24))) >= len(whole)

"""Replays on show: the picture as text, the pace of the player, the terminal given back, video."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.emulators import EmulatorConfig
from envs.trace import EpisodeTrace
from harness.errors import UserError
from harness.players.halfblocks import draw, fit, to_cells
from harness.players.terminal import Canvas, View, panel_lines, play, status_line
from harness.players.tty import Terminal, full_screen
from harness.players.video import write_video

NAMES = ("NOOP", "FIRE", "DOWNRIGHTFIRE")
ESCAPE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)")


class Sheet:
    """A terminal that understands what the players send: half blocks, text, colours, moves."""

    def __init__(self, columns: int, rows: int) -> None:
        self.cells = np.zeros((rows, columns, 2, 3), np.uint8)
        self.text = np.full((rows, columns), " ")

    def write(self, codes: str) -> None:
        row = column = 0
        ink = paper = (0, 0, 0)
        for numbers, command, letter in ESCAPE.findall(codes):
            values = [int(n) for n in re.findall(r"\d+", numbers)]
            if command == "H":
                row, column = values[0] - 1, values[1] - 1
            elif command == "K":
                self.text[row, column:] = " "
                self.cells[row, column:] = 0
            elif command == "J":
                self.text[:], self.cells[:] = " ", 0
            elif command == "m" and values[0] == 38:
                ink = tuple(values[2:])
            elif command == "m" and values[0] == 48:
                paper = tuple(values[2:])
            elif command == "m":
                ink = paper = (0, 0, 0)
            else:
                assert (letter, command) != ("", "")
                self.cells[row, column] = ink if letter == "\u2580" else paper, paper
                self.text[row, column] = letter
                column += 1


def made_up(steps: int) -> EpisodeTrace:
    return EpisodeTrace(
        protocol=EmulatorConfig(num_envs=1),
        seed=0,
        actions=(np.arange(steps) % 3).astype(np.uint8),
        rewards=np.ones(steps, np.int32),
        q_values=np.tile(np.array([-0.5, 12.25, 3], np.float32), (steps, 1)),
        digests=np.zeros(steps + 1, np.uint32),
        truncated=False,
    )


def view(image: np.ndarray, step: int = 0) -> View:
    return View(image, step, 2000, 7, 2, np.array([-0.5, 12.25, 3], np.float32), NAMES)


def coloured(*colours: tuple[int, int, int]) -> np.ndarray:
    """[k, 210, 160, 3] frames of one colour each."""
    return np.stack([np.full((210, 160, 3), colour, np.uint8) for colour in colours])


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
    assert np.abs(cells.transpose(0, 2, 1, 3) - means).max() <= 0.51
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
    assert status_line(shown) == "step 42/2,000  score 7  DOWNRIGHTFIRE (Q 3.000)  q quits"
    assert panel_lines(shown) == [
        "NOOP           -0.500\x1b[0m",
        "\x1b[1mFIRE           12.250\x1b[0m",
        "\x1b[7mDOWNRIGHTFIRE   3.000\x1b[0m",
    ]


@given(st.lists(st.tuples(st.integers(2, 130), st.integers(2, 45)), min_size=1, max_size=4))
def test_a_canvas_stays_inside_a_terminal_of_any_size(sizes: list[tuple[int, int]]) -> None:
    canvas = Canvas()
    for step, (columns, rows) in enumerate(sizes):
        sheet = Sheet(columns, rows)  # after a resize nothing on it can be relied on
        canvas.show(view(coloured((9, 9, 9))[0]), (1, 1))
        sheet.write(canvas.show(view(coloured((200, 50, step))[0], step), (columns, rows)))
        status = f"step {step + 1}/2,000"
        assert "".join(sheet.text[-1]).startswith(status[: columns - 1])
        assert tuple(sheet.cells[0, 0, 0]) == (200, 50, step)
        if columns >= 46 and rows >= 4:
            assert "DOWNRIGHTFIRE   3.000" in "".join(sheet.text[2])


def test_a_canvas_sends_what_changed_and_all_after_a_resize() -> None:
    canvas, image = Canvas(), coloured((1, 2, 3))[0]
    whole = canvas.show(view(image), (80, 24))
    assert canvas.show(view(image), (80, 24)) == ""
    next_step = canvas.show(view(image, step=1), (80, 24))
    assert next_step.startswith("\x1b[24;1Hstep 2/")
    assert "\u2580" not in next_step
    assert len(canvas.show(view(image, step=1), (81, 24))) >= len(whole)


# The pace


class FakeTerminal(Terminal):
    """Keeps time itself: waiting and drawing pass it, nothing else does."""

    def __init__(self, seconds_to_draw: float = 0.0, quit_at: float = float("inf")) -> None:
        self.time, self.drawings = 100.0, 0
        self.seconds_to_draw, self.quit_at = seconds_to_draw, quit_at
        self.sheet = Sheet(80, 24)

    def now(self) -> float:
        return self.time

    def size(self) -> tuple[int, int]:
        return 80, 24

    def write(self, text: str) -> None:
        self.time += self.seconds_to_draw
        self.drawings += 1
        self.sheet.write(text)

    def key(self, timeout: float) -> str:
        self.time += timeout
        return "q" if self.time >= self.quit_at else ""


@pytest.mark.parametrize(
    ("speed", "seconds_to_draw", "seconds", "drawings"),
    [
        (1.0, 0.0, 10, (290, 301)),
        (2.0, 0.0, 5, (145, 201)),
        (1.0, 0.2, 10, (40, 50)),  # a slow connection sees fewer pictures, not a slower game
        (1.0, 1.0, 10, (9, 11)),
    ],
)
def test_the_game_keeps_its_pace(
    speed: float, seconds_to_draw: float, seconds: float, drawings: tuple[int, int]
) -> None:
    terminal = FakeTerminal(seconds_to_draw)
    screens = (coloured(*[(step % 256, 0, 0)] * 4) for step in range(150))
    play(made_up(150), screens, NAMES, terminal, speed)
    assert abs(terminal.time - 100 - seconds) <= 0.05 + seconds_to_draw
    assert drawings[0] <= terminal.drawings <= drawings[1]


def test_q_quits() -> None:
    terminal = FakeTerminal(quit_at=101.0)
    play(made_up(150), (coloured(*[(9, 9, 9)] * 4) for _ in range(150)), NAMES, terminal)
    assert abs(terminal.time - 101) < 0.05


def test_sprites_that_flicker_are_seen_and_the_score_counts_earlier_steps() -> None:
    terminal = FakeTerminal()
    flicker = [coloured((200, 0, 0), (0, 0, 150), (200, 0, 0), (0, 0, 150))] * 5
    play(made_up(5), flicker, NAMES, terminal)
    assert tuple(terminal.sheet.cells[0, 0, 0]) == (200, 0, 150)
    assert "step 5/5  score 4  FIRE" in "".join(terminal.sheet.text[-1])


# The terminal itself


@pytest.fixture
def pseudo_terminal() -> Iterator[tuple[int, TextIO, TextIO]]:
    """The far end of a terminal, and files that read from it and write to it."""
    far, near = os.openpty()
    with open(os.dup(near)) as stdin, open(near, "w") as stdout, os.fdopen(far, "rb"):
        yield far, stdin, stdout


def take_over(far: int, accident: type[BaseException]) -> None:
    with full_screen() as terminal:
        modes = termios.tcgetattr(sys.stdin)[3]
        assert modes & (termios.ICANON | termios.ECHO) == 0
        os.write(far, b"q")
        assert terminal.key(10) == "q"
        assert terminal.key(0) == ""
        if accident is SystemExit:
            os.kill(os.getpid(), signal.SIGTERM)
        raise accident


@pytest.mark.parametrize("accident", [KeyboardInterrupt, ValueError, SystemExit])
def test_the_terminal_is_given_back_whatever_happens(
    pseudo_terminal: tuple[int, TextIO, TextIO],
    monkeypatch: pytest.MonkeyPatch,
    accident: type[BaseException],
) -> None:
    far, stdin, stdout = pseudo_terminal
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    before, handler = termios.tcgetattr(sys.stdin), signal.getsignal(signal.SIGTERM)
    with pytest.raises(accident):
        take_over(far, accident)
    sent, last = "", "\x1b[?25h\x1b[?1049l"
    while not sent.endswith(last) and select.select([far], [], [], 10)[0]:
        sent += os.read(far, 10_000).decode()
    assert sent.startswith("\x1b[?1049h\x1b[?25l")
    assert sent.endswith(last)
    assert termios.tcgetattr(sys.stdin) == before
    assert signal.getsignal(signal.SIGTERM) is handler


# Video


def test_a_video_holds_every_frame(tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.mp4"
    left_green = coloured((0, 0, 0))[0]
    left_green[:, :80] = (0, 200, 0)
    parts = [np.stack([left_green] * 4)] * 5 + [np.stack([left_green] * 3)]
    assert write_video(path, iter(parts)) == 23
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 23
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    assert (facts["fps"], facts["size"], facts["codec"]) == (60, (640, 420), "h264")
    assert "yuv420p" in facts["pix_fmt"]
    picture = np.frombuffer(next(reader), np.uint8).reshape(420, 640, 3).astype(int)
    reader.close()
    assert np.abs(picture[:, :320] - (0, 200, 0)).max() < 12
    assert picture[:, 320:].max() < 12


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    def interrupted() -> Iterator[np.ndarray]:
        yield coloured((1, 2, 3))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "x.mp4", interrupted())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="No such file"):
        write_video(tmp_path / "nowhere" / "x.mp4", iter([coloured((1, 2, 3))]))


def test_without_ffmpeg_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[video\]'"):
        write_video(tmp_path / "x.mp4", iter([]))

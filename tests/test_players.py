"""Replays on show: the picture as text, the pace of the player, the terminal given back, video."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.emulators import EmulatorConfig
from envs.trace import EpisodeTrace
from harness.errors import UserError
from harness.players.film import Film
from harness.players.halfblocks import draw, fit, to_cells
from harness.players.player import View, play, shares
from harness.players.strip import COLOURS, Strip
from harness.players.terminal import Canvas, TerminalDisplay, bar, panel_lines
from harness.players.transport import Transport
from harness.players.tty import Terminal, full_screen, split_keys
from harness.players.video import write_video

NAMES = ("NOOP", "FIRE", "DOWNRIGHTFIRE")
ESCAPE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)")


class Sheet:
    """A terminal that understands what the players send: half blocks, text, colours, moves."""

    def __init__(self, columns: int, rows: int) -> None:
        self.cells = np.zeros((rows, columns, 2, 3), np.uint8)
        self.text = np.full((rows, columns), " ")

    def line(self, row: int) -> str:
        return "".join(self.text[row])

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
    q_values = np.array([-0.5, 12.25, 3], np.float32)
    return View(image, step, 2000, 7, 2, q_values, NAMES, shares=(q_values + 0.5) / 25)


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
    assert shown.status == "step 42/2,000  score 7  DOWNRIGHTFIRE (Q 3.000)"
    paused = replace(shown, speed=0.5, paused=True)
    assert paused.status == f"{shown.status}  0.5x  paused"
    assert panel_lines(shown, 22) == [
        "NOOP            -0.500\x1b[0m",
        "\x1b[1mFIRE            12.250\x1b[0m",
        "\x1b[7mDOWNRIGHTFIRE    3.000\x1b[0m",
    ]


def test_bars_are_on_the_scale_of_the_episode() -> None:
    shown = view(coloured((0, 0, 0))[0])  # -0.5, 12.25 and 3 from -0.5 to 24.5
    assert [line.split("\x1b[0m ")[1] for line in panel_lines(shown, 22 + 1 + 16)] == [
        "\x1b[0m",
        "\x1b[1m" + "█" * 8 + "▏\x1b[0m",  # .51 of 16 columns
        "██▎\x1b[0m",  # .14 of them
    ]
    q_values = np.array([[-2, 0], [1, 2]], np.float32)
    assert shares(q_values).tolist() == [[0, 0.5], [0.75, 1]]
    assert shares(q_values[:1, :1]).tolist() == [[0]]
    assert shares(q_values[:, :0]).shape == (2, 0)
    assert (bar(0, 8), bar(1, 8), bar(0.5, 9)) == ("", "█" * 8, "████▌")


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


# The pace


class FakeTerminal(Terminal):
    """Keeps time itself: waiting and drawing pass it, nothing else does. Keys come as planned:
    (seconds since the start, keys)."""

    has_keys = False

    def __init__(
        self, seconds_to_draw: float = 0.0, plan: Sequence[tuple[float, str]] = ()
    ) -> None:
        self.time, self.drawings = 100.0, 0
        self.seconds_to_draw, self.plan = seconds_to_draw, list(plan)
        self.has_keys = bool(plan)
        self.sheet = Sheet(80, 24)
        self.before_keys: list[str] = []
        """The status line whenever a key came."""

    def now(self) -> float:
        return self.time

    def size(self) -> tuple[int, int]:
        return 80, 24

    def write(self, text: str) -> None:
        self.time += self.seconds_to_draw
        self.drawings += 1
        self.sheet.write(text)

    def keys(self, timeout: float) -> list[str]:
        if not self.plan or self.time + timeout < 100 + self.plan[0][0]:
            self.time += timeout
            return []
        at, keys = self.plan.pop(0)
        self.time = max(self.time, 100 + at)
        self.before_keys.append(self.status)
        return list(keys)

    @property
    def status(self) -> str:
        return self.sheet.line(-2)


def game_of(*steps: np.ndarray) -> Film:
    return Film(lambda: iter(steps))


def shade(step: int) -> tuple[int, int, int]:
    return (step % 256, step // 256, 0)


def shades(steps: int) -> Film:
    """A game whose every step has a colour of its own."""
    return Film(lambda: (coloured(*[shade(step)] * 4) for step in range(steps)))


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
    play(made_up(150), shades(150), NAMES, TerminalDisplay(terminal), speed)
    assert abs(terminal.time - 100 - seconds) <= 0.05 + seconds_to_draw
    assert drawings[0] <= terminal.drawings <= drawings[1]


def test_q_quits() -> None:
    terminal = FakeTerminal(plan=[(1.0, "q")])
    play(made_up(150), shades(150), NAMES, TerminalDisplay(terminal))
    assert abs(terminal.time - 101) < 0.05


def test_sprites_that_flicker_are_seen_and_the_score_counts_earlier_steps() -> None:
    terminal = FakeTerminal()
    flicker = [coloured((200, 0, 0), (0, 0, 150), (200, 0, 0), (0, 0, 150))] * 5
    play(made_up(5), game_of(*flicker), NAMES, TerminalDisplay(terminal))
    assert tuple(terminal.sheet.cells[0, 0, 0]) == (200, 0, 150)
    assert terminal.status.startswith("step 5/5  score 4  FIRE")


# Keys


def test_keys_move_the_picture_and_the_status_with_it() -> None:
    """One key after the other: the step it leads to, and what the status line says besides."""
    expected = [
        (" ", 61, "paused"),  # after a second and a bit: 15 steps and 1
        (".", 62, "paused"),
        (".", 63, "paused"),
        (",", 62, "paused"),
        (">", 137, "paused"),
        ("<", 62, "paused"),
        ("<", 1, "paused"),
        (",", 1, "paused"),
        ("+", 1, "2x  paused"),
        ("-", 1, ""),
        (">", 76, "paused"),
        (">", 151, "paused"),
        (">", 200, "end"),
        (".", 200, "end"),
        (",", 199, "paused"),
        (".", 200, "paused"),
        (".", 200, "end"),
    ]
    plan = [(4.01 + i, key) for i, (key, _, _) in enumerate(expected)]
    terminal = FakeTerminal(plan=[*plan, (30, "q")])
    pictures: list[tuple[int, ...]] = []
    keys = terminal.keys

    def noted(timeout: float) -> list[str]:
        before = len(terminal.before_keys)
        pressed = keys(timeout)
        if len(terminal.before_keys) > before:
            pictures.append(tuple(terminal.sheet.cells[0, 0, 0].tolist()))
        return pressed

    display = TerminalDisplay(terminal)
    display.keys = noted
    play(made_up(200), shades(200), NAMES, display)
    for (key, step, says), status, picture in zip(
        expected, terminal.before_keys[1:], pictures[1:], strict=True
    ):
        score = step if says == "end" else step - 1
        assert status.startswith(f"step {step}/200  score {score}  {NAMES[(step - 1) % 3]}"), key
        assert status.rstrip().endswith(says), key
        # A frame is shown with the one before it; a step back or on stops at its first.
        shown = shade(step - 1)
        assert picture in (shown, tuple(np.maximum(shown, shade(max(step - 2, 0))))), key


def test_the_game_waits_at_its_end_and_space_plays_it_again() -> None:
    terminal = FakeTerminal(plan=[(5, " "), (5.5, "q")])
    play(made_up(30), shades(30), NAMES, TerminalDisplay(terminal))
    at_end, again = terminal.before_keys
    assert at_end.startswith("step 30/30")
    assert at_end.rstrip().endswith("end")
    assert at_end.startswith("step 30/30  score 30")
    assert again.startswith("step 8/30")
    assert "paused" not in again


def test_a_transport_by_hand() -> None:
    transport = Transport(frames=402)
    transport.follow(50.0)
    assert (transport.frame, transport.due(50.0)) == (0, pytest.approx(50 + 1 / 60))
    transport.follow(51.0)
    assert transport.frame == 60
    assert transport.due(51.09) == pytest.approx(51 + 6 / 60)
    for key, frame, paused in [
        ("right", 64, True),
        ("left", 60, True),
        ("home", 0, False),
        ("pagedown", 300, False),
        ("pagedown", 401, False),
        (".", 401, True),
        ("x", 401, True),
        ("left", 396, True),
        (".", 400, True),
        ("pageup", 100, True),
    ]:
        transport.press(key)
        assert (transport.frame, transport.paused) == (frame, paused), key
    assert transport.due(60.0) == float("inf")
    transport.follow(70.0)
    assert transport.frame == 100
    transport.press("+")
    transport.press(" ")
    transport.follow(71.0)
    assert (transport.frame, transport.speed) == (220, 2.0)
    transport.follow(75.0)
    assert (transport.frame, transport.over, transport.paused) == (401, True, True)
    for _ in range(9):
        transport.press("=")
    assert transport.speed == 16
    for _ in range(20):
        transport.press("-")
    assert transport.speed == 1 / 16


@pytest.mark.parametrize(
    ("sent", "keys", "begun"),
    [
        ("q", ["q"], ""),
        ("\x1b[C\x1b[D\x1bOC\x1b[H\x1b[1~", ["right", "left", "right", "home", "home"], ""),
        ("\x1b[5~,\x1b[6~", ["pageup", ",", "pagedown"], ""),
        ("\x1b[C\x1b[", ["right"], "\x1b["),
        ("..\x1b", [".", "."], "\x1b"),
        ("\x1b[1;2", [], "\x1b[1;2"),
        ("\x1b[1;2Cq", ["\x1b[1;2C", "q"], ""),
        ("\x1bq", ["\x1b", "q"], ""),
    ],
)
def test_what_a_keyboard_sends_is_split_into_keys(sent: str, keys: list[str], begun: str) -> None:
    assert split_keys(sent) == (keys, begun)


# The film


def random_game(frames: int) -> list[np.ndarray]:
    """Steps of a small game of so many frames, the last step shorter."""
    rng = np.random.default_rng(0)
    screens = rng.integers(256, size=(frames, 6, 5, 3)).astype(np.uint8)
    return [screens[i : i + 4] for i in range(0, frames, 4)]


@pytest.mark.parametrize("most_bytes", [10**9, 30_000, 0])
def test_a_film_shows_any_frame_in_any_order(most_bytes: int) -> None:
    steps = random_game(470)
    frames = np.concatenate(steps)
    film = Film(lambda: iter(steps), most_bytes)
    order = np.random.default_rng(1).integers(500, size=60).tolist()
    for number in [0, 59, 60, 61, *order, 3, 469, 470]:
        at = min(number, 469)
        assert np.array_equal(film.picture(number), frames[max(at - 1, 0) : at + 1].max(0)), number
        assert film.kept_bytes <= max(most_bytes, 8_000)  # the last chunk stays
    assert film.end == 470


def test_a_film_is_simulated_no_further_than_it_is_seen() -> None:
    steps = iter(random_game(400))
    film = Film(lambda: steps)
    film.picture(100)
    film.picture(3)
    assert film.end is None
    assert len(list(steps)) == 100 - 26


def test_a_game_that_ends_earlier_here_shortens_the_player() -> None:
    terminal = FakeTerminal()
    play(made_up(150), shades(75), NAMES, TerminalDisplay(terminal))
    assert abs(terminal.time - 105) < 0.1
    assert terminal.status.startswith("step 75/150")


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
        assert terminal.keys(10) == ["q"]
        assert terminal.keys(0) == []
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
    assert write_video(path, lambda: parts) == 23
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 23
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]
    pictures, facts = decoded(path)
    assert (facts["fps"], facts["size"], facts["codec"]) == (60, (640, 420), "h264")
    assert "yuv420p" in facts["pix_fmt"]
    assert np.abs(pictures[0][:, :320] - (0, 200, 0)).max() < 12
    assert pictures[0][:, 320:].max() < 12


def decoded(path: Path) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The pictures of a video, int [H, W, 3], and what ffmpeg says of it."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = imageio_ffmpeg.read_frames(str(path), output_params=["-fps_mode", "passthrough"])
    facts = next(reader)
    width, height = facts["size"]
    shape = (height, width, 3)
    return [np.frombuffer(one, np.uint8).reshape(shape).astype(int) for one in reader], facts


def test_a_gif_has_the_exact_colours_of_every_two_frames(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.gif"
    ball = np.zeros((19, 210, 160, 3), np.uint8)
    for frame in range(19):
        ball[frame] = (12 + frame // 2, 74, 133)
        ball[frame, 100:104, 8 * frame : 8 * frame + 4] = (236, 235 - frame, 7)
    steps = [ball[i : i + 4] for i in range(0, 19, 4)]
    assert write_video(path, lambda: steps) == 19
    pictures, facts = decoded(path)
    assert facts["size"] == (560, 420)
    assert len(pictures) == 10
    for number, picture in enumerate(pictures):
        both = ball[2 * number : 2 * number + 2].max(0)
        assert np.array_equal(picture[::2][:, 3::7], both[:, ::2][:, :80]) or np.array_equal(
            picture, both[np.arange(420) // 2][:, np.arange(560) * 2 // 7]
        )


def test_a_gif_of_many_colours_takes_similar_ones(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.gif"
    many = np.zeros((4, 210, 160, 3), np.uint8)
    many[..., 0], many[..., 1] = np.arange(210)[:, None], np.arange(160)
    write_video(path, lambda: [many])
    picture = decoded(path)[0][0]
    assert np.abs(picture[1::2, 1::7] - many[0][:, ::2]).max() < 48


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_values_stand_beside_a_video(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("imageio_ffmpeg")
    trace = made_up(8)
    strip = Strip(trace.q_values, trace.actions, NAMES)
    path = tmp_path / f"x{suffix}"
    write_video(path, lambda: [coloured(*[(0, 200, 0)] * 4)] * 8, strip)
    pictures, facts = decoded(path)
    assert facts["size"] == (840, 420)
    assert len(pictures) == (32 if suffix == ".mp4" else 16)
    last = pictures[-1]
    slack = 60 if suffix == ".mp4" else 0  # what compression costs around letters
    assert np.abs(last[:, :540] - (0, 200, 0)).max() <= slack
    assert np.abs(last[200:, 570:] - strip.picture(7)[200:, 10:]).mean() <= slack / 10
    if suffix == ".gif":
        assert np.array_equal(last[:, 560:], strip.picture(7))


def test_the_strip_by_hand() -> None:
    trace = made_up(200)
    q_values = trace.q_values.copy()
    q_values[150] = (-0.5, 3, 20)
    strip = Strip(q_values, trace.actions, NAMES)
    pixels = strip.picture(149)
    lane, right = 64, 275  # pixels
    newest = slice(right - 3, right)
    # From -0.5 to 20 a column has 1 to 46 pixels; it ends two above the end of its lane.
    for action, (rows, colour) in enumerate(
        [(1, (70, 90, 120)), (29, (70, 90, 120)), (9, (255, 170, 60))]
    ):
        bottom = (action + 1) * lane - 2
        assert (pixels[bottom - rows : bottom, newest] == colour).all()
        assert (pixels[bottom - rows - 1, newest] == (18, 18, 18)).all()
    # Every third step chose the same; 90 steps are seen, and nothing but the five colours.
    bright = (pixels[3 * lane - 4, 5:right:3] == (255, 170, 60)).all(-1)
    assert np.flatnonzero(bright).tolist() == list(range(2, 90, 3))
    seen = {tuple(colour) for colour in pixels.reshape(-1, 3).tolist()}
    assert seen == set(COLOURS)
    assert (pixels[2 * lane + 1, :4] == COLOURS[1]).all()
    assert (strip.picture(0)[:, 5 : right - 3][62:64] == COLOURS[0]).all()
    with pytest.raises(UserError, match="no Q-values"):
        Strip(q_values[:, :0], trace.actions, NAMES)


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    def interrupted() -> Iterator[np.ndarray]:
        yield coloured((1, 2, 3))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "x.mp4", interrupted)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="nowhere is no folder"):
        write_video(tmp_path / "nowhere" / "x.mp4", lambda: [coloured((1, 2, 3))])


def test_without_ffmpeg_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[video\]'"):
        write_video(tmp_path / "x.mp4", list)

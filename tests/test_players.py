"""The player in a terminal: its pace, its keys, and the terminal given back."""

from __future__ import annotations

import io
import os
import select
import sys
import termios
from collections.abc import Iterator
from typing import TextIO

import numpy as np
import pytest

from harness.errors import UserError
from harness.players.frame_cache import FrameCache
from harness.players.player import play
from harness.players.terminal import TerminalDisplay
from harness.players.transport import Transport
from harness.players.tty import full_screen, split_keys
from harness.process.signals import Interrupted
from support.player_samples import NAMES, FakeTerminal, coloured, game_of, made_up, shade, shades


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


def test_simulating_up_to_a_jump_is_no_time_of_the_game() -> None:
    """From second 1 to second 6, over 70 steps that take 0.1 s each to simulate; 2 seconds later
    30 steps were shown."""
    terminal = FakeTerminal(plan=[(1.0, ">"), (10.0, "q")])

    def slow() -> Iterator[np.ndarray]:
        for step in range(150):
            if 20 <= step < 90:
                terminal.time += 0.1
            yield coloured(*[shade(step)] * 4)

    play(made_up(150), FrameCache(slow), NAMES, TerminalDisplay(terminal))
    assert 119 <= int(terminal.before_keys[1].split()[1].partition("/")[0]) <= 122


def test_sprites_that_flicker_are_seen_and_the_score_counts_earlier_steps() -> None:
    terminal = FakeTerminal()
    flicker = [coloured((200, 0, 0), (0, 0, 150), (200, 0, 0), (0, 0, 150))] * 5
    play(made_up(5), game_of(*flicker), NAMES, TerminalDisplay(terminal))
    assert tuple(terminal.sheet.cells[0, 0, 0]) == (200, 0, 150)
    assert terminal.status.startswith("step 5/5  score 4  FIRE")


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
        raise accident


def hang_up(far: int, noticed: str) -> None:
    with full_screen() as terminal:
        os.close(far)
        assert noticed == "size" or not terminal.keys(0)
        terminal.size() if noticed == "size" else terminal.write("a frame")


@pytest.mark.parametrize("noticed", ["size", "writing"])
def test_a_terminal_that_hung_up_ends_the_player(
    noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its signal does, which may be ignored."""
    far, near = os.openpty()
    with open(os.dup(near)) as stdin, open(near, "wb", 0) as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, "utf-8"))
        with pytest.raises(Interrupted):
            hang_up(far, noticed)


def test_a_terminal_without_half_blocks_is_refused(
    pseudo_terminal: tuple[int, TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.TextIOWrapper(pseudo_terminal[2].buffer, "latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(UserError, match="has no half blocks"), full_screen():
        pass
    stdout.detach()


@pytest.mark.parametrize("accident", [KeyboardInterrupt, ValueError])
def test_the_terminal_is_given_back_whatever_happens(
    pseudo_terminal: tuple[int, TextIO, TextIO],
    monkeypatch: pytest.MonkeyPatch,
    accident: type[BaseException],
) -> None:
    far, stdin, stdout = pseudo_terminal
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    before = termios.tcgetattr(sys.stdin)
    with pytest.raises(accident):
        take_over(far, accident)
    sent, last = "", "\x1b[?25h\x1b[?1049l"
    while not sent.endswith(last) and select.select([far], [], [], 10)[0]:
        sent += os.read(far, 10_000).decode()
    assert sent.startswith("\x1b[?1049h\x1b[?25l")
    assert sent.endswith(last)
    assert termios.tcgetattr(sys.stdin) == before

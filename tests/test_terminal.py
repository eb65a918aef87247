"""What the terminal shows of a run: wide, narrow, without colours, without a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness.metrics.pace
import harness.metrics.terminal
from harness.metrics.pace import Pace, Rates
from harness.metrics.reader import RECENT
from harness.metrics.terminal import (
    ASCII,
    BLOCKS,
    RECENT_GAMES,
    Display,
    cut_left,
    fitting,
    means,
    sparkline,
)
from support.programs import TINY_RUN, program
from support.screens import Screen, on_screen

RUN_DIR = Path("checkpoints/Pong/stride-quick-s0-20261122-174657")


@given(st.lists(st.integers(-21, 21), max_size=90), st.integers(-5, 40))
def test_means_are_of_neighbours(values: list[int], most: int) -> None:
    found = means(values, most)
    assert len(found) == max(0, min(most, len(values)))
    if found:
        size, larger = divmod(len(values), len(found))
        sizes = [size + 1] * larger + [size] * (len(found) - larger)
        at = 0
        for mean, count in zip(found, sizes, strict=True):
            assert mean == pytest.approx(sum(values[at : at + count]) / count)
            at += count


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_a_sparkline_is_as_high_as_its_values(values: list[float]) -> None:
    heights = [BLOCKS.index(character) for character in sparkline(values)]
    assert len(heights) == len(values)
    for (one, first), (other, second) in pairwise(zip(heights, values, strict=True)):
        assert (one < other) <= (first < second)
    if max(values) > min(values):
        assert (heights[values.index(max(values))], min(heights)) == (len(BLOCKS) - 1, 0)


def test_known_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([3, 3, 3]) == "▁▁▁"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BLOCKS
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], ascii_only=True) == ASCII
    assert sparkline([-21, 21, 0]) == "▁█▅"


def test_lines_keep_whole_pieces() -> None:
    pieces = ["12 steps", "9s left", "3 updates/s"]
    assert [fitting(pieces, width) for width in (7, 8, 16, 17, 29, 30)] == [
        "",
        "12 steps",
        "12 steps",
        "12 steps  9s left",
        "12 steps  9s left",
        "12 steps  9s left  3 updates/s",
    ]
    assert cut_left("a/long/path", 11) == "a/long/path"
    assert cut_left("a/long/path", 8) == ".../path"
    assert cut_left("a/long/path", 3) == "..."
    assert cut_left("a/long/path", -2) == ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still; `now` is what it shows."""
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    for module in (harness.metrics.pace, harness.metrics.terminal):
        monkeypatch.setattr(module, "time", clock)
    return clock


def test_the_best_is_the_whole_minute_with_the_most_updates(clock: SimpleNamespace) -> None:
    pace, steps, updates = Pace(window=60), 0, 0

    def go(seconds: int, steps_a_second: int, updates_a_second: int) -> None:
        nonlocal steps, updates
        for _ in range(seconds):
            clock.now += 1
            steps, updates = steps + steps_a_second, updates + updates_a_second
            pace.mark(steps, updates)

    go(90, 2000, 0)
    assert pace.rates() == Rates(2000, 0)
    assert pace.best is None, "the warm-up learns nothing"
    go(2, 400, 50)
    assert pace.rates() == Rates(400, 50), "nor does its pace last"
    go(68, 400, 50)
    assert pace.best == Rates(400, 50)
    go(70, 320, 40)
    assert (pace.rates(), pace.best) == (Rates(320, 40), Rates(400, 50))
    pace.pause()
    go(30, 800, 100)
    assert pace.best == Rates(400, 50), "half a minute may be luck"
    go(40, 800, 100)
    assert pace.best == Rates(800, 100)


Making = Callable[..., tuple[Display, Screen]]


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Making:
    """Makes a display on a terminal of so many columns, and what it receives."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def make(columns: int, encoding: str = "utf-8") -> tuple[Display, Screen]:
        screen = on_screen(monkeypatch, columns, encoding)
        return Display(400_000, RUN_DIR), screen

    return make


def shown(display: Display, screen: Screen, clock: SimpleNamespace) -> str:
    """What a terminal receives when a run stands at 85,424 steps."""
    pace = Pace()
    for _ in range(70):
        clock.now += 1
        pace.mark(85_424 - 400 * 70, int(clock.now) * 50)
        pace.mark(85_424, int(clock.now) * 50)
    for score in range(-21, 22):
        display.game_over(score)
    display.kept(84_976, -20.125)
    clock.now += 1
    screen.clear()
    display.update(85_424, 0.1, pace)
    return screen.received.replace("\r", "")


def test_a_wide_terminal_shows_everything(on_terminal: Making, clock: SimpleNamespace) -> None:
    display, screen = on_terminal(150)
    text = shown(display, screen, clock)
    for part in (
        *("85,424/400,000 steps", " left  ", " steps/s (100% of the best minute)"),
        *(" updates/s", "epsilon 0.10", "━━"),
        *("score 11.5  mean of 20 games  ▁", "█", "last 43 games"),
        *(str(RUN_DIR), "last/ 84,976 steps", "best/ scored -20.1"),
    ):
        assert part in text
    display.close()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 150])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_line_fits_its_terminal(
    columns: int, encoding: str, on_terminal: Making, clock: SimpleNamespace
) -> None:
    display, screen = on_terminal(columns, encoding)
    lines = shown(display, screen, clock).split("\n")
    assert len(lines) == 3
    assert all(len(line) <= columns - 3 for line in lines)
    if columns >= 40:
        assert "85,424/400,000 steps" in lines[0]
        assert "score 11.5" in lines[1]
        assert "last/ 84,976 steps" in lines[2]
    display.close()


def test_no_color_takes_the_colours_away(
    on_terminal: Making, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour = re.compile(r"\x1b\[[\d;]*3\d[\d;]*m|\x1b\[9\dm")
    for none in ("", "1"):
        monkeypatch.setenv("NO_COLOR", none)
        display, screen = on_terminal(100)
        assert "score 11.5" in shown(display, screen, clock)
        assert bool(colour.search(screen.sent)) == (not none)


def test_the_mean_is_of_the_last_games_and_the_graph_of_more(
    on_terminal: Making, clock: SimpleNamespace
) -> None:
    display, screen = on_terminal(120)
    for score in [1000] * 50 + [0] * RECENT_GAMES:
        display.game_over(score)
    for score in range(RECENT):
        display.game_over(score)
    display.update(8, 1.0, Pace())
    assert "score 9.5  mean of 20 games" in screen.received
    assert "0.0 to 17.0  last 200 games" in screen.received
    display.close()


def test_a_wait_is_told_once_and_again_after_a_while(
    on_terminal: Making, clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal four times a second, elsewhere every ten seconds."""

    def wait(display: Display) -> None:
        display.waiting("playing")
        for call in range(1, 100):
            clock.now += 0.125
            display.still_waiting(f"call {call:02}")
        display.close()

    wait(Display(400_000, RUN_DIR))
    assert capsys.readouterr().out == "playing\ncall 80\n"
    live, screen = on_terminal(100)
    wait(live)
    assert [n for n in range(1, 9) if f"call {n:02}" in screen.received] == [2, 4, 6, 8]


@pytest.mark.parametrize("terminal", ["pipe", "dumb", "FORCE_COLOR", "TTY_COMPATIBLE"])
def test_elsewhere_lines_are_plain(
    terminal: str,
    clock: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if terminal == "dumb":
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    else:
        monkeypatch.setenv(terminal, "1")  # makes no terminal of a pipe
    display, pace = Display(400_000, RUN_DIR), Pace()
    display.update(0, 1.0, pace)
    for _ in range(11):
        clock.now += 1
        pace.mark(int(clock.now) * 400 - 400_000, int(clock.now) * 50)
    display.game_over(-20)
    display.update(4_400, 0.5, pace)
    display.warn("warning: on standard error")
    display.close()
    printed = capsys.readouterr()
    assert printed.out == (
        "4,400/400,000 steps  400 steps/s  50 updates/s  epsilon 0.50  score -20.0  16m29s left\n"
    )
    assert printed.err == "warning: on standard error\n"


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    """A whole run, and its resume."""
    run_dir = tmp_path / "run"
    for more in (("--run-dir", run_dir, "--steps", 300), ("--resume", run_dir, "--steps", 400)):
        done = program("train.py", "--quiet", *TINY_RUN, *more)
        assert (done.stdout, done.stderr) == ("", "")
    assert json.loads((run_dir / "last" / "state.json").read_text())["steps"] == 400

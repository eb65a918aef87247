"""The terminal player in a real terminal: tmux shows what somebody would see there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120  # seconds, for a machine that has other things to do


class Tmux:
    """A terminal of 100 x 30 in a tmux server of its own, in which a shell runs."""

    def __init__(self, tmux: str) -> None:
        self._tmux = [tmux, "-L", f"unpooled-{uuid.uuid4().hex}", "-f", "/dev/null"]
        self._call("new-session", "-d", "-x", "100", "-y", "30", "env PS1='$ ' sh")
        # Keys pressed before the shell's first prompt would be echoed above it.
        self.wait(lambda lines: lines[0].startswith("$"))

    def _call(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, in tmux's words."""
        self._call("send-keys", *keys)

    def lines(self) -> list[str]:
        """What is on the screen."""
        return self._call("capture-pane", "-p").split("\n")

    def wait(self, found: Callable[[list[str]], object]) -> list[str]:
        """The first screen of which `found` says so."""
        end = time.monotonic() + PATIENCE
        while not found(lines := self.lines()):
            assert time.monotonic() < end, "\n".join(lines)
            time.sleep(0.02)
        return lines

    def close(self) -> None:
        self._call("kill-server")


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    found = shutil.which("tmux")
    if found is None:
        pytest.skip("no tmux here")
    terminal = Tmux(found)
    yield terminal
    terminal.close()


def status(lines: list[str]) -> str:
    return lines[28]


def step(lines: list[str]) -> int:
    shown = re.match(r"step ([\d,]+)/", status(lines))
    return int(shown[1].replace(",", "")) if shown else 0


def test_keys_in_a_real_terminal(tmux: Tmux, file: Path) -> None:
    play = [sys.executable, str(ROOT / "evaluate.py"), "replay", str(file), "--speed", "0.25"]
    tmux.type(shlex.join(play), "Enter")
    lines = tmux.wait(lambda lines: step(lines) >= 3)
    assert status(lines).rstrip().endswith("0.25x")
    assert lines[29].startswith("space pause  , . step")
    assert re.match(r"▀* ", lines[0])
    assert all(any(name in line for line in lines) for name in ("NOOP", "FIRE", "RIGHT", "LEFT"))
    tmux.type("Space")
    paused = tmux.wait(lambda lines: status(lines).rstrip().endswith("0.25x  paused"))
    there = step(paused)
    for key, at in [(".", 1), ("Right", 2), (",", 1), ("Left", 0), (">", 75), ("<", 0)]:
        tmux.type(key)
        moved = tmux.wait(lambda lines, at=at: step(lines) == there + at)
        assert status(moved).rstrip().endswith("paused")
    tmux.type("+", "+", "+")
    tmux.wait(lambda lines: status(lines).rstrip().endswith(" 2x  paused"))
    tmux.type("Home")
    tmux.wait(lambda lines: "paused" not in status(lines) and step(lines) < there + 60)
    tmux.type("q")
    ended = tmux.wait(lambda lines: any(line.startswith("Breakout: score") for line in lines))
    assert "step" not in status(ended)

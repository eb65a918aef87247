"""What the tests of players share: a terminal that understands them, games of plain colours."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from envs.emulators import EmulatorConfig
from envs.trace import EpisodeTrace
from harness.players.frame_cache import FrameCache
from harness.players.player import View
from harness.players.tty import Terminal

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


def game_of(*steps: np.ndarray) -> FrameCache:
    return FrameCache(lambda: iter(steps))


def shade(step: int) -> tuple[int, int, int]:
    return (step % 256, step // 256, 0)


def shades(steps: int) -> FrameCache:
    """A game whose every step has a colour of its own."""
    return FrameCache(lambda: (coloured(*[shade(step)] * 4) for step in range(steps)))

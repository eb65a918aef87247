"""A recorded episode in the terminal: the game in half blocks, the agent's Q-values beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from envs.emulators import FRAMES_PER_STEP
from envs.trace import EpisodeTrace
from harness.players.halfblocks import Cells, draw, fit, to_cells
from harness.players.tty import Terminal

FRAMES_PER_SECOND = 60
REST = 0.025
"""Least time between the end of one drawing and the next (seconds): at most every other frame is
drawn, and fewer when the terminal takes long to accept them."""
PANEL_COLUMNS = 23


@dataclass(frozen=True, eq=False)
class View:
    """What is to be seen of one moment of an episode."""

    image: npt.NDArray[np.uint8]  # [210, 160, 3]
    step: int
    """Agent steps before this one."""
    steps: int
    """Length of the episode (agent steps)."""
    score: int
    """Before this step."""
    action: int
    """Index of the action being carried out."""
    q_values: npt.NDArray[np.float32]  # [A], or [0] if unknown
    names: Sequence[str]  # [A]


@dataclass
class Canvas:
    """What a terminal shows, so that only what differs is sent."""

    size: tuple[int, int] = (0, 0)
    cells: Cells | None = None
    lines: dict[tuple[int, int], str] = field(default_factory=dict)

    def show(self, view: View, size: tuple[int, int]) -> str:
        """The codes that make a terminal of `size` (columns, rows) show `view`."""
        cleared = ""
        if size != self.size:
            self.size, self.cells, self.lines = size, None, {}
            cleared = "\x1b[2J"
        columns, rows = size
        beside = PANEL_COLUMNS if columns >= 2 * PANEL_COLUMNS else 0
        width, height = fit(columns - beside, rows - 1)
        cells = to_cells(view.image, width, height)
        picture, self.cells = draw(cells, self.cells), cells

        lines = {(rows, 1): status_line(view)[: columns - 1]}
        if beside:
            panel = panel_lines(view)[: rows - 1]
            lines |= {(1 + i, width + 2): line for i, line in enumerate(panel)}
        changed = {at: line for at, line in lines.items() if self.lines.get(at) != line}
        self.lines = lines
        text = "".join(f"\x1b[{at[0]};{at[1]}H{line}\x1b[K" for at, line in changed.items())
        return cleared + picture + text


def status_line(view: View) -> str:
    """Where the episode stands and what the agent does."""
    value = f" (Q {view.q_values[view.action]:.3f})" if len(view.q_values) else ""
    return (
        f"step {view.step + 1:,}/{view.steps:,}  score {view.score}  "
        f"{view.names[view.action]}{value}  q quits"
    )


def panel_lines(view: View) -> list[str]:
    """A line for each action with its Q-value, if known: the chosen one reversed, the best one
    bold."""
    best = int(view.q_values.argmax()) if len(view.q_values) else -1
    values = [f"{value:8.3f}" for value in view.q_values] or [""] * len(view.names)
    lines = []
    for action, (name, value) in enumerate(zip(view.names, values, strict=True)):
        weight = "\x1b[1m" if action == best else ""
        ground = "\x1b[7m" if action == view.action else ""
        lines.append(f"{weight}{ground}{name:<13}{value}\x1b[0m")
    return lines


def play(
    trace: EpisodeTrace,
    screens: Iterable[npt.NDArray[np.uint8]],
    names: Sequence[str],
    terminal: Terminal,
    speed: float = 1.0,
) -> None:
    """Show the episode until it is over or someone quits, 60 * `speed` emulator frames a second.

    `screens` are its frames, an array [k, 210, 160, 3] a step. Frames that fall due while the
    terminal is still busy are simulated but not drawn, so a slow connection shows fewer of them
    and the game keeps its pace.
    """
    canvas, started, drawn = Canvas(), terminal.now(), -1.0
    scores = np.concatenate([[0], trace.rewards.cumsum()])
    before: npt.NDArray[np.uint8] | None = None
    for step, frames in enumerate(screens):
        for i, frame in enumerate(frames):
            due = started + (FRAMES_PER_STEP * step + i) / (FRAMES_PER_SECOND * speed)
            if "q" in terminal.key(max(0.0, due - terminal.now())).lower():
                return
            # Many games draw a sprite in every other frame only: show two frames at once.
            image = frame if before is None else np.maximum(before, frame)
            before = frame
            if terminal.now() - drawn < REST:
                continue
            view = View(
                image,
                step,
                len(trace),
                int(scores[step]),
                int(trace.actions[step]),
                trace.q_values[step],
                names,
            )
            terminal.write(canvas.show(view, terminal.size()))
            drawn = terminal.now()

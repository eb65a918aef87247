"""A recorded episode in the terminal: the game in half blocks, the agent's Q-values beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.players.halfblocks import Cells, draw, fit, to_cells
from harness.players.player import View
from harness.players.transport import KEYS
from harness.players.tty import Terminal

REST = 0.025
"""Least time between two drawings (seconds): at most every other frame is drawn, and fewer where
the terminal is slow."""
VALUE_COLUMNS = 9
LEAST_BAR, MOST_BAR = 8, 24
"""Columns of a bar."""
LEAST_ROWS = 12
"""Terminals with fewer rows have no line of keys."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass
class Canvas:
    """What a terminal shows, so that only changes are sent."""

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
        below = [view.status, KEYS] if rows >= LEAST_ROWS else [view.status]
        panel_width, room = panel_columns(view, columns), rows - len(below)
        width, height = fit(columns - panel_width, room)
        cells = to_cells(view.image, width, height)
        picture, self.cells = draw(cells, self.cells), cells

        lines = {(room + 1 + i, 1): line[: columns - 1] for i, line in enumerate(below)}
        if panel_width:
            panel = panel_lines(view, columns - width - 2)[:room]
            lines |= {(1 + i, width + 2): line for i, line in enumerate(panel)}
        changed = {at: line for at, line in lines.items() if self.lines.get(at) != line}
        self.lines = lines
        text = "".join(f"\x1b[{at[0]};{at[1]}H{line}\x1b[K" for at, line in changed.items())
        return cleared + picture + text


def panel_columns(view: View, columns: int) -> int:
    """How many columns the panel and its margins take: half of the terminal's at most, without
    bars where they do not fit, 0 in narrow terminals."""
    # A free column on the left, and on the right: clearing the rest of a line would take the last
    # character there.
    text = max(map(len, view.names)) + VALUE_COLUMNS + 2
    widths = (text + 1 + LEAST_BAR, text) if view.best >= 0 else (text,)
    return next((width for width in widths if 2 * width <= columns), 0)


def panel_lines(view: View, columns: int) -> list[str]:
    """A line for each action with its Q-value, if known, and a bar where it fits. The chosen action
    is reversed, the best bold. There are no colours, so NO_COLOR changes nothing."""
    longest = max(map(len, view.names))
    bar_columns = min(columns - longest - VALUE_COLUMNS - 1, MOST_BAR)
    lines = []
    for action, name in enumerate(view.names):
        known = view.best >= 0
        value = f"{view.q_values[action]:{VALUE_COLUMNS}.3f}" if known else ""
        weight = "\x1b[1m" if action == view.best else ""
        ground = "\x1b[7m" if action == view.action else ""
        line = f"{weight}{ground}{name:<{longest}}{value}\x1b[0m"
        if known and bar_columns >= LEAST_BAR:
            line += f" {weight}{bar(float(view.shares[action]), bar_columns)}\x1b[0m"
        lines.append(line)
    return lines


def bar(share: float, columns: int) -> str:
    """A bar over `share` (0 to 1) of so many columns, to an eighth of a column."""
    whole, eighths = divmod(round(share * 8 * columns), 8)
    return "█" * whole + (_EIGHTHS[eighths] if eighths else "")


class TerminalDisplay:
    """A terminal as a player's display."""

    rest = REST

    def __init__(self, terminal: Terminal) -> None:
        self._terminal, self._canvas = terminal, Canvas()
        self.interactive = terminal.has_keys
        self.now, self.keys = terminal.now, terminal.keys

    def show(self, view: View) -> None:
        """Send what changed since the last view."""
        self._terminal.write(self._canvas.show(view, self._terminal.size()))

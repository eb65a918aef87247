"""The Q-values of an episode beside its video: a lane for each action, with its last seconds.

Each step is a column as high as the action's value, bright where the action was chosen. All actions
and the whole episode share one scale. The newest column is on the right. The name of the action
being carried out is on light ground, the name of the best one is white.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from harness.errors import UserError

WIDTH, HEIGHT = 280, 420
"""Of the strip (pixels)."""
STEPS = 90
"""Steps shown: six seconds."""
COLOURS = ((18, 18, 18), (235, 235, 235), (150, 150, 150), (70, 90, 120), (255, 170, 60))
_PAPER, _INK, _FAINT, _VALUE, _CHOSEN = COLOURS
_COLUMN = 3  # pixels a step
_MARGIN = (WIDTH - STEPS * _COLUMN) // 2
_TEXT = 14  # height of a line of text
_TALLEST = 64  # of a lane

Pixels = npt.NDArray[np.uint8]


class QValueStrip:
    """The strip of T steps with Q-values [T, A], of actions chosen [T] among names [A]; `first`
    is the step of the first picture. Raises UserError without Q-values."""

    def __init__(
        self,
        q_values: npt.NDArray[np.float32],
        actions: npt.NDArray[np.uint8],
        names: Sequence[str],
        first: int = 0,
    ) -> None:
        if not q_values.size:
            raise UserError("the episode has no Q-values to show: leave --values away")
        self._q_values, self._actions, self._names = q_values, actions, names
        self._first = first
        self._lane = min(HEIGHT // len(names), _TALLEST)
        shares = (q_values - q_values.min()) / (np.ptp(q_values) or 1.0)
        self._heights = np.rint(shares * (self._lane - _TEXT - 5)).astype(np.int64) + 1
        self._font = ImageFont.load_default(12)

    def picture(self, number: int) -> Pixels:
        """uint8 [HEIGHT, WIDTH, 3] while the action of step `first + number` is carried out."""
        step = self._first + number
        image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
        draw = ImageDraw.Draw(image)
        draw.fontmode = "1"  # no shades between: a GIF counts its colours
        best = int(self._q_values[step].argmax())
        for action, name in enumerate(self._names):
            top, chosen = action * self._lane, action == self._actions[step]
            if chosen:
                draw.rectangle((0, top, WIDTH, top + _TEXT), _INK)
            ink = _PAPER if chosen else _INK if action == best else _FAINT
            draw.text((_MARGIN, top), name, ink, self._font)
            value = f"{self._q_values[step, action]:.3f}"
            draw.text((WIDTH - _MARGIN, top), value, ink, self._font, anchor="ra")
        pixels = np.array(image)
        for action in range(len(self._names)):
            self._values(pixels[action * self._lane :][: self._lane], step, action)
        return pixels

    def _values(self, lane: Pixels, step: int, action: int) -> None:
        """Draw the last values of an action at the bottom right of its lane."""
        since = max(0, step + 1 - STEPS)
        heights = self._heights[since : step + 1, action]
        chosen = self._actions[since : step + 1] == action
        room = lane[_TEXT + 2 : self._lane - 2]
        filled = np.arange(len(room), 0, -1)[:, None] <= heights  # [rows, steps]
        colours = np.where(chosen[:, None], np.array(_CHOSEN), np.array(_VALUE)).astype(np.uint8)
        bars = np.where(filled[..., None], colours, np.array(_PAPER, np.uint8))
        right = WIDTH - _MARGIN
        room[:, right - _COLUMN * len(heights) : right] = bars.repeat(_COLUMN, axis=1)

"""A recorded episode in a window of its own, with pygame: every frame, in a television's shape.

ALE's own window (`display_screen`) shows only what it emulates at that moment, at its own pace: it
has no pause, no way back, no Q-values, no keys.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.players.halfblocks import ASPECT
from harness.players.player import View
from harness.players.transport import KEYS
from harness.text import install_line

if TYPE_CHECKING:
    import pygame

NO_SCREEN = "there is no screen to open a window on: use --in terminal, --in page or --in video"
_SCREENS = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"}
"""Wherever SDL can draw on Linux, one of them is set."""
PICTURES = ((1120, 840), (560, 420))
"""Sizes of the picture (pixels), 7 x 4 and 3.5 x 2 of them for each of the emulator's: the first
with which the window fits on the screen."""
PANEL = 300
"""Width of the Q-values beside it (pixels)."""
LINE = 22
"""Height of a line of text (pixels)."""
_PAPER, _INK, _FAINT, _BAR = (18, 18, 18), (235, 235, 235), (150, 150, 150), (90, 130, 190)


@contextmanager
def window(title: str) -> Iterator[Window]:
    """An open window. Raises UserError without pygame or without a screen."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError:
        raise UserError(f"windows need pygame-ce: {install_line('window')}") from None
    if sys.platform == "linux" and not _SCREENS & os.environ.keys():
        raise UserError(NO_SCREEN)  # before SDL prints its own message
    try:
        pygame.display.init()
        # Without a screen SDL draws to memory, which nobody would see.
        if pygame.display.get_driver() == "offscreen" and "SDL_VIDEODRIVER" not in os.environ:
            raise UserError(NO_SCREEN)
        pygame.font.init()
        pygame.display.set_caption(title)
        yield Window()
    except pygame.error as error:
        raise UserError(f"{NO_SCREEN} ({error})") from None
    finally:
        pygame.quit()


class Window:
    """A window as a player's display; `window` yields one. Closing it quits."""

    rest = 0.004
    interactive = True

    def __init__(self) -> None:
        import pygame

        self._pygame = pygame
        desktop = pygame.display.get_desktop_sizes()[0]
        sizes = [(width + PANEL, height + 2 * LINE) for width, height in PICTURES]
        fitting = (s for s in sizes if s[0] <= 0.95 * desktop[0] and s[1] <= 0.9 * desktop[1])
        pygame.display.set_mode(next(fitting, sizes[-1]), pygame.RESIZABLE)
        pygame.key.set_repeat(400, 40)
        self._font = pygame.font.Font(None, LINE)
        self._named = {
            pygame.K_LEFT: "left",
            pygame.K_RIGHT: "right",
            pygame.K_HOME: "home",
            pygame.K_PAGEUP: "pageup",
            pygame.K_PAGEDOWN: "pagedown",
            pygame.K_ESCAPE: "q",
        }

    def now(self) -> float:
        """A clock (seconds)."""
        return time.monotonic()

    def keys(self, timeout: float) -> list[str]:
        """The keys pressed within `timeout` seconds; `q` where the window was closed. Returns at
        the first event."""
        # 0 would wait for ever; rounding down would wake before the frame is due.
        first = self._pygame.event.wait(max(1, math.ceil(1000 * timeout)))
        events = [first, *self._pygame.event.get()]
        return [key for event in events if (key := self._key(event))]

    def _key(self, event: pygame.event.Event) -> str:
        if event.type == self._pygame.QUIT:
            return "q"
        if event.type != self._pygame.KEYDOWN:
            return ""
        return self._named.get(event.key) or str(event.unicode)

    def show(self, view: View) -> None:
        """Draw the picture as large as it fits, the Q-values beside it, two lines below."""
        pygame = self._pygame
        surface = pygame.display.get_surface()
        assert surface is not None
        surface.fill(_PAPER)
        columns, rows = surface.get_size()
        panel = PANEL if columns >= 2 * PANEL else 0
        size = picture_size(columns - panel, rows - 2 * LINE)
        picture = pygame.surfarray.make_surface(np.swapaxes(view.image, 0, 1))
        surface.blit(pygame.transform.scale(picture, size), (0, 0))
        self._write(surface, view.status, (8, rows - 2 * LINE + 4), _INK)
        self._write(surface, KEYS, (8, rows - LINE + 4), _FAINT)
        if panel:
            self._panel(surface, view, size[0])
        pygame.display.flip()

    def _panel(self, surface: pygame.Surface, view: View, left: int) -> None:
        """A line for each action: the chosen one reversed, the best one bright."""
        for action, name in enumerate(view.names):
            top, chosen = 8 + action * (LINE + 2), action == view.action
            if chosen:
                surface.fill(_INK, (left + 8, top, PANEL - 16, LINE))
            ink = _PAPER if chosen else _INK if action == view.best else _FAINT
            self._write(surface, name, (left + 12, top + 3), ink)
            if view.best < 0:
                continue
            bar = round(float(view.shares[action]) * (PANEL - 228))
            surface.fill(_BAR, (left + 212, top + 4, bar, LINE - 8))
            value = self._font.render(f"{view.q_values[action]:.3f}", True, ink)
            surface.blit(value, (left + 204 - value.get_width(), top + 3))

    def _write(
        self, surface: pygame.Surface, text: str, at: tuple[int, int], ink: tuple[int, int, int]
    ) -> None:
        surface.blit(self._font.render(text, True, ink), at)


def picture_size(width: int, height: int) -> tuple[int, int]:
    """The largest 4:3 picture in that much room (pixels), at least 1 of each."""
    return max(1, min(width, round(height * ASPECT))), max(1, min(height, round(width / ASPECT)))

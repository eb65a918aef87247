"""An episode in the terminal or in a window."""

from __future__ import annotations

from signal import SIGINT
from typing import Literal

from envs.episode_file import action_names
from envs.trace import EpisodeTrace, screens
from harness.players.frame_cache import FrameCache
from harness.players.player import play
from harness.players.terminal import TerminalDisplay
from harness.players.tty import full_screen
from harness.players.window import window
from harness.process.signals import exit_code


def show(
    trace: EpisodeTrace, title: str, where: Literal["terminal", "window"], speed: float
) -> None:
    """Play the episode in the terminal or in a window. Raises UserError where there is none."""
    cache, names = FrameCache(lambda: screens(trace)), action_names(trace.protocol)
    try:
        if where == "window":
            with window(title) as opened:
                play(trace, cache, names, opened, speed)
        else:
            with full_screen() as terminal:
                play(trace, cache, names, TerminalDisplay(terminal), speed)
    except KeyboardInterrupt as stop:
        if exit_code(stop) != 128 + SIGINT:  # Ctrl-C closes the player
            raise

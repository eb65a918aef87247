"""A terminal as standard output, which keeps what it receives."""

from __future__ import annotations

import io
import re
import sys

import pytest


class Screen(io.TextIOWrapper):
    """A terminal that keeps what it receives."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding)

    def isatty(self) -> bool:
        return True

    @property
    def sent(self) -> str:
        """All that came, codes among it."""
        self.flush()
        sent: bytes = self.buffer.getvalue()  # type: ignore[attr-defined]
        return sent.decode(self.encoding)

    @property
    def received(self) -> str:
        """All that came, without codes."""
        return re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", self.sent)

    def clear(self) -> None:
        """Forget what came so far."""
        self.flush()
        self.seek(0)
        self.truncate()


def on_screen(
    monkeypatch: pytest.MonkeyPatch, columns: int = 100, encoding: str = "utf-8"
) -> Screen:
    """A terminal of so many columns as standard output."""
    screen = Screen(encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", f"{columns}")
    return screen

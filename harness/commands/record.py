"""evaluate.py record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordCommand:
    """Record."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        return 0

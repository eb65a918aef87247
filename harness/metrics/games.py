"""What is told of whole games while they are played, and after."""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[int, int], None]
"""Told after every step how many episodes are over (count), and how long the longest of those that
go on is (agent steps)."""


def cut_off(truncated: int, stuck: int) -> list[str]:
    """How many games did not come to their end, for people: ["1 cut off by the frame cap"]."""
    counts = {"cut off by the frame cap": truncated, "cut off as stuck": stuck}
    return [f"{count:,} {how}" for how, count in counts.items() if count]


def how_far(over: int, total: int, longest: int) -> str:
    """Where games that are played side by side stand; `longest` is the length of the longest of
    those that go on (agent steps)."""
    rest = f", longest game at {longest:,} steps" if longest else ""
    return f"{over:,} of {total:,} games over{rest}"

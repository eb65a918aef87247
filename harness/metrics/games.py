"""What is printed about whole games while they are played, and after."""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[int, int], None]
"""Called after every step with the number of episodes that are over, and the length of the longest
that goes on (agent steps)."""


def cut_off(truncated: int, stuck: int) -> list[str]:
    """How many games did not end by themselves: ["1 cut off by the frame cap"]."""
    counts = {"cut off by the frame cap": truncated, "cut off as stuck": stuck}
    return [f"{count:,} {reason}" for reason, count in counts.items() if count]


def how_far(over: int, total: int, longest: int) -> str:
    """How many of the games are over; `longest` is the length of the longest that goes on (agent
    steps)."""
    longest_game = f", longest game at {longest:,} steps" if longest else ""
    return f"{over:,} of {total:,} games over{longest_game}"

"""Parts of the work at the same time, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


class CorePool:
    """`count` threads, the caller's among them, that do the same to one part of the work each.

    Torch's own threads split every operation instead and spin until all are through: a hundred
    appointments for one update, each of which may wait for a time slice when another program has
    one of the cores (three learners on two cores: 150 ms instead of 40). These meet a few times.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._others = ThreadPoolExecutor(max(count - 1, 1), "shard", _one_core)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """function(part) of each part, in their order; all remember gradients, or autocast, if
        the caller does."""
        alike = partial(_alike, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), function)
        others = [self._others.submit(alike, part) for part in parts[1:]]
        return [function(parts[0]), *(other.result() for other in others)]


def _alike(grad: bool, autocast: bool, function: Callable[[Part], Result], part: Part) -> Result:
    """function(part) with the settings that torch keeps for each thread."""
    with torch.set_grad_enabled(grad):
        if not autocast:
            return function(part)
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            return function(part)


def _one_core() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

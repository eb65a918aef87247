"""A pool of threads that share the work of an update, one core each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


class CorePool:
    """`count` threads, the caller's among them. Each handles one part of the work.

    Torch's own threads split every single operation and spin until all are done. They meet about
    a hundred times in an update, and each time may wait for a time slice when another program
    uses a core (three learners on two cores: 150 ms instead of 40). These meet a few times.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._helpers = ThreadPoolExecutor(max(count - 1, 1), "core", _one_core)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """function(part) of each part, in order. Gradients and autocast are on in all threads if
        they are on in the caller's. What `function` raises is raised here."""
        in_mode = partial(
            _in_mode, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), function
        )
        futures = [self._helpers.submit(in_mode, part) for part in parts[1:]]
        return [function(parts[0]), *(future.result() for future in futures)]


def _in_mode(
    with_grad: bool, with_autocast: bool, function: Callable[[Part], Result], part: Part
) -> Result:
    """function(part) with the settings that torch keeps for each thread."""
    with torch.set_grad_enabled(with_grad):
        if not with_autocast:
            return function(part)
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            return function(part)


def _one_core() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

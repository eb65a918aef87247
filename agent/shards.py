"""Parts of a batch at the same time, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

Part = TypeVar("Part")
Result = TypeVar("Result")


class Shards:
    """`count` threads, the caller's among them, that do the same to one part of a batch each.

    Torch's own threads split every operation instead and spin until all are through: a hundred
    appointments for one update, each of which waits for a time slice when another program has
    one of the cores (12 ms became 900). These meet once.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._others = ThreadPoolExecutor(max(count - 1, 1), "shard", _one_core)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """function(part) of each part, in their order."""
        others = [self._others.submit(function, part) for part in parts[1:]]
        return [function(parts[0]), *(other.result() for other in others)]

    def rows(self, function: Callable[[Tensor], Tensor], states: Tensor) -> Tensor:
        """function(states) for a function that treats each row of states [B, ...] alike."""
        count = min(self.count, len(states))
        if count == 1:
            return function(states)
        return torch.cat(self.map(function, states.tensor_split(count)))


def _one_core() -> None:
    """Settings that torch keeps for each thread."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def may_be_split(network: nn.Module) -> bool:
    """Whether parts of a batch mean the same as the whole to a network: not where it has buffers,
    which it may change, or layers that look at the whole batch or draw random numbers."""
    whole = (_BatchNorm, _DropoutNd, nn.MultiheadAttention, nn.RNNBase)
    buffers = any(True for _ in network.buffers())
    return not buffers and not any(isinstance(module, whole) for module in network.modules())

"""A batch of transitions, as the replay memory gives it to the learner."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """B transitions of up to n steps each, all on one device."""

    states: Tensor  # uint8 [B, 4, 84, 84]
    actions: Tensor  # int64 [B]
    rewards: Tensor  # float32 [B, n], raw; 0 after the window's end
    lengths: Tensor  # int64 [B], steps in the window: n, or fewer where the episode stops
    terminal: Tensor  # bool [B], the window ends the episode: nothing to bootstrap from
    next_states: Tensor  # uint8 [B, 4, 84, 84], the state `lengths` steps later

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`; no copy if it is there already."""
        return Batch(*(tensor.to(device) for tensor in self))

    def split(self, count: int) -> list[Batch]:
        """`count` parts of nearly equal size, in order."""
        return [Batch(*part) for part in zip(*(t.tensor_split(count) for t in self), strict=True)]

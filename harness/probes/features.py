"""What the layers of a network hand on for many states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agent.networks import QNetwork
from harness.probes.patterns import SIDE
from replay.ring import STACK_SIZE

LAYERS = ("conv1", "conv2", "conv3", "fc1")
_BATCH = 64


@torch.no_grad()
def features(
    network: QNetwork, states: npt.NDArray[np.uint8], layers: Sequence[str] = LAYERS
) -> dict[str, Tensor]:
    """Features of states uint8 [N, 4, 84, 84] by layer: float32 [N, C, H, W], fc1 [N, 512]."""
    parts: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for start in range(0, len(states), _BATCH):
        maps = network.features(torch.from_numpy(states[start : start + _BATCH]))
        for layer in layers:
            parts[layer].append(maps[layer].float().contiguous())
    return {layer: torch.cat(batches) for layer, batches in parts.items()}


def pitches(network: QNetwork) -> dict[str, int]:
    """Pixels of the screen from one cell of a layer's map to the next, powers of two as all strides
    of the table are; fc1 has conv3's."""
    blank = np.zeros((1, STACK_SIZE, SIDE, SIDE), np.uint8)
    maps = features(network, blank, LAYERS[:3])
    pitch = {layer: 2 ** int(np.log2(SIDE / maps[layer].shape[-1])) for layer in maps}
    return pitch | {"fc1": pitch["conv3"]}


def pixels(states: npt.NDArray[np.uint8]) -> Tensor:
    """The control without any network: the newest frames, float32 [N, 7056]."""
    return torch.from_numpy(states[:, -1]).float().flatten(1) / 255

"""Q-networks, in one table. Only the way of downsampling differs between them.

All take uint8 stacks [B, 4, 84, 84] and return float Q-values [B, actions].

    stride     conv 8x8/4 -> 20x20, conv 4x4/2 -> 9x9, conv 3x3/1 -> 7x7
    half_max   conv 8x8/2 -> 39x39, max 3/2 -> 20x20, conv 4x4/1 -> 17x17, max 3/2 -> 9x9,
               conv 3x3/1 -> 7x7

Both flatten 64x7x7 = 3136 features into FC 512 and FC actions: 1,687,206 parameters at 6 actions.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 84, 84)


class UnknownNetwork(ValueError):
    """A network name that is neither in the table nor an importable `module:Class`."""


@dataclass(frozen=True)
class Downsampling:
    """Stride of each of the three convolutions, and whether a 3x3/2 max-pool (padding 1)
    follows it."""

    strides: tuple[int, int, int]
    max_pool: tuple[bool, bool, bool]


NETWORKS = {
    "stride": Downsampling(strides=(4, 2, 1), max_pool=(False, False, False)),
    "half_max": Downsampling(strides=(2, 1, 1), max_pool=(True, True, False)),
}


class PixelConv2d(nn.Conv2d):
    """A convolution of pixels from 0 to 255 as if they were divided by 255.

    Dividing the few weights instead leaves whole numbers, which bf16 holds exactly.
    """

    def forward(self, pixels: Tensor) -> Tensor:
        convolved: Tensor = self._conv_forward(pixels, self.weight / 255, self.bias)
        return convolved


class QNetwork(nn.Module):
    """Three convolutions (32 8x8, 64 4x4, 64 3x3) and two fully connected layers (512,
    actions), of Mnih et al., "Human-level control through deep reinforcement learning",
    Nature 518 (2015), Methods. Padding is VALID throughout."""

    def __init__(self, num_actions: int, downsampling: Downsampling) -> None:
        super().__init__()
        one, two, three = downsampling.strides
        self.conv1 = PixelConv2d(INPUT_SHAPE[0], 32, 8, one)
        self.conv2 = nn.Conv2d(32, 64, 4, two)
        self.conv3 = nn.Conv2d(64, 64, 3, three)
        self.pools = nn.ModuleList(
            nn.MaxPool2d(3, 2, 1) if pooled else nn.Identity() for pooled in downsampling.max_pool
        )
        self.fc1 = nn.Linear(64 * 7 * 7, 512)
        self.fc2 = nn.Linear(512, num_actions)

    def forward(self, states: Tensor) -> Tensor:
        """uint8 [B, 4, 84, 84] -> float [B, actions]."""
        # Channels last, stacked while the pixels are still bytes.
        pixels = torch.stack(states.unbind(1), -1).permute(0, 3, 1, 2)
        x = pixels.to(self.conv1.weight.dtype)
        for conv, pool in zip((self.conv1, self.conv2, self.conv3), self.pools, strict=True):
            x = pool(torch.relu(conv(x)))
        hidden = torch.relu(self.fc1(x.flatten(1)))
        q_values: Tensor = self.fc2(hidden)
        return q_values


Init = Literal["torch", "xavier"]


def initialise(network: nn.Module, init: Init) -> None:
    """`torch` leaves U(+-1/sqrt(fan_in)) for weights and biases, which is also what Nature DQN
    used; `xavier` is Glorot-uniform weights and zero biases (Dopamine)."""
    if init == "xavier":
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def make_network(name: str, num_actions: int) -> nn.Module:
    """The network called `name` in the table, or a user's own `module:Class`, which is called
    with the number of actions.

    Raises UnknownNetwork when the name is neither, or the class does not map
    uint8 [B, 4, 84, 84] to [B, num_actions].
    """
    if name in NETWORKS:
        network: nn.Module = QNetwork(num_actions, NETWORKS[name])
    elif is_own(name):
        network = _build(name, num_actions)
    else:
        raise UnknownNetwork(
            f"unknown network {name!r}: choose from {', '.join(NETWORKS)}, or give module:Class"
        )
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def is_own(name: str) -> bool:
    """Whether a name means a user's own `module:Class`: making it runs that module's code."""
    return ":" in name


def _build(name: str, num_actions: int) -> nn.Module:
    """The user's network, tried on a batch of two."""
    found = _load(name)
    try:
        network = found(num_actions)
        with torch.no_grad():
            answer = network.eval()(torch.zeros((2, *INPUT_SHAPE), dtype=torch.uint8))
        network.train()
        shape = list(answer.shape)
    # Whatever a stranger's constructor and forward raise is about that class.
    except Exception as error:
        raise UnknownNetwork(
            f"network {name!r} fails on {num_actions} actions and uint8 [2, 4, 84, 84]: "
            f"{type(error).__name__}: {_one_line(error)}"
        ) from error
    kinds = {parameter.dtype for parameter in network.parameters() if parameter.requires_grad}
    if kinds != {torch.float32}:
        raise UnknownNetwork(f"network {name!r} must have parameters to learn, all of them float32")
    if shape != [2, num_actions]:
        raise UnknownNetwork(
            f"network {name!r} returns {shape} for a batch of 2; it must return [2, {num_actions}]"
        )
    return network


def _load(name: str) -> type[nn.Module]:
    module_name, _, class_name = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except AttributeError as error:
        raise UnknownNetwork(f"module {module_name!r} has no class {class_name!r}") from error
    except Exception as error:
        raise UnknownNetwork(
            f"cannot import {module_name!r} for network {name!r}: {_one_line(error)}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UnknownNetwork(f"{name!r} is not a torch.nn.Module class")
    return found


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

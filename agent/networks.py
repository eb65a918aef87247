"""Q-networks, in one table. Only the way of downsampling differs between them.

All take uint8 stacks [B, 4, 84, 84] and return float Q-values [B, actions]. Their convolutions
are those of Nature DQN; what follows each of them is in agent/reducers.py.

    name        conv1        conv2        conv3    reducers
    stride      8x8/4 -> 20  4x4/2 -> 9   3x3 -> 7  none
    dense_*     8x8/1 -> 77  4x4/1 -> 17  3x3 -> 7  /4 -> 20 after conv1, /2 -> 9 after conv2
    half_*      8x8/2 -> 39  4x4/1 -> 17  3x3 -> 7  /2 -> 20 after conv1, /2 -> 9 after conv2
    narrow_*    5x5/1 -> 80  3x3/1 -> 18  3x3 -> 7  /4 -> 20 after conv1, /2 -> 9 after conv2
    stride_g*p  as stride                          one value a map, spread over 7x7, after conv3
    stride_sort as stride                          the values of each map by their size, after conv3
    stride_gap64  as stride                        the mean of each map alone, 1x1, after conv3
    imagenet    8x8/4 -> 21  4x4/2 -> 5   3x3 -> 2  max-pool 2x2/2 after each -> 10, 2, 1

- `dense_sub` and `half_sub` compute the same function as `stride`.
- `narrow_*` have windows that do not overlap, and smaller kernels: the receptive field of a value
  behind conv3 is no larger than in `stride`.
- `narrow_lowpass` takes means before the rectifier, `narrow_avg` behind it.
- All but `stride_gap64` and `imagenet` flatten 64x7x7 = 3136 features into FC 512 and FC actions.
- At 6 actions they have 1,687,206 parameters, `narrow_*` 1,667,878, `stride_gap64` and `imagenet`
  (the usual layout of image classifiers) 114,342.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from agent.errors import UnknownNetwork
from agent.reducers import Average, Broadcast, Dial, Maximum, Sorted, Staggered, Subsample, blur

INPUT_SHAPE = (4, 84, 84)
Reducer = Callable[[], nn.Module]
Reducers = tuple[Reducer, Reducer, Reducer]


@dataclass(frozen=True)
class Downsampling:
    """Kernels, strides and paddings of the three convolutions, and what follows each."""

    kernels: tuple[int, int, int] = (8, 4, 3)
    strides: tuple[int, int, int] = (4, 2, 1)
    paddings: tuple[int, int, int] = (0, 0, 0)
    reducers: Reducers = (nn.Identity, nn.Identity, nn.Identity)
    features: int = 64 * 7 * 7
    """Inputs of the first fully connected layer (count)."""
    rectified_first: bool = True
    """Whether the rectifier comes before the reducer, or after it."""


def _dense(reducer: Callable[[int], nn.Module]) -> Downsampling:
    """Convolutions at stride 1, all downsampling by reducers of stride 4 and 2."""
    return Downsampling(strides=(1, 1, 1), reducers=_reduced_twice(reducer, 4, 2))


def _half(reducer: Callable[[int], nn.Module]) -> Downsampling:
    """conv1 has half of its usual stride and reducers do the rest: less than half of the
    arithmetic of `dense_*`."""
    return Downsampling(strides=(2, 1, 1), reducers=_reduced_twice(reducer, 2, 2))


def _narrow(reducer: Callable[[int], nn.Module], rectified_first: bool = True) -> Downsampling:
    """As `dense_*`, but each kernel is smaller by as much as its reducer widens the view. A mean
    before the rectifier is a strided convolution with smooth kernels, which reduces aliasing."""
    reducers = _reduced_twice(reducer, 4, 2)
    return Downsampling((5, 3, 3), (1, 1, 1), reducers=reducers, rectified_first=rectified_first)


def _reduced_twice(reducer: Callable[[int], nn.Module], first: int, second: int) -> Reducers:
    """Reducers of these strides after conv1 and conv2."""
    return partial(reducer, first), partial(reducer, second), nn.Identity


def _after_conv3(reducer: Reducer) -> Downsampling:
    """`stride` with a reducer after conv3."""
    return Downsampling(reducers=(nn.Identity, nn.Identity, reducer))


_REDUCERS = {
    "sub": Subsample,
    "stagger": Staggered,
    "max": Maximum,
    "avg": Average,
    "blur": blur,
}
_POOL_2X2 = partial(nn.MaxPool2d, 2, 2)

NETWORKS: dict[str, Downsampling] = {
    "stride": Downsampling(),
    **{f"dense_{name}": _dense(reducer) for name, reducer in _REDUCERS.items()},
    **{f"half_{name}": _half(reducer) for name, reducer in _REDUCERS.items()},
    "stride_gap": _after_conv3(partial(Broadcast, "avg")),
    "stride_gmp": _after_conv3(partial(Broadcast, "max")),
    "stride_sort": _after_conv3(Sorted),
    "stride_gap64": Downsampling(
        reducers=(nn.Identity, nn.Identity, partial(nn.AdaptiveAvgPool2d, 1)), features=64
    ),
    "narrow_sub": _narrow(Subsample),
    "narrow_max": _narrow(nn.MaxPool2d),
    "narrow_avg": _narrow(nn.AvgPool2d),
    "narrow_lowpass": _narrow(nn.AvgPool2d, rectified_first=False),
    "imagenet": Downsampling(
        paddings=(2, 1, 1), reducers=(_POOL_2X2, _POOL_2X2, _POOL_2X2), features=64
    ),
}
DIAL = "dial:"
"""Prefix of the names of the continuous family: dial:SIGMA,BETA."""


def dial_of(name: str) -> tuple[float, float] | None:
    """(sigma, beta), each from 0 to inf, of a name dial:SIGMA,BETA; None for any other name."""
    if not name.startswith(DIAL):
        return None
    try:
        sigma, beta = (float(number) for number in name.removeprefix(DIAL).split(","))
    except ValueError:
        return None
    # A comparison with nan is never true.
    return (sigma, beta) if min(sigma, beta) >= 0 else None


def downsampling(name: str) -> Downsampling | None:
    """The downsampling of a network of the table or of dial:SIGMA,BETA; None for other names."""
    dial = dial_of(name)
    if dial is None:
        return NETWORKS.get(name)
    return _dense(partial(Dial, sigma=dial[0], beta=dial[1]))


class PixelConv2d(nn.Conv2d):
    """A convolution of pixels 0 to 255 that are to be divided by 255.

    It divides the weights instead: pixels stay whole numbers, which bf16 holds exactly.
    """

    def forward(self, pixels: Tensor) -> Tensor:
        convolved: Tensor = self._conv_forward(pixels, self.weight / 255, self.bias)
        return convolved


class QNetwork(nn.Module):
    """The network of Mnih et al., "Human-level control through deep reinforcement learning",
    Nature 518 (2015), Methods: three convolutions (32 8x8, 64 4x4, 64 3x3) and two fully connected
    layers (512, actions). A row of the table may change kernels, strides and paddings (only
    `imagenet` pads), and add reducers."""

    def __init__(self, num_actions: int, downsampling: Downsampling) -> None:
        super().__init__()
        first, second, third = zip(
            downsampling.kernels, downsampling.strides, downsampling.paddings, strict=True
        )
        self.conv1 = PixelConv2d(INPUT_SHAPE[0], 32, *first)
        self.conv2 = nn.Conv2d(32, 64, *second)
        self.conv3 = nn.Conv2d(64, 64, *third)
        self.reducers = nn.ModuleList(reducer() for reducer in downsampling.reducers)
        self.rectified_first = downsampling.rectified_first
        self.fc1 = nn.Linear(downsampling.features, 512)
        self.fc2 = nn.Linear(512, num_actions)

    def forward(self, states: Tensor) -> Tensor:
        """uint8 [B, 4, 84, 84] -> float [B, actions]."""
        q_values: Tensor = self.fc2(self.hidden(self.convolve(states)))
        return q_values

    def convolve(self, states: Tensor) -> Tensor:
        """Input of the fully connected layers: uint8 [B, 4, 84, 84] -> float [B, features]."""
        return self._maps(states)["conv3"].flatten(1)

    def hidden(self, features: Tensor, fc1: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """float [B, features] -> float [B, 512]. A given `fc1` replaces the layer of that name."""
        return (fc1 or self.fc1)(features).relu_()

    def features(self, states: Tensor) -> dict[str, Tensor]:
        """Each layer's output for states uint8 [B, 4, 84, 84], by the layer's name: maps
        [B, C, H, W] of `conv1`, `conv2` and `conv3` behind their reducers, and `fc1` [B, 512]."""
        maps = self._maps(states)
        return maps | {"fc1": self.hidden(maps["conv3"].flatten(1))}

    def _maps(self, states: Tensor) -> dict[str, Tensor]:
        # Channels last. Pixels are rearranged as bytes, which are fewer than floats.
        pixels = torch.stack(states.unbind(1), -1).permute(0, 3, 1, 2)
        x, maps = pixels.to(self.conv1.weight.dtype), {}
        layers = ("conv1", self.conv1), ("conv2", self.conv2), ("conv3", self.conv3)
        for (name, conv), reducer in zip(layers, self.reducers, strict=True):
            x = conv(x)
            x = maps[name] = reducer(x.relu_()) if self.rectified_first else reducer(x).relu_()
        return maps


Init = Literal["torch", "xavier"]


def initialise(network: nn.Module, init: Init) -> None:
    """Draw initial weights. `torch` keeps U(+-1/sqrt(fan_in)) for weights and biases, as in Nature
    DQN; `xavier` is Glorot-uniform weights and zero biases, as in Dopamine."""
    if init == "xavier":
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def make_network(name: str, num_actions: int) -> nn.Module:
    """The network called `name`: of the table, dial:SIGMA,BETA, or a user's own `module:Class`,
    whose constructor gets the number of actions.

    Raises UnknownNetwork for any other name, and for a class that does not map
    uint8 [B, 4, 84, 84] to [B, num_actions].
    """
    row = downsampling(name)
    if row:
        network: nn.Module = QNetwork(num_actions, row)
    elif is_user_network(name):
        network = _user_network(name, num_actions)
    elif name.startswith(DIAL):
        raise UnknownNetwork(f"network {name!r}: give dial:SIGMA,BETA, two numbers from 0 to inf")
    else:
        matches = difflib.get_close_matches(name.lower(), NETWORKS)
        raise UnknownNetwork(
            f"unknown network {name!r}: did you mean {', '.join(matches)}?"
            if matches
            else f"unknown network {name!r}: choose from {', '.join(NETWORKS)}, dial:SIGMA,BETA "
            "(0 to inf each), or give module:Class"
        )
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def is_user_network(name: str) -> bool:
    """Whether a name is a user's own `module:Class`. Making that network runs the module's code."""
    return ":" in name and not name.startswith(DIAL)


def _user_network(name: str, num_actions: int) -> nn.Module:
    """The user's network, once it has passed a test on a batch of two."""
    network_class = _user_class(name)
    try:
        network = network_class(num_actions)
        with torch.no_grad():
            q_values = network.eval()(torch.zeros((2, *INPUT_SHAPE), dtype=torch.uint8))
        network.train()
        shape = list(q_values.shape)
    # Any exception of a user's constructor or forward is a fault of that class.
    except Exception as error:
        raise UnknownNetwork(
            f"network {name!r} fails on {num_actions} actions and uint8 [2, 4, 84, 84]: "
            f"{type(error).__name__}: {_one_line(error)}"
        ) from error
    dtypes = {parameter.dtype for parameter in network.parameters() if parameter.requires_grad}
    if dtypes != {torch.float32}:
        raise UnknownNetwork(f"network {name!r} must have parameters to learn, all of them float32")
    if shape != [2, num_actions]:
        raise UnknownNetwork(
            f"network {name!r} returns {shape} for a batch of 2; it must return [2, {num_actions}]"
        )
    return network


def _user_class(name: str) -> type[nn.Module]:
    module_name, _, class_name = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        network_class = getattr(importlib.import_module(module_name), class_name)
    except AttributeError as error:
        raise UnknownNetwork(f"module {module_name!r} has no class {class_name!r}") from error
    except Exception as error:
        raise UnknownNetwork(
            f"cannot import {module_name!r} for network {name!r}: {_one_line(error)}"
        ) from error
    if not (isinstance(network_class, type) and issubclass(network_class, nn.Module)):
        raise UnknownNetwork(f"{name!r} is not a torch.nn.Module class")
    return network_class


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

"""What distinguishes the networks of the table, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agent.networks import INPUT_SHAPE, QNetwork, make_network
from agent.reducers import Broadcast, Sorted, Subsample, Weighted


@dataclass(frozen=True)
class Size:
    """Figures of a network."""

    name: str
    parameters: int
    macs: int
    """Multiplications of convolutions and fully connected layers for one state (count)."""
    shapes: tuple[str, ...]
    """What each layer makes, a convolution and its reducer as `77-20`."""
    receptive_field: int | None
    """Pixels in a row that one value behind conv3 sees; None for all."""


def size_of(name: str, num_actions: int) -> Size:
    """The figures of a network of the table or of one's own. Raises UnknownNetwork."""
    network = make_network(name, num_actions).eval()
    macs, shapes = _passes(network)
    field = _receptive_field(network) if isinstance(network, QNetwork) else None
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Size(name, parameters, macs, shapes, field)


def _passes(network: nn.Module) -> tuple[int, tuple[str, ...]]:
    """Multiplications of one state, and the shapes behind convolutions and reducers."""
    macs, shapes = 0, []

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal macs
        if isinstance(module, nn.Conv2d):
            window = module.kernel_size[0] * module.kernel_size[1]
            macs += output[0].numel() * window * module.in_channels // module.groups
            shapes.append(str(output.shape[-1]))
        elif isinstance(module, nn.Linear):
            macs += module.in_features * module.out_features
            shapes.append(str(module.out_features))
        elif shapes and output.dim() == 4 and str(output.shape[-1]) != shapes[-1]:
            shapes[-1] += f"-{output.shape[-1]}"

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    with torch.no_grad():
        network(torch.zeros((1, *INPUT_SHAPE), dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return macs, tuple(shapes)


def _receptive_field(network: QNetwork) -> int | None:
    """r + (k - 1) j for each window k, where a step of its input is j pixels (Araujo et al. 2019,
    Computing receptive fields of convolutional neural networks, eq. 2)."""
    field, jump = 1, 1
    for conv, reducer in zip(
        (network.conv1, network.conv2, network.conv3), network.reducers, strict=True
    ):
        if isinstance(reducer, Broadcast | Sorted):
            return None
        for window, stride in ((conv.kernel_size[0], conv.stride[0]), _window(reducer)):
            field, jump = field + (window - 1) * jump, jump * stride
    return field


def _window(reducer: Any) -> tuple[int, int]:
    """Window and stride of a reducer."""
    if isinstance(reducer, nn.Identity):
        return 1, 1
    if isinstance(reducer, Subsample):
        return 1, reducer.stride
    if isinstance(reducer, Weighted):
        rows = {row for row, _, _ in reducer.places}
        return max(rows) - min(rows) + 1, reducer.stride
    return reducer.kernel_size, reducer.stride

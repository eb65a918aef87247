"""Parameters, multiplications, shapes and receptive field of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agent.networks import INPUT_SHAPE, QNetwork, make_network
from agent.reducers import Broadcast, Sorted, Subsample, Weighted


@dataclass(frozen=True)
class NetworkSize:
    """The size of a network."""

    name: str
    parameters: int
    """Weights and biases (count)."""
    macs: int
    """Multiplications of convolutions and fully connected layers for one state (count)."""
    shapes: tuple[str, ...]
    """Output of each layer: the side of a map, or the width of a fully connected layer. `77-20` is
    a convolution and its reducer."""
    receptive_field: int | None
    """Side of the receptive field of a value behind conv3 (pixels); None for the whole frame."""


def size_of(name: str, num_actions: int) -> NetworkSize:
    """The size of a network of the table or of a user's own. Raises UnknownNetwork."""
    network = make_network(name, num_actions).eval()
    macs, shapes = _count_macs(network)
    field = _receptive_field(network) if isinstance(network, QNetwork) else None
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return NetworkSize(name, parameters, macs, shapes, field)


def _count_macs(network: nn.Module) -> tuple[int, tuple[str, ...]]:
    """Multiplications for one state, and the layers' shapes as in NetworkSize."""
    macs, shapes = 0, []

    def record(module: nn.Module, _: Any, output: Tensor) -> None:
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
    hooks = [module.register_forward_hook(record) for module in leaves]
    with torch.no_grad():
        network(torch.zeros((1, *INPUT_SHAPE), dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return macs, tuple(shapes)


def _receptive_field(network: QNetwork) -> int | None:
    """Side of the receptive field (pixels). Each window k adds (k - 1) j, where a step of its input
    is j pixels (Araujo et al. 2019, Computing receptive fields of convolutional neural networks,
    eq. 2)."""
    field, jump = 1, 1
    for conv, reducer in zip(
        (network.conv1, network.conv2, network.conv3), network.reducers, strict=True
    ):
        if isinstance(reducer, Broadcast | Sorted | nn.AdaptiveAvgPool2d):
            return None
        for window, stride in ((conv.kernel_size[0], conv.stride[0]), _window(reducer)):
            field, jump = field + (window - 1) * jump, jump * stride
    return field


def _window(reducer: Any) -> tuple[int, int]:
    if isinstance(reducer, nn.Identity):
        return 1, 1
    if isinstance(reducer, Subsample):
        return 1, reducer.stride
    if isinstance(reducer, Weighted):
        rows = {row for row, _, _ in reducer.places}
        return max(rows) - min(rows) + 1, reducer.stride
    return reducer.kernel_size, reducer.stride

"""A network whose work several cores share: rows of the batch through the convolutions, units of
the first fully connected layer.

That layer holds 95% of the weights. Cores with half a batch each would all read the whole of it,
and leave as many gradients of the whole of it to be added up; each with half of its units reads
and writes half.

    cores   states      features      hidden        Q-values
    A       rows 0-15 \\  rows 0-31 -> units 0-255   \\
                       >                              > fc2 and the loss, by one core
    B       rows 16-31/  rows 0-31 -> units 256-511 /

Gradients go the same way back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from agent.core_pool import CorePool
from agent.networks import QNetwork

Compute = Callable[[Tensor], Tensor]


def split(network: nn.Module, shards: CorePool) -> Compute:
    """The same function of states [B, 4, 84, 84], but for rounding, with its work shared."""
    if shards.count == 1:
        return network
    if type(network) is not QNetwork:
        return partial(_shared_rows, shards, network, _learnable(network))
    layers = nn.ModuleList((network.conv1, network.conv2, network.conv3, network.reducers))
    convolve = partial(_shared_rows, shards, network.convolve, _learnable(layers))

    def fc1(features: Tensor) -> Tensor:
        layer = network.fc1
        result: Tensor = _Units.apply(shards, features, layer.weight, layer.bias)  # type: ignore[no-untyped-call]
        return result

    return lambda states: network.fc2(network.hidden(convolve(states), fc1))


def may_be_split(network: nn.Module) -> bool:
    """Whether parts of a batch mean the same as the whole to a network: not where it has buffers,
    which it may change, layers that look at the whole batch or draw random numbers, or hooks on
    gradients of parameters, which would run for each part and once more for their sum."""
    whole = (_BatchNorm, _DropoutNd, nn.MultiheadAttention, nn.RNNBase)
    buffers = any(True for _ in network.buffers())
    hooks = any(parameter._backward_hooks for parameter in network.parameters())
    layers = any(isinstance(module, whole) for module in network.modules())
    return not (buffers or hooks or layers)


def _learnable(module: nn.Module) -> tuple[nn.Parameter, ...]:
    return tuple(parameter for parameter in module.parameters() if parameter.requires_grad)


def _shared_rows(
    shards: CorePool, function: Compute, parameters: tuple[nn.Parameter, ...], states: Tensor
) -> Tensor:
    """function(states) for a function that treats each row of states [B, ...] alike."""
    parts = states.tensor_split(min(shards.count, len(states)))
    if len(parts) == 1:
        return function(states)
    if parameters and torch.is_grad_enabled():
        result: Tensor = _Rows.apply(shards, function, parts, *parameters)  # type: ignore[no-untyped-call]
        return result
    return torch.cat(shards.map(function, parts))


class _Rows(torch.autograd.Function):
    """A function of rows, some of them by each shard; the gradients of its parameters are those of
    the parts, summed in their order."""

    @staticmethod
    def forward(
        ctx: Any,
        shards: CorePool,
        function: Compute,
        parts: tuple[Tensor, ...],
        *parameters: Tensor,
    ) -> Tensor:
        with torch.enable_grad():
            ctx.parts = shards.map(function, parts)
        ctx.shards, ctx.parameters = shards, parameters
        return torch.cat([part.detach() for part in ctx.parts])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradients = gradient.tensor_split(len(ctx.parts))
        total, *others = ctx.shards.map(
            lambda i: torch.autograd.grad(
                ctx.parts[i], ctx.parameters, gradients[i], materialize_grads=True
            ),
            range(len(ctx.parts)),
        )
        for other in others:
            # Not in place: a gradient may be one number seen as many.
            total = torch._foreach_add(total, other)
        return None, None, None, *total


class _Units(torch.autograd.Function):
    """F.linear(x [B, I], weight [U, I], bias [U]) -> [B, U], some of the units by each shard."""

    @staticmethod
    def forward(ctx: Any, shards: CorePool, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shards = shards
        weights, biases = weight.tensor_split(shards.count), bias.tensor_split(shards.count)
        parts = shards.map(lambda i: F.linear(x, weights[i], biases[i]), range(shards.count))
        return torch.cat(parts, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        count = ctx.shards.count
        of_weight = torch.empty_like(weight)
        weights, rows = weight.tensor_split(count), of_weight.tensor_split(count)
        columns = gradient.tensor_split(count, 1)

        def part(i: int) -> Tensor:
            torch.mm(columns[i].t(), x, out=rows[i])
            of_rows: Tensor = columns[i] @ weights[i]
            return of_rows

        of_x, *others = ctx.shards.map(part, range(count))
        for other in others:
            of_x += other
        return None, of_x, of_weight, gradient.sum(0)

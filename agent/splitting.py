"""A network whose work several cores share. The convolutions are split by rows of the batch, the
first fully connected layer by its units.

That layer holds 95% of the weights. If it were split by rows, each core would read all of its
weights and write a gradient of that size, and these would have to be summed. Split by units, each
of two cores reads and writes half.

    cores   states      features      hidden        Q-values
    A       rows 0-15 \\  rows 0-31 -> units 0-255   \\
                       >                              > fc2 and the loss, by one core
    B       rows 16-31/  rows 0-31 -> units 256-511 /

Gradients take the same way back.
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


def split(network: nn.Module, pool: CorePool) -> Compute:
    """The network as a function of states [B, 4, 84, 84] whose work the pool shares. Its results
    are the same but for rounding."""
    if pool.count == 1:
        return network
    if type(network) is not QNetwork:
        return partial(_split_rows, pool, network, _learnable(network))
    layers = nn.ModuleList((network.conv1, network.conv2, network.conv3, network.reducers))
    convolve = partial(_split_rows, pool, network.convolve, _learnable(layers))

    def fc1(features: Tensor) -> Tensor:
        layer = network.fc1
        result: Tensor = _SplitUnits.apply(pool, features, layer.weight, layer.bias)  # type: ignore[no-untyped-call]
        return result

    return lambda states: network.fc2(network.hidden(convolve(states), fc1))


def may_be_split(network: nn.Module) -> bool:
    """Whether a network gives the same results for parts of a batch as for the whole. It may not
    for one with buffers, which it may change; with layers that look across the batch or draw
    random numbers; or with hooks on parameters' gradients, which would run for each part and once
    more for their sum."""
    batchwide = (_BatchNorm, _DropoutNd, nn.MultiheadAttention, nn.RNNBase)
    buffers = any(True for _ in network.buffers())
    hooks = any(parameter._backward_hooks for parameter in network.parameters())
    looks_at_batch = any(isinstance(module, batchwide) for module in network.modules())
    return not (buffers or hooks or looks_at_batch)


def _learnable(module: nn.Module) -> tuple[nn.Parameter, ...]:
    return tuple(parameter for parameter in module.parameters() if parameter.requires_grad)


def _split_rows(
    pool: CorePool, function: Compute, parameters: tuple[nn.Parameter, ...], states: Tensor
) -> Tensor:
    """function(states) for a function that treats the rows of states [B, ...] independently."""
    parts = states.tensor_split(min(pool.count, len(states)))
    if len(parts) == 1:
        return function(states)
    if parameters and torch.is_grad_enabled():
        result: Tensor = _SplitRows.apply(pool, function, parts, *parameters)  # type: ignore[no-untyped-call]
        return result
    return torch.cat(pool.map(function, parts))


class _SplitRows(torch.autograd.Function):
    """A function of rows, split among cores. The parts' gradients are summed in order."""

    @staticmethod
    def forward(
        ctx: Any,
        pool: CorePool,
        function: Compute,
        parts: tuple[Tensor, ...],
        *parameters: Tensor,
    ) -> Tensor:
        with torch.enable_grad():
            ctx.parts = pool.map(function, parts)
        ctx.pool, ctx.parameters = pool, parameters
        return torch.cat([part.detach() for part in ctx.parts])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradients = gradient.tensor_split(len(ctx.parts))
        total, *others = ctx.pool.map(
            lambda i: torch.autograd.grad(
                ctx.parts[i], ctx.parameters, gradients[i], materialize_grads=True
            ),
            range(len(ctx.parts)),
        )
        for other in others:
            # Not in place: a gradient may be an expanded view of a single number.
            total = torch._foreach_add(total, other)
        return None, None, None, *total


class _SplitUnits(torch.autograd.Function):
    """F.linear(x [B, I], weight [U, I], bias [U]) -> [B, U], with the units split among cores."""

    @staticmethod
    def forward(ctx: Any, pool: CorePool, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.pool = pool
        weights, biases = weight.tensor_split(pool.count), bias.tensor_split(pool.count)
        parts = pool.map(lambda i: F.linear(x, weights[i], biases[i]), range(pool.count))
        return torch.cat(parts, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        count = ctx.pool.count
        weight_gradient = torch.empty_like(weight)
        weights, weight_gradients = weight.tensor_split(count), weight_gradient.tensor_split(count)
        columns = gradient.tensor_split(count, 1)

        def gradients_of(i: int) -> Tensor:
            torch.mm(columns[i].t(), x, out=weight_gradients[i])
            partial_gradient: Tensor = columns[i] @ weights[i]
            return partial_gradient

        x_gradient, *others = ctx.pool.map(gradients_of, range(count))
        for other in others:
            x_gradient += other
        return None, x_gradient, weight_gradient, gradient.sum(0)

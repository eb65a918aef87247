"""An optimizer whose work is cut into equal slices, whatever the shapes of the parameters.

One fully connected layer holds 95% of the weights, so cores cannot share the work by layers.
All parameters therefore lie in one vector, and each core updates one slice of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from agent.core_pool import CorePool
from agent.optimizers import STATE_KEYS, OptimizerName, make_optimizer

ALIGNMENT = 64
"""Each parameter starts at a multiple of this (elements): vector instructions are faster then."""


class FlatOptimizer:
    """An optimizer whose weights, gradients and moments are vectors [N], cut into one slice for
    each core of `pool`.

    `compute_weights` are what the network computes with: each is the parameter itself, or a copy
    of it in another dtype that every step updates.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        compute_weights: Sequence[Tensor],
        name: OptimizerName,
        learning_rate: float,
        epsilon: float,
        pool: CorePool,
    ) -> None:
        self._parameters = dict(parameters)
        self._keys = STATE_KEYS[name]
        self._pool = pool
        self._weights = self._flatten_parameters()
        gradients = torch.zeros_like(self._weights)
        views = self._views(gradients)
        for parameter, view in zip(self._parameters.values(), views, strict=True):
            parameter.grad = view
        self._slices = [nn.Parameter(weights) for weights in self._weights.tensor_split(pool.count)]
        for weights, gradient in zip(self._slices, gradients.tensor_split(pool.count), strict=True):
            weights.grad = gradient
        self._optimizers = [
            make_optimizer(name, [weights], learning_rate, epsilon) for weights in self._slices
        ]
        self._spans = self._slice_spans()
        self._gradients = [self._slice_of(index, views) for index in range(pool.count)]
        masters = list(self._parameters.values())
        both = (compute_weights, masters)
        copied = [i for i, weight in enumerate(compute_weights) if weight is not masters[i]]
        self._copies = [
            [[self._slice_of(index, tensors)[i] for i in copied] for tensors in both]
            for index in range(pool.count)
        ]

    def step(self, gradients: Sequence[Tensor], max_norm: float) -> Tensor:
        """Take a step along gradients of any dtype, in the parameters' order, after scaling them
        down to `max_norm` (0: no scaling). Returns their norm [] before scaling."""
        slices = range(self._pool.count)
        squared_norms = self._pool.map(lambda index: self._copy_gradients(index, gradients), slices)
        norm = torch.stack(squared_norms).sum().sqrt()
        scale = (max_norm / (norm + 1e-6)).clamp(max=1) if max_norm else None
        self._pool.map(lambda index: self._step_slice(index, scale), slices)
        return norm

    def _copy_gradients(self, index: int, gradients: Sequence[Tensor]) -> Tensor:
        """Copy a slice of the gradients; returns the square [] of its norm."""
        torch._foreach_copy_(self._gradients[index], self._slice_of(index, gradients))
        norm: Tensor = torch.linalg.vector_norm(self._slices[index].grad)
        return norm.square()

    def _step_slice(self, index: int, scale: Tensor | None) -> None:
        """Step a slice of the weights along its gradient times `scale` [], and update copies."""
        gradient = self._slices[index].grad
        if scale is not None and gradient is not None:
            gradient.mul_(scale)
        self._optimizers[index].step()
        copies, weights = self._copies[index]
        if copies:  # none in fp32
            torch._foreach_copy_(copies, weights)

    def state(self) -> dict[str, Tensor]:
        """The optimizer's state as `<parameter>.<key>`; empty before its first step."""
        states = [self._state(index) for index in range(len(self._slices))]
        if not states[0]:
            return {}
        tensors = {}
        for key in self._keys:
            slices = [state[key] for state in states]
            values = [slices[0]] * len(self._parameters)
            if key != "step":
                values = self._views(torch.cat(slices))
            for name, value in zip(self._parameters, values, strict=True):
                tensors[f"{name}.{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` returned. Raises RuntimeError when names or shapes differ."""
        expected = {f"{name}.{key}" for name in self._parameters for key in self._keys}
        if tensors and tensors.keys() != expected:
            raise RuntimeError(f"optimizer state differs in {min(tensors.keys() ^ expected)}")
        for key in self._keys if tensors else ():
            saved = [tensors[f"{name}.{key}"] for name in self._parameters]
            if key == "step":
                parts = [saved[0].to(self._weights.device, copy=True) for _ in self._slices]
            else:
                parts = self._joined(key, saved)
            for index, value in enumerate(parts):
                self._state(index)[key] = value

    def _joined(self, key: str, saved: list[Tensor]) -> list[Tensor]:
        """The slices of one kind of state, joined over all parameters."""
        vector = torch.zeros_like(self._weights)
        for name, view, value in zip(self._parameters, self._views(vector), saved, strict=True):
            if value.shape != view.shape:
                raise RuntimeError(f"optimizer.{name}.{key} has shape {list(value.shape)}")
            view.copy_(value)
        return [part.clone() for part in vector.tensor_split(len(self._slices))]

    def _state(self, index: int) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self._optimizers[index].state[self._slices[index]]
        return state

    def _flatten_parameters(self) -> Tensor:
        """Make every parameter a view of one vector [N] of all weights, which is returned."""
        parameters = list(self._parameters.values())
        size = sum(_padded_size(parameter) for parameter in parameters)
        vector = torch.zeros(size, dtype=parameters[0].dtype, device=parameters[0].device)
        for parameter, view in zip(parameters, self._views(vector), strict=True):
            view.copy_(parameter.detach())
            parameter.data = view
        return vector

    def _slice_spans(self) -> list[list[slice]]:
        """For each slice, its range of elements of each parameter, in memory order."""
        borders = list(accumulate((len(part) for part in self._slices), initial=0))
        spans: list[list[slice]] = [[] for _ in self._slices]
        start = 0
        for parameter in self._parameters.values():
            clipped = [min(max(cut - start, 0), parameter.numel()) for cut in borders]
            for span_list, ends in zip(spans, pairwise(clipped), strict=True):
                span_list.append(slice(*ends))
            start += _padded_size(parameter)
        return spans

    def _slice_of(self, index: int, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The elements [n] of tensors with the parameters' shapes that belong to a slice."""
        rows = zip(tensors, self._parameters.values(), self._spans[index], strict=True)
        return [_in_memory_order(tensor, like)[span] for tensor, like, span in rows]

    def _views(self, vector: Tensor) -> list[Tensor]:
        """Views of a vector [N], one for each parameter, with its shape and memory layout."""
        parameters = list(self._parameters.values())
        parts = torch.split(vector, [_padded_size(parameter) for parameter in parameters])
        return [
            # The layout of a fresh copy: a parameter may be a view with gaps.
            part.as_strided(parameter.shape, torch.empty_like(parameter).stride())
            for part, parameter in zip(parts, parameters, strict=True)
        ]


def _in_memory_order(tensor: Tensor, like: Tensor) -> Tensor:
    """The elements [n] of a tensor in the memory order of `like`: a view if both have the same
    strides, else a copy."""
    if tensor.stride() != like.stride():
        tensor = torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)
    return tensor.detach().as_strided((tensor.numel(),), (1,))


def _padded_size(parameter: Tensor) -> int:
    return -(-parameter.numel() // ALIGNMENT) * ALIGNMENT

"""An optimizer whose work is cut into equal slices, whatever the shapes of the parameters.

One fully connected layer holds 95% of the weights, so cores cannot share the work by layers.
All parameters therefore lie in one stretch of memory, of which each shard owns a slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from agent.core_pool import CorePool
from agent.optimizers import STATE_KEYS, OptimizerName, make_optimizer

ALIGNMENT = 64
"""Each parameter starts at a multiple of this (elements), as vector instructions like it."""


class FlatOptimizer:
    """Weights, gradients and averages of an optimizer, each as one vector [N] cut in slices, which
    shards move at the same time.

    Each parameter's follower is the parameter itself or a copy of another dtype, which gets its
    new value in every step.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        followers: Sequence[Tensor],
        name: OptimizerName,
        learning_rate: float,
        epsilon: float,
        shards: CorePool,
    ) -> None:
        self._parameters = dict(parameters)
        self._keys = STATE_KEYS[name]
        self._shards = shards
        self._weights = self._move_together()
        gradients = torch.zeros_like(self._weights)
        views = self._views(gradients)
        for parameter, view in zip(self._parameters.values(), views, strict=True):
            parameter.grad = view
        self._slices = [nn.Parameter(part) for part in self._weights.tensor_split(shards.count)]
        for part, gradient in zip(self._slices, gradients.tensor_split(shards.count), strict=True):
            part.grad = gradient
        self._optimizers = [
            make_optimizer(name, [part], learning_rate, epsilon) for part in self._slices
        ]
        self._spans = self._cut()
        self._gradients = [self._pieces(index, views) for index in range(shards.count)]
        weights = list(self._parameters.values())
        copies = [i for i, follower in enumerate(followers) if follower is not weights[i]]
        self._copies = [
            [[self._pieces(index, tensors)[i] for i in copies] for tensors in (followers, weights)]
            for index in range(shards.count)
        ]

    def step(self, gradients: Sequence[Tensor], max_norm: float) -> Tensor:
        """Move the weights along gradients of any dtype, in the parameters' order, that are scaled
        down to `max_norm` (0 leaves them alone). Their norm [] before that."""
        slices = range(self._shards.count)
        squares = self._shards.map(lambda index: self._take(index, gradients), slices)
        norm = torch.stack(squares).sum().sqrt()
        scale = (max_norm / (norm + 1e-6)).clamp(max=1) if max_norm else None
        self._shards.map(lambda index: self._move(index, scale), slices)
        return norm

    def _take(self, index: int, gradients: Sequence[Tensor]) -> Tensor:
        """Keep a slice of the gradients; the square of its norm []."""
        torch._foreach_copy_(self._gradients[index], self._pieces(index, gradients))
        norm: Tensor = torch.linalg.vector_norm(self._slices[index].grad)
        return norm.square()

    def _move(self, index: int, scale: Tensor | None) -> None:
        """Move a slice of the weights, and what follows it, along its gradient times `scale` []."""
        gradient = self._slices[index].grad
        if scale is not None and gradient is not None:
            gradient.mul_(scale)
        self._optimizers[index].step()
        followers, weights = self._copies[index]
        if followers:  # none in fp32
            torch._foreach_copy_(followers, weights)

    def state(self) -> dict[str, Tensor]:
        """What the optimizer keeps, as `<parameter>.<key>`; nothing before its first step."""
        states = [self._state(index) for index in range(len(self._slices))]
        if not states[0]:
            return {}
        tensors = {}
        for key in self._keys:
            parts = [state[key] for state in states]
            whole = [parts[0]] * len(self._parameters)
            if key != "step":
                whole = self._views(torch.cat(parts))
            for name, value in zip(self._parameters, whole, strict=True):
                tensors[f"{name}.{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `state` returned. Raises RuntimeError when names or shapes differ."""
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
        """One average of all parameters as slices."""
        vector = torch.zeros_like(self._weights)
        for name, view, value in zip(self._parameters, self._views(vector), saved, strict=True):
            if value.shape != view.shape:
                raise RuntimeError(f"optimizer.{name}.{key} has shape {list(value.shape)}")
            view.copy_(value)
        return [part.clone() for part in vector.tensor_split(len(self._slices))]

    def _state(self, index: int) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self._optimizers[index].state[self._slices[index]]
        return state

    def _move_together(self) -> Tensor:
        """The vector of all weights, of which every parameter becomes a view."""
        parameters = list(self._parameters.values())
        size = sum(_room(parameter) for parameter in parameters)
        vector = torch.zeros(size, dtype=parameters[0].dtype, device=parameters[0].device)
        for parameter, view in zip(parameters, self._views(vector), strict=True):
            view.copy_(parameter.detach())
            parameter.data = view
        return vector

    def _cut(self) -> list[list[slice]]:
        """Which elements of each parameter, in the order of its memory, each slice holds."""
        cuts = list(accumulate((len(part) for part in self._slices), initial=0))
        spans: list[list[slice]] = [[] for _ in self._slices]
        start = 0
        for parameter in self._parameters.values():
            inside = [min(max(cut - start, 0), parameter.numel()) for cut in cuts]
            for held, ends in zip(spans, pairwise(inside), strict=True):
                held.append(slice(*ends))
            start += _room(parameter)
        return spans

    def _pieces(self, index: int, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The elements [n] that a slice holds of tensors with the parameters' shapes."""
        triples = zip(tensors, self._parameters.values(), self._spans[index], strict=True)
        return [_in_memory_order(tensor, like)[span] for tensor, like, span in triples]

    def _views(self, vector: Tensor) -> list[Tensor]:
        """The part of a vector [N] that belongs to each parameter, with its shape and layout."""
        parameters = list(self._parameters.values())
        parts = torch.split(vector, [_room(parameter) for parameter in parameters])
        return [
            # The layout of a fresh copy: a parameter may be a view with gaps.
            part.as_strided(parameter.shape, torch.empty_like(parameter).stride())
            for part, parameter in zip(parts, parameters, strict=True)
        ]


def _in_memory_order(tensor: Tensor, like: Tensor) -> Tensor:
    """The elements [n] of a tensor in the order in which those of `like` lie in memory: the tensor
    itself as a vector if it lies like it, else a copy."""
    if tensor.stride() != like.stride():
        tensor = torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)
    return tensor.detach().as_strided((tensor.numel(),), (1,))


def _room(parameter: Tensor) -> int:
    return -(-parameter.numel() // ALIGNMENT) * ALIGNMENT

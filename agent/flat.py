"""An optimizer whose work is cut into equal slices, whatever the shapes of the parameters.

One fully connected layer holds 95% of the weights, so cores cannot share the work by layers.
All parameters therefore lie in one stretch of memory, of which each shard owns a slice.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from agent.optimizers import STATE_KEYS, OptimizerName, make_optimizer

ALIGNMENT = 64
"""Each parameter starts at a multiple of this (elements), as vector instructions like it."""


class FlatOptimizer:
    """Weights, gradients and averages of an optimizer, each as one vector [N] cut in slices.

    An update is `put` for each part of the batch, then `merge` and `step` for each slice; calls
    of one kind may run at the same time.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        name: OptimizerName,
        learning_rate: float,
        epsilon: float,
        shards: int,
    ) -> None:
        self._parameters = dict(parameters)
        self._keys = STATE_KEYS[name]
        self._weights = self._move_together()
        parts = [torch.zeros_like(self._weights) for _ in range(shards)]
        self._put = [self._views(part) for part in parts]
        self._gradients = [part.tensor_split(shards) for part in parts]
        for parameter, view in zip(self._parameters.values(), self._put[0], strict=True):
            parameter.grad = view
        self._slices = [nn.Parameter(part) for part in self._weights.tensor_split(shards)]
        for part, gradient in zip(self._slices, self._gradients[0], strict=True):
            part.grad = gradient
        self._optimizers = [
            make_optimizer(name, [part], learning_rate, epsilon) for part in self._slices
        ]

    def put(self, part: int, gradients: tuple[Tensor, ...]) -> None:
        """The gradients of a part of the batch, in the parameters' order and of any dtype."""
        torch._foreach_copy_(self._put[part], gradients)

    def merge(self, index: int, parts: int) -> Tensor:
        """Sum a slice of the gradients over the first `parts` parts; the square of its norm []."""
        total = self._gradients[0][index]
        for other in self._gradients[1:parts]:
            total += other[index]
        norm: Tensor = torch.linalg.vector_norm(total)
        return norm.square()

    def step(self, index: int, scale: Tensor | None) -> None:
        """Move a slice of the weights along its gradient times `scale` []."""
        if scale is not None:
            self._gradients[0][index].mul_(scale)
        self._optimizers[index].step()

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

    def _views(self, vector: Tensor) -> list[Tensor]:
        """The part of a vector [N] that belongs to each parameter, with its shape and layout."""
        parameters = list(self._parameters.values())
        parts = torch.split(vector, [_room(parameter) for parameter in parameters])
        return [
            # The layout of a fresh copy: a parameter may be a view with gaps.
            part.as_strided(parameter.shape, torch.empty_like(parameter).stride())
            for part, parameter in zip(parts, parameters, strict=True)
        ]


def _room(parameter: Tensor) -> int:
    return -(-parameter.numel() // ALIGNMENT) * ALIGNMENT

"""The optimizers: Adam, and RMSProp as Nature DQN used it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor

OptimizerName = Literal["adam", "rmsprop"]
STATE_KEYS: dict[OptimizerName, tuple[str, ...]] = {
    "adam": ("step", "exp_avg", "exp_avg_sq"),
    "rmsprop": ("mean", "square"),
}
"""Names of the state that each optimizer keeps for a parameter."""


class CentredRMSProp(torch.optim.Optimizer):
    """RMSProp as DQN used it: centred, epsilon INSIDE the root, no momentum.

    g <- rho g + (1 - rho) grad;  n <- rho n + (1 - rho) grad^2
    w <- w - lr * grad / sqrt(n - g^2 + eps)

    Source: Graves, "Generating sequences with recurrent neural networks" (1308.0850), eq. 38-41,
    with DQN's constants. `torch.optim.RMSprop` has epsilon outside the root, a different step.
    """

    def __init__(
        self, params: Iterable[Tensor], learning_rate: float, epsilon: float, decay: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": learning_rate, "eps": epsilon, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the parameters that have a gradient."""
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            grads = [p.grad for p in weights]
            means, squares = self._averages(weights)
            rho = group["decay"]
            torch._foreach_lerp_(means, grads, 1 - rho)
            torch._foreach_mul_(squares, rho)
            torch._foreach_addcmul_(squares, grads, grads, 1 - rho)
            variance = torch._foreach_addcmul(squares, means, means, -1)
            torch._foreach_clamp_min_(variance, 0.0)  # rounding can make it negative
            torch._foreach_add_(variance, group["eps"])
            torch._foreach_sqrt_(variance)
            torch._foreach_addcdiv_(weights, grads, variance, -group["lr"])

    def _averages(self, weights: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        for weight in weights:
            state: dict[str, Any] = self.state[weight]
            if not state:
                state["mean"] = torch.zeros_like(weight)
                state["square"] = torch.zeros_like(weight)
        states = [self.state[weight] for weight in weights]
        return [s["mean"] for s in states], [s["square"] for s in states]


def make_optimizer(
    name: OptimizerName, params: Iterable[Tensor], learning_rate: float, epsilon: float
) -> torch.optim.Optimizer:
    """The optimizer called `name`. Adam adds `epsilon` outside the root, RMSProp inside."""
    if name == "rmsprop":
        return CentredRMSProp(params, learning_rate, epsilon)
    params = list(params)
    # Capturable: the step count stays on the device, where a recorded CUDA graph increments it.
    on_cuda = params[0].is_cuda
    return torch.optim.Adam(params, learning_rate, eps=epsilon, fused=True, capturable=on_cuda)

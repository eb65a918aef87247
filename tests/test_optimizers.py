"""The optimizers against tables worked by hand and a plain-Python twin."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch
from torch import nn

from agent.optimizers import CentredRMSProp, make_optimizer


def weights_after(
    optimizer: torch.optim.Optimizer, weight: nn.Parameter, grads: list[float]
) -> list[float]:
    """The weight after each of the gradients."""
    values = []
    for grad in grads:
        weight.grad = torch.tensor([float(grad)])
        optimizer.step()
        values.append(weight.item())
    return values


@pytest.mark.parametrize(
    ("make", "grads", "expected"),
    [
        # Mean 1, square 2, sqrt(2 - 1 + 3) = 2; then mean 2, square 5.5, sqrt(5.5 - 4 + 3).
        (lambda w: CentredRMSProp(w, 0.1, 3.0, decay=0.5), [2, 3], [0.9, 0.9 - 0.1 * 2**0.5]),
        # Epsilon outside the root is another step: 1 - 0.1 * 2 / (1 + 3).
        (lambda w: torch.optim.RMSprop(w, 0.1, alpha=0.5, eps=3.0, centered=True), [2], [0.95]),
        # Adam's is outside: lr / (1 + eps). RMSProp: lr / sqrt(0.05 - 0.0025 + eps), decay 0.95.
        (lambda w: make_optimizer("adam", w, 0.1, 1.0), [1], [0.95]),
        (lambda w: make_optimizer("rmsprop", w, 0.1, 1.0), [1], [1 - 0.1 / math.sqrt(1.0475)]),
    ],
    ids=["ours", "torch's", "make adam", "make rmsprop"],
)
def test_steps_by_hand(make: Any, grads: list[float], expected: list[float]) -> None:
    """From weight 1 at learning rate 0.1."""
    weight = nn.Parameter(torch.ones(1))
    assert weights_after(make([weight]), weight, grads) == pytest.approx(expected)


def test_at_natures_constants_the_two_differ_for_small_gradients() -> None:
    """Gradients near 1e-4, as late in training: the root's epsilon 0.01/32^2 damps them 30-fold,
    the same number outside the root does not."""
    ours, theirs = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    epsilon = 0.01 / 32**2
    grads = [1e-4, -1e-4] * 50
    ours_end = weights_after(CentredRMSProp([ours], 1.0, epsilon), ours, grads[:1])[0]
    other = torch.optim.RMSprop([theirs], 1.0, alpha=0.95, eps=epsilon, centered=True)
    theirs_end = weights_after(other, theirs, grads[:1])[0]
    assert 1 - ours_end == pytest.approx(1e-4 / math.sqrt(epsilon), rel=0.01)
    assert 1 - theirs_end > 30 * (1 - ours_end)


def plain_rmsprop(
    weights: list[float], grads: list[list[float]], lr: float, eps: float, rho: float
) -> list[float]:
    """DQN Zoo's rmsprop, one number at a time."""
    mean, square = [0.0] * len(weights), [0.0] * len(weights)
    for grad in grads:
        for i, g in enumerate(grad):
            mean[i] = rho * mean[i] + (1 - rho) * g
            square[i] = rho * square[i] + (1 - rho) * g * g
            weights[i] -= lr * g / math.sqrt(square[i] - mean[i] ** 2 + eps)
    return weights


def test_centred_rmsprop_equals_plain_python() -> None:
    """Two tensors, 40 steps, Nature's constants."""
    rng = random.Random(0)
    start = [rng.gauss(0, 1) for _ in range(6)]
    grads = [[rng.gauss(0, 0.01) for _ in range(6)] for _ in range(40)]
    first = nn.Parameter(torch.tensor(start[:2]))
    second = nn.Parameter(torch.tensor(start[2:]).reshape(2, 2))
    optimizer = CentredRMSProp([first, second], 2.5e-4, 0.01 / 32**2)
    for grad in grads:
        first.grad, second.grad = torch.tensor(grad[:2]), torch.tensor(grad[2:]).reshape(2, 2)
        optimizer.step()
    got = [*first.tolist(), *second.flatten().tolist()]
    assert got == pytest.approx(plain_rmsprop(start, grads, 2.5e-4, 0.01 / 32**2, 0.95), abs=1e-6)


def test_weights_without_gradient_stay() -> None:
    used, unused = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = CentredRMSProp([unused, used], 0.1, 3.0)
    weights_after(optimizer, used, [1.0])
    assert unused.item() == 1.0
    assert used.item() < 1.0


def test_large_steady_gradients_stay_finite() -> None:
    """n - g^2 is a difference of near-equal numbers: rounding makes it negative."""
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(1000))
    optimizer = CentredRMSProp([weight], learning_rate=1e-4, epsilon=0.01 / 32**2)
    for _ in range(400):
        weight.grad = 1000 * (1 + 1e-4 * torch.randn(1000))
        optimizer.step()
    assert weight.isfinite().all()

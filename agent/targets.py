"""TD target and loss as pure functions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def n_step_return(rewards: Tensor, gamma: float) -> Tensor:
    """sum_k gamma^k r_k: float [B, n] -> [B] (Sutton and Barto 2018, eq. 7.1, without its
    bootstrap). Rewards after the window's end must be 0."""
    powers = gamma ** torch.arange(rewards.shape[1], device=rewards.device, dtype=rewards.dtype)
    return (rewards * powers).sum(1)


def bootstrap_discount(lengths: Tensor, terminal: Tensor, gamma: float) -> Tensor:
    """gamma^length, or 0 where the window ended the episode: int64 [B], bool [B] -> float32 [B]."""
    return torch.where(terminal, 0.0, gamma ** lengths.float())


def td_target(
    returns: Tensor, discounts: Tensor, next_q_target: Tensor, next_q_online: Tensor | None = None
) -> Tensor:
    """returns + discounts * Q_target(s', a*): float [B], [B], [B, A], [B, A] -> [B].

    a* maximises Q_target itself (Mnih et al. 2015, Algorithm 1) or, when `next_q_online` is
    given, Q_online (Double DQN: van Hasselt et al. 2016, eq. 4). No gradient flows.
    """
    selector = next_q_target if next_q_online is None else next_q_online
    best = selector.argmax(1, keepdim=True)
    next_value = next_q_target.gather(1, best).squeeze(1)
    return (returns + discounts * next_value).detach()


def td_loss(
    q_values: Tensor, actions: Tensor, target: Tensor, loss: str = "huber"
) -> tuple[Tensor, Tensor]:
    """Mean loss and TD errors target - Q(s, a): float [B, A], int64 [B], float [B] -> [], [B].

    `huber` with threshold 1 has the gradient of the clipped TD error (Mnih et al. 2015,
    Methods); `mse` is the plain squared error.
    """
    chosen = q_values.gather(1, actions[:, None]).squeeze(1)
    mean_loss = F.huber_loss(chosen, target) if loss == "huber" else F.mse_loss(chosen, target)
    return mean_loss, (target - chosen).detach()

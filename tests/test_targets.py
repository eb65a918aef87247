"""TD targets, returns and losses against tables worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from agent.learner import Learner, LearnerConfig
from agent.precision import ComputeNetwork
from agent.targets import bootstrap_discount, n_step_return, td_loss, td_target
from replay.batch import Batch


def test_n_step_return() -> None:
    """gamma 1/2: 1 + 2/2 + 4/4 = 3; 8; 0 + -4/2 + 0 = -2."""
    rewards = torch.tensor([[1.0, 2.0, 4.0], [8.0, 0.0, 0.0], [0.0, -4.0, 0.0]])
    assert n_step_return(rewards, 0.5).tolist() == [3.0, 8.0, -2.0]


def test_one_step_return_is_the_reward() -> None:
    rewards = torch.tensor([[1.0], [-3.0]])
    assert n_step_return(rewards, 0.99).tolist() == [1.0, -3.0]


def test_undiscounted_and_myopic_returns() -> None:
    rewards = torch.tensor([[1.0, 2.0, 4.0]])
    assert n_step_return(rewards, 1.0).tolist() == [7.0]
    assert n_step_return(rewards, 0.0).tolist() == [1.0]


def test_bootstrap_discount() -> None:
    """A shorter window is discounted by its own length; a terminal one not bootstrapped."""
    lengths, terminal = torch.tensor([1, 2, 3, 3]), torch.tensor([False, False, False, True])
    discounts = bootstrap_discount(lengths, terminal, 0.5)
    assert discounts.tolist() == [0.5, 0.25, 0.125, 0.0]
    assert discounts.dtype == torch.float32


NEXT_TARGET = torch.tensor([[1.0, 5.0, 3.0], [7.0, 2.0, -1.0]])
NEXT_ONLINE = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
RETURNS, DISCOUNTS = torch.tensor([10.0, 20.0]), torch.tensor([0.5, 1.0])


def test_td_target() -> None:
    """10 + 5/2 and 20 + 7."""
    assert td_target(RETURNS, DISCOUNTS, NEXT_TARGET).tolist() == [12.5, 27.0]


def test_double_td_target() -> None:
    """The online network picks actions 0 and 2, the target network values them: 10 + 1/2 and
    20 - 1. Swapping the two networks would give 10 + 0/2 and 20 + 0."""
    assert td_target(RETURNS, DISCOUNTS, NEXT_TARGET, NEXT_ONLINE).tolist() == [10.5, 19.0]


def test_terminal_targets_are_the_return_alone() -> None:
    assert td_target(RETURNS, torch.zeros(2), NEXT_TARGET).tolist() == [10.0, 20.0]


def test_targets_carry_no_gradient() -> None:
    values = NEXT_TARGET.clone().requires_grad_()
    assert not td_target(RETURNS, DISCOUNTS, values).requires_grad


Q_VALUES = torch.tensor([[0.0, 1.0], [2.0, 0.0], [4.0, 0.0], [0.0, -5.0]])
ACTIONS = torch.tensor([1, 0, 0, 1])
TARGET = torch.tensor([1.5, 2.0, 1.0, -2.0])
"""TD errors 0.5, 0, -3, 3."""


def test_td_errors() -> None:
    _, errors = td_loss(Q_VALUES, ACTIONS, TARGET)
    assert errors.tolist() == [0.5, 0.0, -3.0, 3.0]


def test_huber_loss() -> None:
    """(0.125 + 0 + 2.5 + 2.5) / 4."""
    loss, _ = td_loss(Q_VALUES, ACTIONS, TARGET, "huber")
    assert loss.item() == pytest.approx(5.125 / 4)


def test_mse_loss() -> None:
    """(0.25 + 0 + 9 + 9) / 4, without a half."""
    loss, _ = td_loss(Q_VALUES, ACTIONS, TARGET, "mse")
    assert loss.item() == pytest.approx(18.25 / 4)


def gradient(loss_name: str) -> Tensor:
    q_values = Q_VALUES.clone().requires_grad_()
    loss, _ = td_loss(q_values, ACTIONS, TARGET, loss_name)
    loss.backward()
    assert q_values.grad is not None
    return q_values.grad


def test_huber_gradient_is_the_clipped_td_error_over_the_batch() -> None:
    """-clip(target - Q, -1, 1) / B at the action taken, nothing elsewhere (DQN Zoo)."""
    expected = torch.zeros(4, 2)
    expected[range(4), ACTIONS] = -torch.tensor([0.5, 0.0, -1.0, 1.0]) / 4
    assert torch.equal(gradient("huber"), expected)


def test_mse_gradient_is_twice_the_td_error_over_the_batch() -> None:
    expected = torch.zeros(4, 2)
    expected[range(4), ACTIONS] = -2 * torch.tensor([0.5, 0.0, -3.0, 3.0]) / 4
    assert torch.equal(gradient("mse"), expected)


class Table(nn.Module):
    """Q-values of a state that is one number: row `states[:, 0, 0, 0]` of a table."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.q = nn.Parameter(torch.tensor(rows))

    def forward(self, states: Tensor) -> Tensor:
        return self.q[states[:, 0, 0, 0].long()]


def numbered(*numbers: int) -> Tensor:
    """States [B, 4, 84, 84], each full of one number."""
    values = torch.tensor(numbers, dtype=torch.uint8)[:, None, None, None]
    return values.expand(-1, 4, 84, 84).contiguous()


def learner(config: LearnerConfig) -> Learner:
    """Online and target network are tables that prefer other actions in state 1."""
    made = Learner(config, 2, "cpu")
    made._online = ComputeNetwork(Table([[0, 0], [3, 4.0]]), "fp32")
    made._target = ComputeNetwork(Table([[0, 0], [20, 10.0]]), "fp32")
    return made


BATCH = Batch(
    states=numbered(0, 0, 0),
    actions=torch.tensor([0, 1, 1]),
    rewards=torch.tensor([[5.0, -3.0, 0.5], [1.0, 0.0, 0.0], [0.5, -7.0, 0.0]]),
    lengths=torch.tensor([3, 1, 2]),
    terminal=torch.tensor([False, False, True]),
    next_states=numbered(1, 1, 1),
)
CONFIG = LearnerConfig(gamma=0.5, n_step=3)


def td_targets(learner: Learner, batch: Batch) -> Tensor:
    return learner.td_targets(batch, learner.next_q_target(batch))


def test_td_targets_clip_each_reward_before_summing() -> None:
    """1 - 1/2 + .5/4 + 20/8; 1 + 20/2; .5 - 1/2. Clipping the sum would give other values."""
    assert td_targets(learner(CONFIG), BATCH).tolist() == [3.125, 11.0, 0.0]


def test_td_targets_of_raw_rewards() -> None:
    """5 - 3/2 + .5/4 + 20/8; 1 + 20/2; .5 - 7/2."""
    raw = replace(CONFIG, clip_rewards=False)
    assert td_targets(learner(raw), BATCH).tolist() == [6.125, 11.0, -3.0]


def test_td_targets_of_double_q_learning() -> None:
    """Online prefers action 1, which target values at 10: 0.625 + 10/8; 1 + 10/2; 0."""
    double = replace(CONFIG, double=True)
    assert td_targets(learner(double), BATCH).tolist() == [1.875, 6.0, 0.0]


def test_td_targets_do_not_change_the_batch() -> None:
    before = BATCH.rewards.clone()
    td_targets(learner(CONFIG), BATCH)
    assert torch.equal(BATCH.rewards, before)

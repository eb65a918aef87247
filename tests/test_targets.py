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


@pytest.mark.parametrize(
    ("gamma", "rewards", "returns"),
    [
        # 1 + 2/2 + 4/4; 8; 0 - 4/2 + 0.
        (0.5, [[1.0, 2.0, 4.0], [8.0, 0.0, 0.0], [0.0, -4.0, 0.0]], [3.0, 8.0, -2.0]),
        (0.99, [[1.0], [-3.0]], [1.0, -3.0]),
        (1.0, [[1.0, 2.0, 4.0]], [7.0]),
        (0.0, [[1.0, 2.0, 4.0]], [1.0]),
    ],
)
def test_n_step_return(gamma: float, rewards: list[list[float]], returns: list[float]) -> None:
    assert n_step_return(torch.tensor(rewards), gamma).tolist() == returns


def test_bootstrap_discount() -> None:
    """A shorter window is discounted by its own length; a terminal one not bootstrapped."""
    lengths, terminal = torch.tensor([1, 2, 3, 3]), torch.tensor([False, False, False, True])
    discounts = bootstrap_discount(lengths, terminal, 0.5)
    assert discounts.tolist() == [0.5, 0.25, 0.125, 0.0]
    assert discounts.dtype == torch.float32


NEXT_TARGET = torch.tensor([[1.0, 5.0, 3.0], [7.0, 2.0, -1.0]])
NEXT_ONLINE = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
RETURNS, DISCOUNTS = torch.tensor([10.0, 20.0]), torch.tensor([0.5, 1.0])


@pytest.mark.parametrize(
    ("discounts", "online", "targets"),
    [
        (DISCOUNTS, None, [12.5, 27.0]),  # 10 + 5/2 and 20 + 7
        # The online network picks actions 0 and 2, the target network values them: 10 + 1/2 and
        # 20 - 1. Swapping the two networks would give 10 + 0/2 and 20 + 0.
        (DISCOUNTS, NEXT_ONLINE, [10.5, 19.0]),
        (torch.zeros(2), None, [10.0, 20.0]),
    ],
    ids=["plain", "double", "terminal"],
)
def test_td_target(discounts: Tensor, online: Tensor | None, targets: list[float]) -> None:
    assert td_target(RETURNS, discounts, NEXT_TARGET, online).tolist() == targets


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


@pytest.mark.parametrize(
    ("name", "loss", "slopes"),
    [
        # (0.125 + 0 + 2.5 + 2.5) / 4; clip(target - Q, -1, 1) (DQN Zoo).
        ("huber", 5.125 / 4, [0.5, 0.0, -1.0, 1.0]),
        # (0.25 + 0 + 9 + 9) / 4, without a half; twice target - Q.
        ("mse", 18.25 / 4, [1.0, 0.0, -6.0, 6.0]),
    ],
)
def test_losses_and_their_gradients(name: str, loss: float, slopes: list[float]) -> None:
    """-slope / B at the action taken, nothing elsewhere."""
    q_values = Q_VALUES.clone().requires_grad_()
    found, _ = td_loss(q_values, ACTIONS, TARGET, name)
    assert found.item() == pytest.approx(loss)
    found.backward()
    expected = torch.zeros(4, 2)
    expected[range(4), ACTIONS] = -torch.tensor(slopes) / 4
    assert torch.equal(q_values.grad, expected)


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


@pytest.mark.parametrize(
    ("settings", "targets"),
    [
        # Each reward is clipped before they are summed: 1 - 1/2 + .5/4 + 20/8; 1 + 20/2; .5 - 1/2.
        ({}, [3.125, 11.0, 0.0]),
        # 5 - 3/2 + .5/4 + 20/8; 1 + 20/2; .5 - 7/2.
        ({"clip_rewards": False}, [6.125, 11.0, -3.0]),
        # Online prefers action 1, which target values at 10: 0.625 + 10/8; 1 + 10/2; 0.
        ({"double": True}, [1.875, 6.0, 0.0]),
    ],
    ids=["clipped", "raw", "double"],
)
def test_td_targets(settings: dict[str, bool], targets: list[float]) -> None:
    assert td_targets(learner(replace(CONFIG, **settings)), BATCH).tolist() == targets


def test_td_targets_do_not_change_the_batch() -> None:
    before = BATCH.rewards.clone()
    td_targets(learner(CONFIG), BATCH)
    assert torch.equal(BATCH.rewards, before)

"""The update against a plain one: whole batches, one optimizer, no bf16, no threads."""

from __future__ import annotations

import copy
from typing import Any, Literal
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn

from agent import learner as learning
from agent.errors import UnknownNetwork
from agent.learner import Learner, LearnerConfig
from agent.networks import make_network
from agent.optimizers import OptimizerName, make_optimizer
from agent.splitting import may_be_split
from agent.targets import bootstrap_discount, n_step_return, td_loss, td_target
from replay.batch import Batch
from test_learning import batch, copies, same
from test_targets import td_targets

CONFIG = LearnerConfig(learning_rate=1e-3, max_grad_norm=0.5)


class PlainLearner:
    """The textbook's update, one statement after another."""

    def __init__(self, config: LearnerConfig, online: nn.Module) -> None:
        self.config = config
        self.online, self.target = copy.deepcopy(online), copy.deepcopy(online)
        epsilon, parameters = config.optimizer_epsilon, self.online.parameters()
        self.optimizer = make_optimizer(config.optimizer, parameters, config.learning_rate, epsilon)

    def update(self, batch: Batch) -> None:
        config = self.config
        with torch.no_grad():
            targets = td_target(
                n_step_return(batch.rewards.clamp(-1, 1), config.gamma),
                bootstrap_discount(batch.lengths, batch.terminal, config.gamma),
                self.target(batch.next_states),
                self.online(batch.next_states) if config.double else None,
            )
        loss, _ = td_loss(self.online(batch.states), batch.actions, targets, config.loss)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.online.parameters(), config.max_grad_norm or float("inf"))
        self.optimizer.step()


def some(count: int, seed: int) -> Batch:
    return Batch(*(tensor[:count] for tensor in batch(seed)))


def furthest(first: nn.Module, second: nn.Module) -> float:
    return max(
        (a - b).abs().max().item() for a, b in zip(copies(first), copies(second), strict=True)
    )


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize(
    ("shards", "double", "loss", "limit"),
    [(1, False, "huber", 0.5), (2, True, "huber", 0.5), (3, False, "mse", 0.0)],
)
def test_the_update_is_the_textbooks(
    shards: int, double: bool, loss: Literal["huber", "mse"], limit: float, optimizer: OptimizerName
) -> None:
    """Three updates of 8, 7 and 2 transitions, with fewer of these than shards; weights move by
    3e-3 and differ by a tenth of a percent of that."""
    config = LearnerConfig(
        learning_rate=1e-3,
        max_grad_norm=limit,
        double=double,
        loss=loss,
        optimizer=optimizer,
        optimizer_epsilon=1e-2 if optimizer == "rmsprop" else 1e-3,
    )
    learner = Learner(config, 3, "cpu", shards)
    before = copy.deepcopy(learner.online)
    plain = PlainLearner(config, learner.online)
    for seed, count in enumerate((8, 7, 2)):
        learner.update(some(count, seed))
        plain.update(some(count, seed))
    assert furthest(learner.online, before) > 3e-4
    assert furthest(learner.online, plain.online) < 1e-3 * furthest(learner.online, before)


def test_figures_are_those_of_the_whole_batch() -> None:
    single, shared = (Learner(CONFIG, 3, "cpu", shards) for shards in (1, 3))
    shared.load_state(single.state())
    for learner in (single, shared):
        learner.update(some(7, 0))
    assert shared.metrics() == pytest.approx(single.metrics(), rel=1e-4)


def test_neither_figures_nor_values_remember_how_they_came_about() -> None:
    """Figures that did would keep every update's activations."""
    learner = Learner(CONFIG, 3, "cpu", shards=2)
    learner.update(some(4, 0))
    assert not learner.state()["figures.sums"].requires_grad
    assert not learner.q_values(batch().states).requires_grad
    assert not td_targets(learner, batch()).requires_grad


def test_a_compiled_network_is_entered_by_one_thread() -> None:
    assert Learner(CONFIG, 3, "cpu", shards=2, compiled=True).shards == 1


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_shards_give_the_same_weights_every_time(precision: Any) -> None:
    """Threads meet in any order; the sum does not depend on it."""
    config = LearnerConfig(precision=precision)
    first, second = Learner(config, 3, "cpu", shards=3), Learner(config, 3, "cpu", shards=3)
    second.load_state(first.state())
    for seed in range(4):
        first.update(batch(seed))
        second.update(batch(seed))
    assert same(copies(first.online), copies(second.online))


@pytest.mark.parametrize("double", [False, True])
def test_several_updates_at_once_are_the_same_one_by_one(double: bool) -> None:
    """The target network is asked about all of them at once, the online one is not."""
    config = LearnerConfig(learning_rate=1e-2, optimizer_epsilon=1e-2, double=double)
    together, single = Learner(config, 3, "cpu", shards=2), Learner(config, 3, "cpu", shards=2)
    single.load_state(together.state())
    together.update(batch(), updates=4)
    for part in batch().split(4):
        single.update(part)
    assert furthest(together.online, single.online) < 1e-5
    assert together.metrics() == pytest.approx(single.metrics(), rel=1e-3)


@pytest.mark.parametrize(("double", "times"), [(False, 1), (True, 4)])
def test_targets_that_no_update_changes_are_computed_once(
    double: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small operations are a third of the launches of an update."""
    watched = Mock(wraps=td_target)
    monkeypatch.setattr(learning, "td_target", watched)
    Learner(LearnerConfig(double=double), 3, "cpu").update(batch(), updates=4)
    assert watched.call_count == times


class Remembers(nn.Module):
    """Batch statistics and a layer of each kind."""

    def __init__(self, _: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 2, 84)
        self.norm = nn.BatchNorm1d(2)
        self.out = nn.Linear(2, 3)

    def forward(self, states: Tensor) -> Tensor:
        q_values: Tensor = self.out(self.norm(self.conv(states.float() / 255).flatten(1)))
        return q_values


def test_networks_that_see_the_batch_as_a_whole_are_not_split() -> None:
    assert may_be_split(make_network("stride", 3))
    assert not may_be_split(Remembers())
    for layer in (
        nn.Dropout(),
        nn.BatchNorm1d(1, track_running_stats=False),
        nn.MultiheadAttention(2, 1, dropout=0.1),
    ):
        assert not may_be_split(nn.Sequential(nn.Linear(1, 1), layer))
    counts = nn.Linear(1, 1)
    counts.register_buffer("states_seen", torch.zeros(()))
    assert not may_be_split(counts)
    assert not may_be_split(Hooked())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_of_ones_own_keeps_its_statistics(precision: Any) -> None:
    """Also in bf16, where a rounded copy computes: its buffers are the original's."""
    config = LearnerConfig(network="test_update:Remembers", precision=precision)
    learner = Learner(config, 3, "cpu", shards=2)
    before = learner.state()["online.norm.running_mean"].clone()
    learner.update(batch())
    assert not torch.equal(learner.state()["online.norm.running_mean"], before)
    assert learner.state()["online.norm.num_batches_tracked"] == 1


class Odd(nn.Module):
    """A scalar first, a view with gaps, a frozen parameter and a layer whose weight is computed."""

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.gaps = nn.Parameter(torch.rand(4, 8)[:, :2])
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.out = nn.utils.parametrizations.weight_norm(nn.Linear(8, num_actions))

    def forward(self, states: Tensor) -> Tensor:
        seen = states[:, :, ::60, ::60].to(self.frozen.dtype).mean(3) / 255
        spread = (seen @ seen.new_ones(2, 8)).mean(1)
        q_values: Tensor = self.out(self.scale * spread + self.gaps.sum())
        return q_values * self.frozen.mean()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_odd_parameters_learn_and_come_back(precision: Any) -> None:
    """Each of those to be learned moves and none other; a restored learner goes on likewise."""
    config = LearnerConfig(network="test_update:Odd", precision=precision, learning_rate=1e-2)
    first, second = Learner(config, 3, "cpu"), Learner(config, 3, "cpu")
    before = {name: p.detach().clone() for name, p in first.online.named_parameters()}
    first.update(batch(0))
    for name, parameter in first.online.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, before[name]) == (name == "frozen"), name
    second.load_state({name: t.detach().clone().contiguous() for name, t in first.state().items()})
    first.update(batch(1))
    second.update(batch(1))
    assert same(copies(first.online), copies(second.online))


class Hooked(nn.Module):
    """A layer whose weight learns from a tenth of its gradient, another from all of it."""

    def __init__(self, num_actions: int = 3) -> None:
        super().__init__()
        self.inner = nn.Linear(4 * 84, 16)
        self.out = nn.Linear(16, num_actions)
        self.inner.weight.register_hook(lambda gradient: gradient / 10)

    def forward(self, states: Tensor) -> Tensor:
        q_values: Tensor = self.out(self.inner(states[:, :, ::84].float().flatten(1) / 255).relu())
        return q_values


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 0.1)])
def test_hooks_on_gradients_are_called_once(precision: Any, tolerance: float) -> None:
    """Whatever the number of cores, and for rounded copies of the weights too."""
    config = LearnerConfig(
        network="test_update:Hooked",
        precision=precision,
        learning_rate=1e-2,
        optimizer="rmsprop",
        optimizer_epsilon=1.0,
    )
    learner = Learner(config, 3, "cpu", shards=2)
    before = copy.deepcopy(learner.online)
    plain = PlainLearner(config, learner.online)
    plain.online.inner.weight.register_hook(lambda gradient: gradient / 10)
    learner.update(some(8, 0))
    plain.update(some(8, 0))
    moved = furthest(learner.online.inner, before.inner)
    assert furthest(learner.online.inner, plain.online.inner) < tolerance * moved


def test_a_network_with_nothing_to_learn_is_refused() -> None:
    with pytest.raises(UnknownNetwork, match="parameters to learn"):
        make_network("test_update:Fixed", 3)


class Fixed(nn.Module):
    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.num_actions = num_actions

    def forward(self, states: Tensor) -> Tensor:
        return torch.zeros(len(states), self.num_actions)

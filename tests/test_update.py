"""The update against a plain one: whole batches, one optimizer, no bf16, no threads."""

from __future__ import annotations

import copy
from typing import Any, Literal

import pytest
import torch
from test_learning import batch, copies, same
from torch import Tensor, nn

from agent.flat import FlatOptimizer
from agent.learner import Learner, LearnerConfig
from agent.networks import UnknownNetwork, make_network
from agent.optimizers import OptimizerName, make_optimizer
from agent.precision import Working
from agent.shards import Shards, may_be_split
from agent.targets import bootstrap_discount, n_step_return, td_loss, td_target
from replay.batch import Batch

CONFIG = LearnerConfig(learning_rate=1e-3, max_grad_norm=0.5)


class PlainLearner:
    """The textbook's update, one statement after another."""

    def __init__(self, config: LearnerConfig, online: nn.Module) -> None:
        self.config = config
        self.online, self.target = copy.deepcopy(online), copy.deepcopy(online)
        self.optimizer = make_optimizer(
            config.optimizer, self.online.parameters(), config.learning_rate, 1e-8
        )

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


def furthest(one: nn.Module, two: nn.Module) -> float:
    return max((a - b).abs().max().item() for a, b in zip(copies(one), copies(two), strict=True))


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
    plain.optimizer.param_groups[0]["eps"] = config.optimizer_epsilon
    for seed, count in enumerate((8, 7, 2)):
        learner.update(some(count, seed))
        plain.update(some(count, seed))
    assert furthest(learner.online, before) > 3e-4
    assert furthest(learner.online, plain.online) < 1e-3 * furthest(learner.online, before)


def test_figures_are_those_of_the_whole_batch() -> None:
    whole, shared = (Learner(CONFIG, 3, "cpu", shards) for shards in (1, 3))
    shared.load_state(whole.state())
    for learner in (whole, shared):
        learner.update(some(7, 0))
    assert shared.metrics() == pytest.approx(whole.metrics(), rel=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_shards_give_the_same_weights_every_time(precision: Any) -> None:
    """Threads meet in any order; the sum does not depend on it."""
    config = LearnerConfig(precision=precision)
    one, two = Learner(config, 3, "cpu", shards=3), Learner(config, 3, "cpu", shards=3)
    two.load_state(one.state())
    for seed in range(4):
        one.update(batch(seed))
        two.update(batch(seed))
    assert same(copies(one.online), copies(two.online))


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


def test_the_order_of_results_is_that_of_the_parts() -> None:
    parts = list(range(7))
    assert Shards(3).map(lambda part: part * part, parts) == [part * part for part in parts]
    states = torch.arange(7.0)
    for count in (1, 3, 9):
        assert torch.equal(Shards(count).rows(lambda rows: rows * 2, states), states * 2)


def test_an_error_in_a_part_is_not_lost() -> None:
    with pytest.raises(ZeroDivisionError):
        Shards(2).map(lambda part: 1 // part, [1, 0])


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
        seen = states[:, :, ::60, ::60].float().mean(3) / 255
        q_values: Tensor = self.out(
            self.scale * (seen @ torch.ones(2, 8)).mean(1) + self.gaps.sum()
        )
        return q_values * self.frozen.mean()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_odd_parameters_learn_and_come_back(precision: Any) -> None:
    """Each of those to be learned moves and none other; a restored learner goes on likewise."""
    config = LearnerConfig(network="test_update:Odd", precision=precision, learning_rate=1e-2)
    one, two = Learner(config, 3, "cpu"), Learner(config, 3, "cpu")
    before = {name: p.detach().clone() for name, p in one.online.named_parameters()}
    one.update(batch(0))
    for name, parameter in one.online.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, before[name]) == (name == "frozen"), name
    two.load_state({name: t.detach().clone().contiguous() for name, t in one.state().items()})
    one.update(batch(1))
    two.update(batch(1))
    assert same(copies(one.online), copies(two.online))


def test_a_network_with_nothing_to_learn_is_refused() -> None:
    with pytest.raises(UnknownNetwork, match="parameters to learn"):
        make_network("test_update:Fixed", 3)


class Fixed(nn.Module):
    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.num_actions = num_actions

    def forward(self, states: Tensor) -> Tensor:
        return torch.zeros(len(states), self.num_actions)


# Precision.


def test_fp32_works_with_the_network_itself() -> None:
    network = make_network("stride", 3)
    assert Working(network, "fp32").network is network


def test_bf16_works_with_rounded_layers_and_shares_the_rest() -> None:
    original = Remembers()
    working = Working(original, "bf16")
    assert working.network.conv.weight.dtype == torch.bfloat16
    assert working.network.norm.weight is original.norm.weight
    assert working.network.norm.running_mean is original.norm.running_mean
    assert original.conv.weight.dtype == torch.float32
    with torch.no_grad():
        original.out.weight.fill_(1.001)
    assert not torch.equal(working.network.out.weight, original.out.weight.bfloat16())
    working.refresh()
    assert torch.equal(working.network.out.weight, original.out.weight.bfloat16())


def test_bf16_keeps_weights_and_targets_in_fp32() -> None:
    """Weights move by less than bf16 can show, and acting follows them all the same."""
    learner = Learner(LearnerConfig(precision="bf16", learning_rate=1e-6), 3, "cpu")
    before = copies(learner.online)
    assert learner.target_values(batch()).dtype == torch.float32
    learner.update(batch())
    moved = [(a - b).abs().max() for a, b in zip(copies(learner.online), before, strict=True)]
    assert all(0 < step < 1e-5 for step in moved)


@pytest.mark.parametrize("network", ["stride", "half_max"])
def test_bf16_values_are_near_those_of_fp32(network: str) -> None:
    """Within 2% of the largest value: three rounded convolutions and two layers."""
    exact = Learner(LearnerConfig(network=network), 6, "cpu")
    rounded = Learner(LearnerConfig(network=network, precision="bf16"), 6, "cpu")
    rounded.load_state(exact.state())
    states = batch().states
    q_values = exact.q_values(states)
    error = (rounded.q_values(states) - q_values).abs().max()
    assert 0 < error < 0.02 * q_values.abs().max()
    exact.copy_to_target()
    rounded.copy_to_target()
    assert torch.allclose(rounded.target_values(batch()), exact.target_values(batch()), atol=0.01)


def test_the_target_in_bf16_follows_copies_alone() -> None:
    learner = Learner(LearnerConfig(precision="bf16", learning_rate=1e-2), 3, "cpu")
    first = learner.target_values(batch())
    learner.update(batch())
    assert torch.equal(learner.target_values(batch()), first)
    learner.copy_to_target()
    assert not torch.equal(learner.target_values(batch()), first)


# The optimizer in slices.


def flat_and_plain(name: OptimizerName, shards: int) -> tuple[nn.Module, FlatOptimizer, Any, Any]:
    network = make_network("stride", 3)
    twin = copy.deepcopy(network)
    plain = make_optimizer(name, twin.parameters(), 1e-3, 1e-4)
    flat = FlatOptimizer(network.named_parameters(), name, 1e-3, 1e-4, shards)
    return network, flat, twin, plain


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_slices_move_as_whole_parameters_do(name: OptimizerName, shards: int) -> None:
    """The same elementwise operations, but for the rounding of vector instructions."""
    network, flat, twin, plain = flat_and_plain(name, shards)
    for _ in range(3):
        grads = [torch.randn_like(p) for p in twin.parameters()]
        for parameter, grad in zip(twin.parameters(), grads, strict=True):
            parameter.grad = grad.clone()
        plain.step()
        flat.put(0, grads)
        squares = [flat.merge(index, 1) for index in range(shards)]
        for index in range(shards):
            flat.step(index, None)
    assert furthest(network, twin) < 1e-7
    norm = torch.stack([grad.square().sum() for grad in grads]).sum()
    assert torch.stack(squares).sum().item() == pytest.approx(norm.item(), rel=1e-4)
    state = flat.state()
    for key, parameter in dict(twin.named_parameters()).items():
        for kept, value in plain.state[parameter].items():
            assert torch.allclose(state[f"{key}.{kept}"], value, rtol=1e-5), (key, kept)


def test_parameters_keep_shape_layout_and_values() -> None:
    network = make_network("stride", 3)
    before = {name: (p.detach().clone(), p.stride()) for name, p in network.named_parameters()}
    FlatOptimizer(network.named_parameters(), "adam", 1e-3, 1e-4, 2)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name][0])
        assert parameter.stride() == before[name][1]
        assert parameter.data_ptr() % 64 == 0


def test_state_moves_between_numbers_of_shards() -> None:
    """A run goes on with another number of cores as it would have."""
    one, two = Learner(CONFIG, 3, "cpu", 1), Learner(CONFIG, 3, "cpu", 3)
    one.update(batch(0))
    two.load_state({name: t.detach().clone().contiguous() for name, t in one.state().items()})
    saved = two.state()
    assert all(torch.equal(value, saved[name]) for name, value in one.state().items())
    one.update(batch(1))
    two.update(batch(1))
    assert furthest(one.online, two.online) < 1e-5


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_a_state_that_does_not_fit_is_refused(change: str) -> None:
    learner = Learner(CONFIG, 3, "cpu")
    learner.update(batch())
    state = learner.state()
    key = "optimizer.fc1.bias.exp_avg"
    if change == "missing":
        del state[key]
    elif change == "unknown":
        state["optimizer.fc9.bias.exp_avg"] = state[key]
    else:
        state[key] = torch.zeros(3)
    with pytest.raises(RuntimeError, match=r"fc[19]\.bias"):
        learner.load_state(state)

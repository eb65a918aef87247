"""The optimizer in slices against optimizers of whole parameters."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from test_learning import batch
from test_update import CONFIG, furthest
from torch import nn

from agent.flat import FlatOptimizer
from agent.learner import Learner
from agent.networks import make_network
from agent.optimizers import OptimizerName, make_optimizer


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

"""The optimizer in slices against optimizers of whole parameters."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from agent.core_pool import CorePool
from agent.flat import FlatOptimizer
from agent.learner import Learner
from agent.networks import make_network
from agent.optimizers import OptimizerName, make_optimizer
from test_learning import batch
from test_update import CONFIG, furthest


def flat_optimizer(
    network: nn.Module, name: OptimizerName, shards: int, compute_weights: list[nn.Parameter]
) -> FlatOptimizer:
    named = network.named_parameters()
    return FlatOptimizer(named, compute_weights, name, 1e-3, 1e-4, CorePool(shards))


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
@pytest.mark.parametrize("limit", [0.0, 0.5])
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_slices_move_as_whole_parameters_do(name: OptimizerName, limit: float, shards: int) -> None:
    """The same elementwise operations, but for the rounding of vector instructions."""
    network = make_network("stride", 3)
    twin = copy.deepcopy(network)
    plain = make_optimizer(name, twin.parameters(), 1e-3, 1e-4)
    flat = flat_optimizer(network, name, shards, list(network.parameters()))
    for _ in range(3):
        grads = [torch.randn_like(p) for p in twin.parameters()]
        for parameter, grad in zip(twin.parameters(), grads, strict=True):
            parameter.grad = grad.clone()
        expected = nn.utils.clip_grad_norm_(twin.parameters(), limit or float("inf"))
        plain.step()
        assert flat.step(grads, limit).item() == pytest.approx(expected.item(), rel=1e-4)
    assert furthest(network, twin) < 1e-7
    state = flat.state()
    for key, parameter in dict(twin.named_parameters()).items():
        for kept, value in plain.state[parameter].items():
            assert torch.allclose(state[f"{key}.{kept}"], value, rtol=1e-5), (key, kept)


class Layouts(nn.Module):
    """Parameters that lie in memory in other ways than a fresh tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Parameter(torch.rand(5, 3, 2, 2).to(memory_format=torch.channels_last))
        self.scalar = nn.Parameter(torch.rand(()))
        self.turned = nn.Parameter(torch.rand(70, 3).t())
        self.gaps = nn.Parameter(torch.rand(9, 8)[:, :2])


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_gradients_and_followers_of_any_layout_meet_their_weights(shards: int) -> None:
    """With a gradient norm limit that halves them, and bf16 followers: each element of each weight
    moves along its own gradient, and its follower is its rounded value."""
    network = Layouts()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    compute_weights = [nn.Parameter(p.detach().bfloat16()) for p in network.parameters()]
    flat = flat_optimizer(network, "rmsprop", shards, compute_weights)
    grads = [torch.rand(p.shape) - 0.5 for p in network.parameters()]
    grads[0] = grads[0].contiguous()
    grads[3] = torch.full((1, 1), 0.25).expand(9, 2)
    norm = torch.cat([grad.flatten() for grad in grads]).norm()
    flat.step(grads, norm.item() / 2)
    for (name, parameter), follower, grad in zip(
        network.named_parameters(), compute_weights, grads, strict=True
    ):
        half = grad / 2
        variance = 0.05 * half**2 - (0.05 * half) ** 2
        moved = before[name] - 1e-3 * half / (variance + 1e-4).sqrt()
        assert torch.allclose(parameter, moved, atol=1e-6), name
        assert torch.equal(follower, parameter.bfloat16()), name


def test_parameters_keep_shape_layout_and_values() -> None:
    network = make_network("stride", 3)
    before = {name: (p.detach().clone(), p.stride()) for name, p in network.named_parameters()}
    flat_optimizer(network, "adam", 2, list(network.parameters()))
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name][0])
        assert parameter.stride() == before[name][1]
        assert parameter.data_ptr() % 64 == 0


def test_state_moves_between_numbers_of_shards() -> None:
    """A run goes on with another number of cores as it would have."""
    first, second = Learner(CONFIG, 3, "cpu", 1), Learner(CONFIG, 3, "cpu", 3)
    first.update(batch(0))
    second.load_state({name: t.detach().clone().contiguous() for name, t in first.state().items()})
    saved = second.state()
    assert all(torch.equal(value, saved[name]) for name, value in first.state().items())
    first.update(batch(1))
    second.update(batch(1))
    assert furthest(first.online, second.online) < 1e-5


@pytest.mark.parametrize(
    ("key", "tensor"),
    [
        ("optimizer.fc1.bias.exp_avg", None),
        ("optimizer.fc1.bias.exp_avg", torch.zeros(3)),
        ("optimizer.fc9.bias.exp_avg", torch.zeros(512)),
        ("online.fc1.bias", None),
        ("online.fc9.bias", torch.zeros(512)),
    ],
    ids=["missing", "shape", "unknown", "weight missing", "weight unknown"],
)
def test_a_state_that_does_not_fit_is_refused(key: str, tensor: Tensor | None) -> None:
    learner = Learner(CONFIG, 3, "cpu")
    learner.update(batch())
    state = learner.state() | {key: tensor}
    with pytest.raises(RuntimeError, match=r"fc[19]\.bias"):
        learner.load_state({name: t for name, t in state.items() if t is not None})

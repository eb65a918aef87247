"""Networks whose work is shared against the same networks whole."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent import splitting
from agent.core_pool import CorePool
from agent.networks import NETWORKS, QNetwork, make_network
from agent.precision import ComputeNetwork
from agent.splitting import split
from test_update import Odd


def states(rows: int) -> Tensor:
    generator = torch.Generator().manual_seed(rows)
    return torch.randint(256, (rows, 4, 84, 84), dtype=torch.uint8, generator=generator)


def gradients(network: nn.Module, q_values: Tensor) -> list[Tensor]:
    """Of a loss in which every Q-value has another weight."""
    weights = torch.arange(1.0, q_values.numel() + 1).view_as(q_values)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return list(torch.autograd.grad((q_values * weights).sum(), learned, materialize_grads=True))


def assert_near(gradients: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for ours, theirs in zip(gradients, expected, strict=True):
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


@pytest.mark.parametrize(
    "name", ["stride", "half_max", "narrow_lowpass", "stride_gap", "imagenet", "own"]
)
@pytest.mark.parametrize(("shards", "rows"), [(2, 1), (2, 2), (2, 7), (3, 7), (4, 3)])
def test_values_and_gradients_are_those_of_the_whole(name: str, shards: int, rows: int) -> None:
    network = (Odd(6) if name == "own" else make_network(name, 6)).double()
    shared = split(network, CorePool(shards))(states(rows))
    expected = network(states(rows))
    assert shared.shape == (rows, 6)
    assert torch.allclose(shared, expected, rtol=1e-12, atol=1e-12)
    assert_near(gradients(network, shared), gradients(network, expected), 1e-12)


def test_frozen_layers_get_no_gradient_and_the_rest_do() -> None:
    network = make_network("stride", 6)
    network.conv1.requires_grad_(False)
    network.fc1.weight.requires_grad_(False)
    shared, expected = split(network, CorePool(2))(states(4)), network(states(4))
    assert_near(gradients(network, shared), gradients(network, expected), 1e-5)


@pytest.mark.parametrize("frozen", [False, True])
def test_nothing_is_remembered_where_no_gradient_is_wanted(frozen: bool) -> None:
    """Neither without gradients nor of a frozen network, as targets are."""
    network = make_network("stride", 6).requires_grad_(not frozen)
    with torch.set_grad_enabled(frozen):
        assert not split(network, CorePool(2))(states(4)).requires_grad


class Halved(QNetwork):
    """A network of the table with a forward pass of its own, and a layer that it does not use."""

    def __init__(self, num_actions: int) -> None:
        super().__init__(num_actions, NETWORKS["stride"])
        self.unused = nn.Linear(2, 2)

    def forward(self, states: Tensor) -> Tensor:
        return super().forward(states) / 2


def test_a_subclass_computes_in_its_own_way() -> None:
    network = Halved(6)
    shared, expected = split(network, CorePool(2))(states(4)), network(states(4))
    assert torch.allclose(shared, expected, atol=1e-5)
    *used, weight, bias = gradients(network, shared)
    assert_near(used, gradients(network, expected)[:-2], 1e-5)
    assert not weight.any() | bias.any()


class Between(nn.Module):
    """A layer of somebody's own whose input is fp32 again."""

    def __init__(self, num_actions: int = 6) -> None:
        super().__init__()
        self.out = nn.Linear(4 * 84 * 84, num_actions)

    def forward(self, states: Tensor) -> Tensor:
        q_values: Tensor = self.out(states.float().flatten(1) / 255)
        return q_values


def test_every_part_is_rounded_in_bf16() -> None:
    """Autocast is a setting of each thread."""
    network = Between()
    shared = ComputeNetwork(copy.deepcopy(network), "bf16", CorePool(2))(states(4))
    expected = ComputeNetwork(network, "bf16")(states(4))
    assert torch.allclose(shared, expected, atol=1e-2)
    assert not torch.allclose(shared, network(states(4)), atol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_order_of_results_is_that_of_the_parts(count: int) -> None:
    assert CorePool(count).map(lambda part: part * part, range(7)) == [n * n for n in range(7)]


def test_other_threads_have_one_core_and_flush_denormals() -> None:
    def settings(_: int) -> tuple[int, float]:
        return torch.get_num_threads(), (torch.tensor(1e-38) / 1e4).item()

    assert CorePool(2).map(settings, [0, 1])[1] == (1, 0.0)


def test_the_large_layer_is_shared_by_its_units() -> None:
    """Not computed whole by one core."""
    network, widths = make_network("stride", 6), []
    network.fc1.register_forward_hook(lambda *_: widths.append("whole"))
    linear = F.linear

    def watched(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        widths.append(len(weight))
        return linear(x, weight, bias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting.F, "linear", watched)
        split(network, CorePool(2))(states(4))
    assert widths == [256, 256, 6]


@pytest.mark.parametrize("part", [0, 1])
def test_an_error_in_a_part_is_not_lost(part: int) -> None:
    with pytest.raises(ZeroDivisionError):
        CorePool(2).map(lambda i: 1 // (i - part), [0, 1])

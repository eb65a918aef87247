"""What follows a convolution: striding's twins, staggered places, the dial."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from agent.errors import UnknownNetwork
from agent.networks import make_network
from agent.reducers import Dial, Staggered
from support.networks_by_hand import staggered, states, windows


def twin(name: str, of: nn.Module) -> nn.Module:
    """The network of this name with another's weights."""
    network = make_network(name, 6)
    network.load_state_dict(of.state_dict())
    return network


@pytest.mark.parametrize("name", ["dense_sub", "half_sub"])
def test_striding_is_a_dense_convolution_of_which_points_are_left_out(name: str) -> None:
    """`stride` and its twin with the same weights: the same outputs, gradients that differ by a
    millionth of their norm."""
    first = make_network("stride", 6)
    second = twin(name, first)
    answers = [network(states()) for network in (first, second)]
    torch.testing.assert_close(*answers, atol=1e-6, rtol=1e-5)
    for answer in answers:
        answer.square().sum().backward()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert (a.grad - b.grad).norm() < 1e-6 * a.grad.norm()


@pytest.mark.parametrize(
    ("dial", "end", "within"),
    [
        ("dial:0,0", "dense_sub", 1e-6),
        ("dial:0,7", "dense_sub", 1e-6),
        ("dial:inf,0", "dense_avg", 1e-6),
        ("dial:inf,inf", "dense_max", 1e-6),
        ("dial:0.01,0", "dense_sub", 1e-6),
        ("dial:inf,5000", "dense_max", 1e-4),
        ("dial:100,0.001", "dense_avg", 1e-4),
    ],
)
def test_the_dial_ends_in_striding_average_and_maximum(dial: str, end: str, within: float) -> None:
    network = make_network(end, 6)
    torch.testing.assert_close(
        twin(dial, network)(states()), network(states()), atol=within, rtol=0
    )


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_staggered_maps_keep_values_of_every_place(stride: int, dtype: torch.dtype) -> None:
    """Values as they are, bit for bit, and no place of the window that no map keeps."""
    maps = torch.rand(2, 32, 17, 17).to(dtype)
    kept = Staggered(stride)(maps)
    assert torch.equal(kept, staggered(maps, stride))
    around = windows(maps, stride)[:, :, 1:-1, 1:-1]
    places = (kept[:, :, 1:-1, 1:-1, None] == around).all(dim=(0, 2, 3))
    assert (places.sum(1) == 1).all()
    assert (places.sum(0) >= 32 // (stride + 1) ** 2).all()


def test_the_dial_in_between_by_hand() -> None:
    """One reducer against its formula, the border included."""
    maps = torch.rand(2, 3, 17, 17)
    around = windows(maps, 2)
    d = torch.tensor([-1.0, 0, 1])
    place = torch.exp(-(d[:, None] ** 2 + d**2) / (2 * (0.7 * 2) ** 2)).flatten()
    weights = (place * torch.exp(3 * around)).nan_to_num(0)
    expected = (weights * around.nan_to_num(0)).sum(-1) / weights.sum(-1)
    torch.testing.assert_close(Dial(2, 0.7, 3.0)(maps), expected)


@pytest.mark.parametrize("name", ["dial:", "dial:1", "dial:-1,0", "dial:nan,0", "dial:1,2,3"])
def test_a_dial_that_cannot_be_set_is_refused(name: str) -> None:
    with pytest.raises(UnknownNetwork, match="dial:SIGMA,BETA"):
        make_network(name, 6)

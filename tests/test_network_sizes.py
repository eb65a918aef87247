"""The figures of the networks: those that were worked out by hand, and a measured field."""

from __future__ import annotations

import pytest
import torch

from agent.networks import NETWORKS, make_network
from harness.evaluation.network_sizes import size_of

MACS = {
    "stride": 9.35, "stride_gap": 9.35, "stride_gmp": 9.35, "stride_sort": 9.35, "imagenet": 4.62,
    "stride_gap64": 7.77,
    **{f"dense_{kind}": 61.46 for kind in ("sub", "stagger", "max", "avg", "blur")},
    **{f"narrow_{kind}": 29.87 for kind in ("sub", "max", "avg", "lowpass")},
    **{f"half_{kind}": 25.35 for kind in ("sub", "stagger", "max", "avg", "blur")},
}  # fmt: skip
FIELDS = dict.fromkeys(MACS, 48) | {
    "stride": 36, "dense_sub": 36, "half_sub": 36,
    "narrow_sub": 29, "narrow_max": 36, "narrow_avg": 36, "narrow_lowpass": 36,
    "stride_gap": None, "stride_gmp": None, "stride_sort": None, "stride_gap64": None,
    "imagenet": 148,
}  # fmt: skip


def parameters(name: str) -> int:
    if name.startswith("narrow"):
        return 1_667_878
    return 114_342 if name in ("imagenet", "stride_gap64") else 1_687_206


@pytest.mark.parametrize("name", NETWORKS)
def test_multiplications_and_parameters(name: str) -> None:
    size = size_of(name, 6)
    assert round(size.macs / 1e6, 2) == MACS[name]
    assert size.parameters == parameters(name)
    assert size.receptive_field == FIELDS[name]


@pytest.mark.parametrize(
    "name",
    [
        *("stride", "dense_sub", "half_stagger", "dense_stagger", "half_blur", "dense_avg"),
        *("narrow_sub", "narrow_max", "narrow_lowpass", "dial:0.5,2"),
    ],
)
def test_the_receptive_field_is_what_moves_a_value(name: str) -> None:
    """Pixels that change the middle value behind conv3, tried one row at a time."""
    network = make_network(name, 6)
    for parameter in network.parameters():  # positive weights: nothing cancels, nothing is cut
        parameter.data.abs_()
    states = torch.zeros((85, 4, 84, 84), dtype=torch.uint8)
    for row in range(84):
        states[row, :, row] = 255
    with torch.no_grad():
        values = network.features(states)["conv3"][:, 0, 3, 3]
    touched = (values[:84] != values[84]).nonzero().flatten()
    field = size_of(name, 6).receptive_field
    assert field == int(touched[-1] - touched[0]) + 1


def test_shapes() -> None:
    assert size_of("dense_max", 18).shapes == ("77-20", "17-9", "7", "512", "18")
    assert size_of("imagenet", 6).shapes == ("21-10", "5-2", "2-1", "512", "6")

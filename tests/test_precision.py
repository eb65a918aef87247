"""bf16: which weights are rounded, and how far values are from those of fp32."""

from __future__ import annotations

import pytest
import torch

from agent.learner import Learner, LearnerConfig
from agent.networks import make_network
from agent.precision import ComputeNetwork
from test_learning import batch, copies
from test_targets import td_targets
from test_update import Remembers


def test_fp32_works_with_the_network_itself() -> None:
    network = make_network("stride", 3)
    assert ComputeNetwork(network, "fp32").network is network


def test_bf16_works_with_rounded_layers_and_shares_the_rest() -> None:
    original = Remembers()
    working = ComputeNetwork(original, "bf16")
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
    assert td_targets(learner, batch()).dtype == torch.float32
    learner.update(batch())
    moved = [(a - b).abs().max() for a, b in zip(copies(learner.online), before, strict=True)]
    assert all(0 < step < 1e-5 for step in moved)


@pytest.mark.parametrize("network", ["stride", "half_max", "narrow_lowpass"])
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
    assert torch.allclose(td_targets(rounded, batch()), td_targets(exact, batch()), atol=0.01)


def test_the_target_in_bf16_follows_copies_alone() -> None:
    learner = Learner(LearnerConfig(precision="bf16", learning_rate=1e-2), 3, "cpu")
    first = td_targets(learner, batch())
    learner.update(batch())
    assert torch.equal(td_targets(learner, batch()), first)
    learner.copy_to_target()
    assert not torch.equal(td_targets(learner, batch()), first)

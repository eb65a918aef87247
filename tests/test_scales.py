"""Equal scales at the start, for every network of the table."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from agent.learner import Learner, LearnerConfig
from agent.networks import NETWORKS, QNetwork, UnknownNetwork, initialise, make_network
from agent.scales import LAYERS, match_scales, scales
from envs.emulators import EmulatorConfig
from harness.run.config import unflatten
from harness.training.random_states import random_states
from harness.training.session import assemble, begin

NAMES = (*NETWORKS, "dial:0.5,3")


@pytest.fixture(scope="module")
def states() -> Tensor:
    return random_states(EmulatorConfig("Pong"), 0, 4)


def made(name: str) -> QNetwork:
    torch.manual_seed(3)
    network = make_network(name, 6)
    assert isinstance(network, QNetwork)
    return network


OTHER_KERNELS = tuple(name for name in NETWORKS if name.startswith("narrow"))


@pytest.mark.parametrize("name", OTHER_KERNELS)
def test_where_kernels_differ_a_stride_with_fresh_ones_is_the_measure(
    name: str, states: Tensor
) -> None:
    torch.manual_seed(3)
    network = make_network(name, 6)
    with torch.random.fork_rng():  # what is drawn for the measure, drawn here, too
        stride = make_network("stride", 6)
    own, fresh = network.state_dict(), stride.state_dict()
    stride.load_state_dict(fresh | {n: w for n, w in own.items() if fresh[n].shape == w.shape})
    match_scales(network, states, "torch")
    matched, targets = scales(network, states), scales(stride, states)
    for layer in LAYERS:
        assert matched[layer] == pytest.approx(targets[layer], rel=2e-4), layer


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OTHER_KERNELS])
def test_every_layer_hands_on_as_much_as_that_of_stride(name: str, states: Tensor) -> None:
    targets, network = scales(made("stride"), states), made(name)
    match_scales(network, states, "torch")
    matched = scales(network, states)
    # With 64 features fc1 has another shape, so `stride` gets fresh weights there.
    layers = LAYERS[:3] if name in ("imagenet", "stride_gap64") else LAYERS
    for layer in layers:
        assert matched[layer] == pytest.approx(targets[layer], rel=2e-4), layer


def test_it_is_needed(states: Tensor) -> None:
    before = {}
    for name in ("stride", "half_max"):
        network = made(name)
        initialise(network, "xavier")
        before[name] = scales(network, states)["conv3"]
    assert before["half_max"] > 1.2 * before["stride"]


def test_stride_and_its_twin_do_not_change(states: Tensor) -> None:
    for name in ("stride", "dense_sub"):
        network, fresh = made(name), made(name)
        match_scales(network, states, "torch")
        for a, b in zip(network.parameters(), fresh.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=0)


def test_what_a_network_computes_keeps_its_shape(states: Tensor) -> None:
    """Every layer is multiplied by one positive number: features stay proportional."""
    network, fresh = made("half_max"), made("half_max")
    match_scales(network, states, "torch")
    with torch.no_grad():
        for layer, features in network.features(states).items():
            other = fresh.features(states)[layer]
            ratio = features.norm() / other.norm()
            assert ratio > 0
            torch.testing.assert_close(features, other * ratio, rtol=1e-3, atol=1e-5)


def test_random_numbers_go_on_as_if_nothing_had_been(states: Tensor) -> None:
    network = made("imagenet")
    before = torch.get_rng_state()
    match_scales(network, states, "xavier")
    assert torch.equal(torch.get_rng_state(), before)


def test_layers_that_hand_on_nothing_stay(states: Tensor) -> None:
    network = made("half_avg")
    nn.init.zeros_(network.conv3.weight)
    nn.init.constant_(network.conv3.bias, -1)
    match_scales(network, states, "torch")
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_a_learner_begins_with_a_target_that_is_matched_too(states: Tensor) -> None:
    learner = Learner(LearnerConfig("dense_max", scale_match=True), 6, "cpu")
    learner.match_scales(states)
    for a, b in zip(learner.online.parameters(), learner.target.parameters(), strict=True):
        assert torch.equal(a, b)


class Own(nn.Module):
    def __init__(self, actions: int) -> None:
        super().__init__()
        self.layer = nn.Linear(4 * 84 * 84, actions)

    def forward(self, states: Tensor) -> Tensor:
        answer: Tensor = self.layer(states.float().flatten(1))
        return answer


def test_a_network_of_ones_own_is_refused_before_anything_is_written() -> None:
    with pytest.raises(UnknownNetwork, match="leave --scale-match out"):
        Learner(LearnerConfig("test_scales:Own", scale_match=True), 6, "cpu")


@pytest.mark.parametrize("matched", [True, False])
def test_a_run_begins_with_it_when_asked(matched: bool) -> None:
    settings = {"game": "Pong", "network": "half_max", "scale_match": matched, "num_envs": 2}
    config = unflatten(settings | {"replay_size": 100, "steps": 100, "warmup": 50})
    parts = assemble(config, torch.device("cpu"), torch.device("cpu"))
    torch.manual_seed(config.seed)
    fresh = make_network("half_max", 6)
    begin(config, parts)
    parts.emulators.close()
    pairs = zip(parts.learner.online.parameters(), fresh.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs) is not matched


def test_random_states_depend_on_their_seed_alone() -> None:
    a, b = (random_states(EmulatorConfig("Pong", num_envs=envs), 5, 20) for envs in (1, 4))
    assert a.shape == (20, 4, 84, 84)
    assert a.dtype == torch.uint8
    assert torch.equal(a, b)
    assert not torch.equal(a, random_states(EmulatorConfig("Pong"), 6, 20))

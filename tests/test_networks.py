"""Shapes, sizes and arithmetic of the networks, and users' own classes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from agent.errors import UnknownNetwork
from agent.networks import NETWORKS, initialise, make_network
from support.networks_by_hand import by_hand, states

BUILT_IN = tuple(NETWORKS)
MATCHED = tuple(
    name for name in NETWORKS if not name.startswith(("imagenet", "narrow", "stride_gap64"))
)
"""Networks with the same parameters."""


@pytest.mark.parametrize("name", [*MATCHED, "dial:0.5,2"])
@pytest.mark.parametrize(("actions", "parameters"), [(6, 1_687_206), (18, 1_693_362)])
def test_parameter_count(name: str, actions: int, parameters: int) -> None:
    """The count of Mnih et al. 2015; pooled and unpooled are the same size."""
    assert sum(p.numel() for p in make_network(name, actions).parameters()) == parameters


DENSE = [(32, 77, 77), (32, 20, 20), (64, 17, 17), (64, 9, 9), (64, 7, 7), (64, 7, 7)]
HALF = [(32, 39, 39), *DENSE[1:]]
STRIDE = [(32, 20, 20), (32, 20, 20), (64, 9, 9), (64, 9, 9), (64, 7, 7), (64, 7, 7)]
NARROW = [(32, 80, 80), (32, 20, 20), (64, 18, 18), (64, 9, 9), (64, 7, 7), (64, 7, 7)]
IMAGENET = [(32, 21, 21), (32, 10, 10), (64, 5, 5), (64, 2, 2), (64, 2, 2), (64, 1, 1)]
LAYERS = {
    name: {"dense": DENSE, "half": HALF, "narrow": NARROW, "imagenet": IMAGENET}.get(
        name.split("_")[0], STRIDE
    )
    for name in BUILT_IN
} | {"stride_gap64": [*STRIDE[:5], (64, 1, 1)]}
"""Output of each convolution and of what follows it, from the table in agent/networks.py."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_shape_of_every_layer(name: str) -> None:
    network = make_network(name, 6)
    shapes: list[tuple[int, ...]] = []
    leaves = [module for module in network.modules() if not list(module.children())]
    for module in leaves:
        module.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    assert network(states()).shape == (3, 6)
    assert shapes == [*LAYERS[name], (512,), (6,)]
    features = network.features(states())
    assert [tuple(f.shape[1:]) for f in features.values()] == [*LAYERS[name][1::2], (512,)]
    assert list(features) == ["conv1", "conv2", "conv3", "fc1"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_forward_by_hand(name: str) -> None:
    """Pixels are divided by 255 once: twice, or never, changes the values far more than this."""
    network = make_network(name, 6)
    weights = {k: v.detach().contiguous() for k, v in network.state_dict().items()}
    expected = by_hand(name, weights, states())
    torch.testing.assert_close(network(states()).detach(), expected, atol=1e-5, rtol=1e-4)


def test_a_mean_before_the_rectifier_is_a_stride_with_smooth_kernels() -> None:
    """Kernels convolved with the box of a window, in the network that strides."""
    network = make_network("narrow_lowpass", 6)
    weights = dict(network.state_dict())
    for layer, size in (("conv1", 4), ("conv2", 2)):
        weights[f"{layer}.weight"] = smooth(weights[f"{layer}.weight"], size)
    stride = make_network("stride", 6)
    stride.load_state_dict(weights)
    torch.testing.assert_close(network(states()), stride(states()), atol=1e-6, rtol=1e-4)


def smooth(kernels: torch.Tensor, size: int) -> torch.Tensor:
    """[O, I, K, K] -> [O, I, K + size - 1, K + size - 1], element by element."""
    side = kernels.shape[-1]
    widened = torch.zeros((*kernels.shape[:2], side + size - 1, side + size - 1))
    for row in range(size):
        for column in range(size):
            widened[..., row : row + side, column : column + side] += kernels / size**2
    return widened


@pytest.mark.parametrize("name", BUILT_IN)
def test_memory_layout_of_the_weights_does_not_matter(name: str) -> None:
    network = make_network(name, 6)
    assert network.conv2.weight.is_contiguous(memory_format=torch.channels_last)
    before = network(states())
    network.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(network(states()), before, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_input_is_not_modified(name: str) -> None:
    given = states()
    make_network(name, 6)(given)
    assert torch.equal(given, states())


def test_a_value_does_not_depend_on_the_rest_of_the_batch() -> None:
    network = make_network("half_max", 6)
    torch.testing.assert_close(network(states(8))[:1], network(states(8)[:1]), atol=1e-5, rtol=1e-4)


def test_frame_order_matters() -> None:
    """The four frames are channels, oldest first: reversed, the values are others."""
    network = make_network("stride", 6)
    assert not torch.allclose(network(states()), network(states().flip(1)), atol=1e-4)


FAN_INS = {"conv1": 256, "conv2": 512, "conv3": 576, "fc1": 3136, "fc2": 512}
FANS = {"conv1": 36 * 64, "conv2": 96 * 16, "conv3": 128 * 9, "fc1": 3136 + 512, "fc2": 512 + 6}
"""Inputs and outputs of a layer together."""


@pytest.mark.parametrize("name", MATCHED)
@pytest.mark.parametrize(("init", "fans", "gain"), [("torch", FAN_INS, 1), ("xavier", FANS, 6)])
def test_initial_weights(name: str, init: Any, fans: dict[str, int], gain: int) -> None:
    """Nature DQN's: U(+-1/sqrt(fan_in)) for weights and biases. Dopamine's: U(+-sqrt(6 / (fan_in
    + fan_out))), biases zero."""
    network = make_network(name, 6)
    initialise(network, init)
    for layer, fan in fans.items():
        module, bound = network.get_submodule(layer), (gain / fan) ** 0.5
        weight, bias = module.weight.detach(), module.bias.detach()
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert (0 < bias.abs().max() <= bound) if init == "torch" else not bias.any()


USER_MODULE = """
import torch
from torch import nn

class Good(nn.Module):
    def __init__(self, num_actions):
        super().__init__()
        self.head = nn.Linear(4, num_actions)

    def forward(self, states):
        return self.head(states.float().mean((2, 3)))

class WrongShape(Good):
    def forward(self, states):
        return super().forward(states)[0]

class WrongConstructor(Good):
    def __init__(self):
        super().__init__(5)

class WrongForward(Good):
    def forward(self, states):
        return self.head(states.float())

class NotANetwork:
    pass

a_function = lambda num_actions: Good(num_actions)
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that holds mine.py, a module of the user's."""
    (tmp_path / "mine.py").write_text(USER_MODULE)
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("mine", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("user_module")
def test_a_class_of_the_users_own() -> None:
    network = make_network("mine:Good", 5)
    assert isinstance(network, nn.Module)
    assert type(network).__name__ == "Good"
    assert network(states(2)).shape == (2, 5)


@pytest.mark.usefixtures("user_module")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine:WrongShape", r"returns \[5\] for a batch of 2; it must return \[2, 5\]"),
        ("mine:NotANetwork", "not a torch.nn.Module class"),
        ("mine:a_function", "not a torch.nn.Module class"),
        ("mine:Missing", "no class 'Missing'"),
        ("mine:", "no class ''"),
        ("mine:WrongConstructor", "TypeError"),
        ("mine:WrongForward", "RuntimeError"),
        (":Good", "cannot import ''"),
        ("nowhere:Net", "cannot import 'nowhere'"),
        ("broken:Net", "no_such_package"),
        ("strid", "did you mean stride, .*"),
        ("dens_max", "did you mean dense_max"),
        ("dial:-1,2", "give dial:SIGMA,BETA, two numbers from 0"),
        ("NARROW_AVG", "did you mean narrow_avg"),
        ("pooled", "choose from stride, dense_sub, .*, or give module:Class"),
        ("", "choose from stride, dense_sub, .*, or give module:Class"),
    ],
)
def test_unusable_networks_say_why_in_one_line(name: str, message: str) -> None:
    with pytest.raises(UnknownNetwork, match=message) as caught:
        make_network(name, 5)
    assert "\n" not in str(caught.value)

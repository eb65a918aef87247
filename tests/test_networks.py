"""Shapes, sizes and arithmetic of the networks, and users' own classes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.errors import UnknownNetwork
from agent.networks import NETWORKS, initialise, make_network
from agent.reducers import Dial, Staggered

BUILT_IN = tuple(NETWORKS)
MATCHED = tuple(name for name in NETWORKS if name != "imagenet")
"""Networks with the same parameters."""


def states(batch: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (batch, 4, 84, 84), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("name", [*MATCHED, "dial:0.5,2"])
@pytest.mark.parametrize(("actions", "parameters"), [(6, 1_687_206), (18, 1_693_362)])
def test_parameter_count(name: str, actions: int, parameters: int) -> None:
    """The count of Mnih et al. 2015; pooled and unpooled are the same size."""
    assert sum(p.numel() for p in make_network(name, actions).parameters()) == parameters


def test_the_textbook_network_is_smaller() -> None:
    assert sum(p.numel() for p in make_network("imagenet", 6).parameters()) == 114_342


DENSE = [(32, 77, 77), (32, 20, 20), (64, 17, 17), (64, 9, 9), (64, 7, 7), (64, 7, 7)]
HALF = [(32, 39, 39), *DENSE[1:]]
STRIDE = [(32, 20, 20), (32, 20, 20), (64, 9, 9), (64, 9, 9), (64, 7, 7), (64, 7, 7)]
IMAGENET = [(32, 21, 21), (32, 10, 10), (64, 5, 5), (64, 2, 2), (64, 2, 2), (64, 1, 1)]
LAYERS = {
    name: {"dense": DENSE, "half": HALF, "imagenet": IMAGENET}.get(name.split("_")[0], STRIDE)
    for name in BUILT_IN
}
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


def windows(maps: Tensor, stride: int) -> Tensor:
    """[B, C, H', W', k * k]: the values around every stride-th point, nan beyond the border."""
    margin = stride // 2
    padded = F.pad(maps, (margin,) * 4, value=float("nan"))
    size = stride + 1
    return padded.unfold(2, size, stride).unfold(3, size, stride).flatten(-2)


def reduced(kind: str, maps: Tensor, stride: int) -> Tensor:
    """A reducer, written out window by window."""
    around = windows(maps, stride)
    if kind == "sub":
        return around[..., around.shape[-1] // 2]
    if kind == "stagger":
        return staggered(maps, stride)
    if kind == "max":
        return around.nan_to_num(-1).amax(-1)
    row = {2: [1.0, 2, 1], 4: [1.0, 4, 6, 4, 1]}[stride] if kind == "blur" else [1.0] * (stride + 1)
    weights = torch.outer(torch.tensor(row), torch.tensor(row)).flatten()
    inside = ~around.isnan()
    return (around.nan_to_num(0) * weights).sum(-1) / (inside * weights).sum(-1)


def staggered(maps: Tensor, stride: int) -> Tensor:
    """The value of each map at its own place of the window, element by element."""
    _, channels, height, width = maps.shape
    size, found = stride + 1, []
    for channel in range(channels):
        place = channel * size**2 // channels
        down, right = place // size - stride // 2, place % size - stride // 2
        rows = [min(max(row + down, 0), height - 1) for row in range(0, height, stride)]
        columns = [min(max(at + right, 0), width - 1) for at in range(0, width, stride)]
        found.append(torch.stack([maps[:, channel, row, columns] for row in rows], 1))
    return torch.stack(found, 1)


def by_hand(name: str, weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """The network written out, in plain layouts."""
    x = images.float() / 255
    family, _, kind = name.partition("_")
    strides = {"dense": (1, 1, 1), "half": (2, 1, 1)}.get(family, (4, 2, 1))
    reduce = {"dense": (4, 2, 1), "half": (2, 2, 1)}.get(family, (1, 1, 1))
    padding = (2, 1, 1) if name == "imagenet" else (0, 0, 0)
    for i in range(3):
        layer = f"conv{i + 1}"
        weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        x = F.relu(F.conv2d(x, weight, bias, strides[i], padding[i]))
        if reduce[i] > 1:
            x = reduced(kind, x, reduce[i])
        if name == "imagenet":
            x = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2).amax(-1)
    if name == "stride_gap":
        x = x.flatten(2).mean(2)[..., None].expand(-1, -1, 49)
    if name == "stride_gmp":
        x = x.flatten(2).amax(2)[..., None].expand(-1, -1, 49)
    if name == "stride_sort":
        x = torch.tensor([[sorted(m, reverse=True) for m in s] for s in x.flatten(2).tolist()])
    x = F.relu(F.linear(x.flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    return F.linear(x, weights["fc2.weight"], weights["fc2.bias"])


def twin(name: str, of: nn.Module) -> nn.Module:
    """The network of this name with another's weights."""
    network = make_network(name, 6)
    network.load_state_dict(of.state_dict())
    return network


@pytest.mark.parametrize("name", ["dense_sub", "half_sub"])
def test_striding_is_a_dense_convolution_of_which_points_are_left_out(name: str) -> None:
    """`stride` and its twin with the same weights: the same outputs, gradients that differ by a
    millionth of their norm."""
    one = make_network("stride", 6)
    two = twin(name, one)
    answers = [network(states()) for network in (one, two)]
    torch.testing.assert_close(*answers, atol=1e-6, rtol=1e-5)
    for answer in answers:
        answer.square().sum().backward()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
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


@pytest.mark.parametrize("name", BUILT_IN)
def test_forward_by_hand(name: str) -> None:
    """Pixels are divided by 255 once: twice, or never, changes the values far more than this."""
    network = make_network(name, 6)
    weights = {k: v.detach().contiguous() for k, v in network.state_dict().items()}
    expected = by_hand(name, weights, states())
    torch.testing.assert_close(network(states()).detach(), expected, atol=1e-5, rtol=1e-4)


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


@pytest.mark.parametrize("name", MATCHED)
def test_torch_init_is_uniform_in_fan_in(name: str) -> None:
    """U(+-1/sqrt(fan_in)) for weights and biases, as Nature DQN had it."""
    network = make_network(name, 6)
    initialise(network, "torch")
    fan_ins = {"conv1": 256, "conv2": 512, "conv3": 576, "fc1": 3136, "fc2": 512}
    for layer, fan_in in fan_ins.items():
        module = network.get_submodule(layer)
        weight, bias = module.weight.detach(), module.bias.detach()
        bound = fan_in**-0.5
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert 0 < bias.abs().max() <= bound


@pytest.mark.parametrize("name", MATCHED)
def test_xavier_init(name: str) -> None:
    """U(+-sqrt(6 / (fan_in + fan_out))), biases zero: Dopamine's."""
    network = make_network(name, 6)
    initialise(network, "xavier")
    fans = {
        "conv1": (4 * 64, 32 * 64),
        "conv2": (32 * 16, 64 * 16),
        "conv3": (64 * 9, 64 * 9),
        "fc1": (3136, 512),
        "fc2": (512, 6),
    }
    for layer, both in fans.items():
        module = network.get_submodule(layer)
        weight, bias = module.weight.detach(), module.bias.detach()
        bound = (6 / sum(both)) ** 0.5
        assert 0.98 * bound < weight.abs().max() <= bound
        assert not bias.any()


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
        ("strid", "choose from stride, dense_sub, .*, or give module:Class"),
        ("", "choose from stride, dense_sub, .*, or give module:Class"),
    ],
)
def test_unusable_networks_say_why_in_one_line(name: str, message: str) -> None:
    with pytest.raises(UnknownNetwork, match=message) as caught:
        make_network(name, 5)
    assert "\n" not in str(caught.value)

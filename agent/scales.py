"""Equal scales at the start: what a reducer does to the size of signals, undone once.

With the same initial weights a maximum hands on larger signals than striding does, a mean smaller
ones, and the size of signals at the start moves learning more than the way of downsampling does.
So a comparison takes it out: each layer's features are multiplied by one number that makes them as
large as in `stride` with the same weights. What a network computes stays the same but for that
number, and `stride` does not change at all. A data-dependent initialisation layer by layer, as
Mishkin & Matas, "All you need is a good init" (2016), with another target than 1.

Where features of a layer are multiplied by r, the next layer's bias has to follow:
relu(W (r x) + r b) = r relu(W x + b) for r > 0, and all reducers but the dial keep r.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agent.errors import UnknownNetwork
from agent.networks import Init, QNetwork, initialise, make_network

LAYERS = ("conv1", "conv2", "conv3", "fc1", "fc2")
_ROUNDS = 20
_CLOSE = 1e-4
"""Relative difference at which scales count as equal."""


def matchable(network: nn.Module) -> QNetwork:
    """The network itself, if its layers are known. Raises UnknownNetwork for somebody's own."""
    if not isinstance(network, QNetwork):
        raise UnknownNetwork(
            f"the layers of {type(network).__name__} are not known: their scales cannot be matched "
            "(leave --scale-match out) nor their features probed"
        )
    return network


def scales(network: QNetwork, states: Tensor) -> dict[str, float]:
    """Root mean square of what each layer hands on (conv1 to fc1 behind their reducers, fc2 the
    Q-values) for states uint8 [B, 4, 84, 84]."""
    with torch.no_grad():
        found = network.features(states)
        found["fc2"] = network.fc2(found["fc1"])
    return {name: float(found[name].double().square().mean().sqrt()) for name in LAYERS}


def match_scales(network: QNetwork, states: Tensor, init: Init) -> None:
    """Multiply each layer so that it hands on as much as the same layer of `stride` with the same
    weights, for states uint8 [B, 4, 84, 84]. Where a layer of `stride` has another shape its
    weights are drawn afresh by `init`.

    Layers that hand on nothing stay.
    """
    wanted = scales(_stride_like(network, init), states)
    product = 1.0
    for name in LAYERS:
        layer = getattr(network, name)
        with torch.no_grad():
            layer.bias *= product
        # One round does it, but for the dial's reducer.
        for _ in range(_ROUNDS):
            found = scales(network, states)[name]
            ratio = wanted[name] / found if found and wanted[name] else 1.0
            with torch.no_grad():
                layer.weight *= ratio
                layer.bias *= ratio
            product *= ratio
            if abs(ratio - 1) < _CLOSE:
                break


def _stride_like(network: QNetwork, init: Init) -> QNetwork:
    """`stride` with the weights of another network, and with fresh ones where those do not fit."""
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[]):
        stride = make_network("stride", network.fc2.out_features)
        initialise(stride, init)
    own = network.state_dict()
    fitting = {
        name: own[name] if own[name].shape == tensor.shape else tensor
        for name, tensor in stride.state_dict().items()
    }
    stride.load_state_dict(fitting)
    assert isinstance(stride, QNetwork)
    return stride.to(device)

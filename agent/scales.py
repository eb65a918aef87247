"""Equal scales at the start: initial weights are rescaled so that all networks' outputs are
equally large.

With the same initial weights, a maximum gives larger outputs than striding and a mean smaller
ones. The scale at the start affects learning more than the way of downsampling does, so a
comparison removes it. Each layer is multiplied by one number, so that its outputs are as large as
those of `stride` with the same weights. The function stays the same but for these factors, and
`stride` itself does not change. This is the data-dependent initialisation of Mishkin & Matas,
"All you need is a good init" (2016), layer by layer, with the scale of `stride` as the target
instead of 1.

Where a layer's outputs are multiplied by r, so is the next layer's bias:
relu(W (r x) + r b) = r relu(W x + b) for r > 0. All reducers but the dial commute with r.
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
    """The network itself, if its layers are known. Raises UnknownNetwork for a user's own class."""
    if not isinstance(network, QNetwork):
        raise UnknownNetwork(
            f"the layers of {type(network).__name__} are not known: their scales cannot be matched "
            "(leave --scale-match out) nor their features probed"
        )
    return network


def scales(network: QNetwork, states: Tensor) -> dict[str, float]:
    """Root mean square of each layer's output for states uint8 [B, 4, 84, 84]: of conv1, conv2 and
    conv3 behind their reducers, of fc1, and of the Q-values as `fc2`."""
    with torch.no_grad():
        features = network.features(states)
        features["fc2"] = network.fc2(features["fc1"])
    return {name: float(features[name].double().square().mean().sqrt()) for name in LAYERS}


def match_scales(network: QNetwork, states: Tensor, init: Init) -> None:
    """Multiply each layer so that its outputs for states uint8 [B, 4, 84, 84] are as large as
    those of the same layer of `stride` with the same weights. Where that layer has another shape
    in `stride`, its weights there are drawn by `init`.

    A layer whose outputs are all 0, here or in `stride`, keeps its weights.
    """
    targets = scales(_stride_like(network, init), states)
    product = 1.0
    for name in LAYERS:
        layer = getattr(network, name)
        with torch.no_grad():
            layer.bias *= product
        # One round is enough, except for the dial.
        for _ in range(_ROUNDS):
            scale = scales(network, states)[name]
            ratio = targets[name] / scale if scale and targets[name] else 1.0
            with torch.no_grad():
                layer.weight *= ratio
                layer.bias *= ratio
            product *= ratio
            if abs(ratio - 1) < _CLOSE:
                break


def _stride_like(network: QNetwork, init: Init) -> QNetwork:
    """`stride` with another network's weights, and newly drawn ones where the shapes differ."""
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[]):
        stride = make_network("stride", network.fc2.out_features)
        initialise(stride, init)
    weights = network.state_dict()
    fitting = {
        name: weights[name] if weights[name].shape == tensor.shape else tensor
        for name, tensor in stride.state_dict().items()
    }
    stride.load_state_dict(fitting)
    assert isinstance(stride, QNetwork)
    return stride.to(device)

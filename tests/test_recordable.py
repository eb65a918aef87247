"""What a CUDA graph may hold, checked on any machine: tensors of the `meta` device have no values,
so nothing that waits for one gets through, and whatever lies on the CPU stands out beside them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from agent import flat
from agent.exploration import epsilon_greedy
from agent.learner import Learner, LearnerConfig
from agent.networks import NETWORKS
from replay.ring import Ring

META = torch.device("meta")
VARIANTS = [
    LearnerConfig(precision="bf16"),
    LearnerConfig(optimizer="rmsprop", double=True, n_step=3, max_grad_norm=10.0),
    LearnerConfig(loss="mse", clip_rewards=False),
    LearnerConfig(network="dial:1,2", precision="bf16"),
    *(LearnerConfig(network=name) for name in NETWORKS),
]


class Elsewhere(TorchDispatchMode):
    """Operations that take or make a tensor on the CPU, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, Tensor)]
        if any(tensor.device.type == "cpu" for tensor in tensors):
            self.found.append(str(func))
        return result


@pytest.fixture(autouse=True)
def _no_fused_adam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch has no fused Adam for `meta`; its own is made for recording."""
    make = flat.make_optimizer

    def stand_in(name: Any, parameters: Any, *constants: float) -> torch.optim.Optimizer:
        if name == "adam":
            return torch.optim.SGD(parameters, 1e-3)
        return make(name, parameters, *constants)

    monkeypatch.setattr(flat, "make_optimizer", stand_in)


def turn(config: LearnerConfig) -> Elsewhere:
    """Two updates and an action on `meta`, watched."""
    learner, ring = Learner(config, 6, META), Ring(50, 4, META)
    frames, nothing = torch.zeros((4, 84, 84), dtype=torch.uint8), torch.zeros(4, dtype=torch.bool)
    ring.start(frames)
    for _ in range(5):
        ring.add(
            nothing.long(), nothing, terminal=nothing, void=nothing, frames=frames, first=nothing
        )
    generator, epsilon = torch.Generator(), torch.zeros((), device=META)
    with Elsewhere() as elsewhere:
        learner.update(ring.sample(64, config.n_step, generator), 2)
        epsilon_greedy(learner.q_values(ring.latest()), epsilon, generator)
    return elsewhere


@pytest.mark.parametrize("config", VARIANTS, ids=lambda config: config.network)
def test_updates_and_acting_stay_on_the_device_and_never_wait(config: LearnerConfig) -> None:
    assert turn(config).found == []


class Waiting(nn.Module):
    """Scales its answer by a number it has to wait for."""

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.layer = nn.Linear(84, num_actions)

    def forward(self, states: Tensor) -> Tensor:
        q_values: Tensor = self.layer(states[:, 0, 0].float())
        return q_values * states.float().mean().item()


class Wandering(Waiting):
    """Adds numbers that lie on the CPU."""

    def forward(self, states: Tensor) -> Tensor:
        answer: Tensor = self.layer(states[:, 0, 0].float()) * torch.tensor(2.0)
        return answer


def test_waiting_is_seen() -> None:
    with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta"):
        turn(LearnerConfig(network=f"{__name__}:Waiting"))


def test_tensors_elsewhere_are_seen() -> None:
    assert "aten.mul.Tensor" in turn(LearnerConfig(network=f"{__name__}:Wandering")).found

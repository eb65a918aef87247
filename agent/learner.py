"""The learner: online and target network, and the update that moves them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from agent.networks import Init, initialise, make_network
from agent.optimizers import STATE_KEYS, OptimizerName, make_optimizer
from agent.precision import PrecisionName, resolve_precision
from agent.targets import bootstrap_discount, n_step_return, td_loss, td_target
from replay.batch import Batch


@dataclass(frozen=True)
class LearnerConfig:
    """What is learned from a batch, and how."""

    network: str = "stride"
    """Network of the table, or your own as module:Class."""
    init: Init = "torch"
    """Initial weights: torch is U(+-1/sqrt(fan_in)), as in Nature DQN; xavier is Dopamine's."""
    optimizer: OptimizerName = "adam"
    """adam, or rmsprop: the centred RMSProp of Nature DQN (epsilon inside the root)."""
    learning_rate: float = 1e-4
    """Step size of the optimizer (per update)."""
    optimizer_epsilon: float = 1e-8
    """Constant that keeps the optimizer's division finite."""
    loss: Literal["huber", "mse"] = "huber"
    """Loss of the TD error: huber has threshold 1."""
    max_grad_norm: float = 0.0
    """Gradients are scaled down to this norm (0 leaves them alone)."""
    gamma: float = 0.99
    """Discount of a reward one step later (0 to 1)."""
    n_step: int = 1
    """Rewards summed before bootstrapping (steps; 1 is plain DQN)."""
    double: bool = False
    """Double Q-learning: the online network chooses the action, the target network values it."""
    clip_rewards: bool = True
    """Learn from rewards clipped to [-1, 1]. Reported scores are never clipped."""
    batch_size: int = 32
    """Transitions in an update (count)."""
    precision: PrecisionName = "fp32"
    """Arithmetic of the layers; bf16 keeps weights, targets and loss in fp32, auto is bf16 on a
    CPU that has it in hardware."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "optimizer_epsilon"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"{name.replace('_', '-')} must be positive, not {getattr(self, name)}"
                )
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma must be in [0, 1], not {self.gamma}")
        for name in ("n_step", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}"
                )
        if not self.max_grad_norm >= 0:
            raise ValueError(f"max-grad-norm must not be negative, not {self.max_grad_norm}")


class Learner:
    """Owns the networks and the optimizer. Only `metrics` waits for the device."""

    METRICS = ("loss", "q_mean", "q_max", "td_error", "grad_norm")

    def __init__(self, config: LearnerConfig, num_actions: int, device: torch.device | str) -> None:
        self.config, self.num_actions, self.device = config, num_actions, torch.device(device)
        self.online = make_network(config.network, num_actions)
        initialise(self.online, config.init)
        self.online.to(self.device)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.optimizer = make_optimizer(
            config.optimizer,
            self.online.parameters(),
            config.learning_rate,
            config.optimizer_epsilon,
        )
        self.precision = resolve_precision(config.precision, self.device)
        self._sums = torch.zeros(len(self.METRICS), device=self.device)
        self._updates_summed = 0

    def q_values(self, states: Tensor) -> Tensor:
        """float32 [B, A] of the online network for states uint8 [B, 4, 84, 84], no gradient."""
        with torch.no_grad():
            return self._forward(self.online, states)

    def _forward(self, network: nn.Module, states: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            q_values: Tensor = network(states)
        return q_values.float()

    def target_values(self, batch: Batch) -> Tensor:
        """float32 [B]: the TD targets of a batch."""
        config = self.config
        with torch.no_grad():
            rewards = batch.rewards.clamp(-1, 1) if config.clip_rewards else batch.rewards
            return td_target(
                n_step_return(rewards, config.gamma),
                bootstrap_discount(batch.lengths, batch.terminal, config.gamma),
                self._forward(self.target, batch.next_states),
                self._forward(self.online, batch.next_states) if config.double else None,
            )

    def update(self, batch: Batch) -> None:
        """One gradient step on a batch; its figures are added to those `metrics` averages."""
        q_values = self._forward(self.online, batch.states)
        loss, td_errors = td_loss(
            q_values, batch.actions, self.target_values(batch), self.config.loss
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        grad_norm = self._clip_gradients()
        self.optimizer.step()
        best = q_values.detach().amax(1)
        self._sums += torch.stack(
            (loss.detach(), best.mean(), best.max(), td_errors.abs().mean(), grad_norm)
        )
        self._updates_summed += 1

    def _clip_gradients(self) -> Tensor:
        limit = self.config.max_grad_norm or float("inf")
        return nn.utils.clip_grad_norm_(self.online.parameters(), limit)

    def copy_to_target(self) -> None:
        """Make the target network a copy of the online one."""
        self.target.load_state_dict(self.online.state_dict())

    def metrics(self) -> dict[str, float]:
        """Means over the updates since the last call (empty without any): loss, mean and largest
        max_a Q of the batch, mean absolute TD error, gradient norm before clipping."""
        if not self._updates_summed:
            return {}
        means = (self._sums / self._updates_summed).tolist()
        self._sums.zero_()
        self._updates_summed = 0
        return dict(zip(self.METRICS, means, strict=True))

    def state(self) -> dict[str, Tensor]:
        """Every tensor of the learner by name, for a checkpoint: `online.*`, `target.*`, and
        `optimizer.<parameter>.<name>` once it has taken a step."""
        tensors = {f"online.{name}": value for name, value in self.online.state_dict().items()}
        tensors |= {f"target.{name}": value for name, value in self.target.state_dict().items()}
        for name, parameter in self.online.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `state` returned. Raises RuntimeError when names or shapes differ."""
        self.online.load_state_dict(_below("online.", tensors))
        self.target.load_state_dict(_below("target.", tensors))
        averages = _below("optimizer.", tensors)
        for name, parameter in self.online.named_parameters():
            saved = {key: averages.pop(f"{name}.{key}") for key in self._keys(name, averages)}
            for key, value in saved.items():
                if value.shape not in (parameter.shape, torch.Size()):
                    raise RuntimeError(f"optimizer.{name}.{key} has shape {list(value.shape)}")
                # Averages take the weights' memory layout, which a file does not keep.
                like = parameter if value.shape == parameter.shape else value.to(self.device)
                self.optimizer.state[parameter][key] = torch.empty_like(like).copy_(value).detach()
        if averages:
            raise RuntimeError(f"unknown optimizer state {min(averages)}")

    def _keys(self, name: str, averages: dict[str, Tensor]) -> tuple[str, ...]:
        """Names of the optimizer's averages of a parameter: all of them, or none before the
        first update."""
        keys = STATE_KEYS[self.config.optimizer]
        there = [key for key in keys if f"{name}.{key}" in averages]
        if there and len(there) < len(keys):
            raise RuntimeError(f"optimizer state of {name} lacks some of {', '.join(keys)}")
        return tuple(there)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

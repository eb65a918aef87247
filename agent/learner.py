"""The learner: the online and the target network, and the update that trains them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from agent.core_pool import CorePool
from agent.flat import FlatOptimizer
from agent.networks import Init, initialise, make_network
from agent.optimizers import OptimizerName
from agent.precision import ComputeNetwork, PrecisionName, allow_tf32, resolve_precision
from agent.scales import match_scales, matchable
from agent.splitting import may_be_split
from agent.targets import bootstrap_discount, n_step_return, td_loss, td_target
from replay.batch import Batch


@dataclass(frozen=True)
class LearnerConfig:
    """How the learner learns from a batch."""

    network: str = "stride"
    """Network of the table (`evaluate.py networks` lists it), dial:SIGMA,BETA, or your own as
    module:Class."""
    init: Init = "torch"
    """Initial weights: torch is U(+-1/sqrt(fan_in)), as in Nature DQN; xavier is Dopamine's."""
    scale_match: bool = False
    """Make what each layer hands on at the start as large as in `stride`, for comparisons."""
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
    CPU that has it in hardware, tf32 rounds the inputs of products on a CUDA device."""

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
    """Owns the networks and the optimizer. Only `metrics` waits for the device.

    `shards` cores share each update. The result is that of one core but for rounding, and the
    same in every run. `compiled` networks go through torch.compile.
    """

    METRICS = ("loss", "q_mean", "q_max", "td_error", "grad_norm")

    def __init__(
        self,
        config: LearnerConfig,
        num_actions: int,
        device: torch.device | str,
        shards: int = 1,
        compiled: bool = False,
    ) -> None:
        self.config, self.num_actions, self.device = config, num_actions, torch.device(device)
        self.online = make_network(config.network, num_actions)
        if config.scale_match:
            matchable(self.online)
        initialise(self.online, config.init)
        self.online.to(self.device)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.precision = resolve_precision(config.precision, self.device)
        allow_tf32(self.precision == "tf32")
        # Several threads cannot enter one compiled network for the first time.
        split = may_be_split(self.online) and not compiled
        self._pool = CorePool(shards if split else 1)
        self._online = ComputeNetwork(self.online, self.precision, self._pool, compiled)
        self._target = ComputeNetwork(self.target, self.precision, self._pool, compiled)
        named = self.online.named_parameters()
        self._optimizer = FlatOptimizer(
            ((name, parameter) for name, parameter in named if parameter.requires_grad),
            self._online.parameters,
            config.optimizer,
            config.learning_rate,
            config.optimizer_epsilon,
            self._pool,
        )
        self._sums = torch.zeros(len(self.METRICS) + 1, device=self.device)
        """Sum of each metric since `metrics` was last called, and the number of updates."""

    @property
    def shards(self) -> int:
        """Cores that share an update."""
        return self._pool.count

    @torch.no_grad()
    def q_values(self, states: Tensor) -> Tensor:
        """float32 [B, A] of the online network for states uint8 [B, 4, 84, 84], no gradient."""
        return self._online(states)

    @torch.no_grad()
    def next_q_target(self, batch: Batch) -> Tensor:
        """float32 [B, A]: Q-values of the target network for the next states."""
        return self._target(batch.next_states)

    def td_targets(self, batch: Batch, next_q_target: Tensor) -> Tensor:
        """float32 [B]: the TD targets of a batch, from its `next_q_target` [B, A]."""
        config = self.config
        rewards = batch.rewards.clamp(-1, 1) if config.clip_rewards else batch.rewards
        return td_target(
            n_step_return(rewards, config.gamma),
            bootstrap_discount(batch.lengths, batch.terminal, config.gamma),
            next_q_target,
            self.q_values(batch.next_states) if config.double else None,
        )

    def update(self, batch: Batch, updates: int = 1) -> None:
        """Take one gradient step on each of `updates` equal parts of a batch, in order.

        The target network does not change meanwhile, so it evaluates the whole batch at once.
        With Double DQN the online network takes part in the targets, so each part's are computed
        when its turn comes.
        """
        next_q_target, parts = self.next_q_target(batch), batch.split(updates)
        targets: Iterable[Tensor]
        if self.config.double:
            targets = map(self.td_targets, parts, next_q_target.tensor_split(updates))
        else:
            targets = self.td_targets(batch, next_q_target).tensor_split(updates)
        self._add_metrics([self._step(*pair) for pair in zip(parts, targets, strict=True)])

    def _step(self, batch: Batch, targets: Tensor) -> tuple[Tensor, ...]:
        """A gradient step: its loss [], Q-values [B, A], TD errors [B] and gradient norm []."""
        q_values = self._online(batch.states)
        loss, td_errors = td_loss(q_values, batch.actions, targets, self.config.loss)
        gradients = torch.autograd.grad(loss, self._online.parameters, materialize_grads=True)
        grad_norm = self._optimizer.step(gradients, self.config.max_grad_norm)
        return loss.detach(), q_values.detach(), td_errors, grad_norm

    def _add_metrics(self, steps: list[tuple[Tensor, ...]]) -> None:
        """Add the metrics of gradient steps to the sums."""
        losses, q_values, td_errors, norms = map(torch.stack, zip(*steps, strict=True))
        max_q, abs_errors = q_values.amax(2), td_errors.abs()
        metrics = (losses, max_q.mean(1), max_q.amax(1), abs_errors.mean(1), norms)
        self._sums += torch.stack((*metrics, torch.ones_like(losses))).sum(1)

    def match_scales(self, states: Tensor) -> None:
        """Scale the initial weights so that each layer's output for states uint8 [B, 4, 84, 84]
        is as large as in `stride`. Raises UnknownNetwork for a `module:Class`."""
        match_scales(matchable(self.online), states.to(self.device), self.config.init)
        self._online.refresh()
        self.copy_to_target()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Load these tensors, by name, into both networks. Raises RuntimeError when names or
        shapes differ."""
        self.online.load_state_dict(weights)
        self._online.refresh()
        self.copy_to_target()

    def copy_to_target(self) -> None:
        """Make the target network a copy of the online one."""
        self.target.load_state_dict(self.online.state_dict())
        self._target.refresh()

    def metrics(self) -> dict[str, float]:
        """Means over the updates since the last call: loss, mean and maximum over the batch of
        max_a Q, mean absolute TD error, gradient norm before clipping. Empty without updates."""
        *sums, updates = self._sums.tolist()
        self._sums.zero_()
        if not updates:
            return {}
        return {name: total / updates for name, total in zip(self.METRICS, sums, strict=True)}

    def state(self) -> dict[str, Tensor]:
        """Every tensor of the learner by name, for a checkpoint: `online.*`, `target.*`,
        `figures.sums`, and `optimizer.<parameter>.<name>` once it has taken a step."""
        tensors = {f"online.{name}": value for name, value in self.online.state_dict().items()}
        tensors |= {f"target.{name}": value for name, value in self.target.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in self._optimizer.state().items()}
        return tensors | {"figures.sums": self._sums}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` returned. Raises RuntimeError when names or shapes differ,
        KeyError without `figures.sums`."""
        self.online.load_state_dict(without_prefix("online.", tensors))
        self.target.load_state_dict(without_prefix("target.", tensors))
        self._optimizer.load_state(without_prefix("optimizer.", tensors))
        self._sums.copy_(tensors["figures.sums"])
        self._online.refresh()
        self._target.refresh()


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, under names without it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }

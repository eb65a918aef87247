"""Networks trained to say where or how many: what can be learned through a way of downsampling,
without the detours of reinforcement learning.

Every network gets the same batches, the same number of updates and the same rule for its learning
rate; only initial weights and batches differ between seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from agent.learner import LearnerConfig
from agent.networks import QNetwork, initialise, make_network
from agent.precision import resolve_precision
from agent.scales import match_scales, matchable
from harness.probes.patterns import MOST, SIDE, counted, located
from harness.probes.response import q_values

Task = Literal["location", "count"]
SIZES = (2, 8)
"""Sides of the blocks to be located (pixels): a ball, a large sprite."""
OUTPUTS: dict[Task, int] = {"location": 2, "count": 1}
_BATCH = LearnerConfig().batch_size
_POOL = 4096
_SCALED_ON = 64


class Examples(NamedTuple):
    """States and the right answers."""

    states: npt.NDArray[np.uint8]  # [N, 4, 84, 84]
    targets: Tensor  # float32 [N, outputs], about -1 to 1

    def batches(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of 32 without end, each state once before any comes again."""
        while True:
            order = rng.permutation(len(self.states))
            for start in range(0, len(order) - _BATCH + 1, _BATCH):
                chosen = order[start : start + _BATCH]
                yield torch.from_numpy(self.states[chosen]), self.targets[torch.from_numpy(chosen)]


def examples(task: Task, count: int, seed: int) -> Examples:
    """Planted patterns to learn a task from."""
    if task == "count":
        planted = [counted(count, seed)]
        targets = [(planted[0].counts[:, None] - (MOST + 1) / 2) / (MOST / 2)]
    else:
        planted = [located(count // len(SIZES), seed, size) for size in SIZES]
        targets = [patterns.positions * 2 / SIDE - 1 for patterns in planted]
    states = np.concatenate([patterns.states for patterns in planted])
    return Examples(states, torch.from_numpy(np.concatenate(targets)).float())


def answers(
    network: QNetwork, task: Task, states: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """A trained network's answers about states [N, 4, 84, 84], in pixels [N, 2] or sprites [N]."""
    outputs = q_values(network, states).numpy()
    if task == "location":
        return np.asarray((outputs + 1) * SIDE / 2)
    return np.asarray(outputs[:, 0] * (MOST / 2) + (MOST + 1) / 2)


def fresh(name: str, outputs: int, seed: int, states: npt.NDArray[np.uint8]) -> QNetwork:
    """An untrained network, its scales matched on some of the states [N, 4, 84, 84]. The same seed
    gives networks of the same shape the same weights, up to those scales."""
    torch.manual_seed(seed)
    network = matchable(make_network(name, outputs))
    initialise(network, "xavier")
    match_scales(network, torch.from_numpy(states[:_SCALED_ON]), "xavier")
    return network


def trained(name: str, task: Task, seed: int, updates: int, learning_rate: float) -> QNetwork:
    """A network trained on a task. Computes in bf16 where the CPU has it, with weights and loss in
    fp32."""
    shown = examples(task, max(2 * _SCALED_ON, min(_POOL, updates * _BATCH)), 1000 + seed)
    network = fresh(name, OUTPUTS[task], seed, shown.states[:: len(shown.states) // _SCALED_ON])
    optimizer = torch.optim.Adam(network.parameters(), learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    bf16 = resolve_precision("auto", torch.device("cpu")) == "bf16"
    batches = shown.batches(np.random.default_rng(seed))
    for _ in range(updates):
        states, targets = next(batches)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = network(states)
        loss = F.smooth_l1_loss(outputs.float(), targets, beta=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        schedule.step()
    return network

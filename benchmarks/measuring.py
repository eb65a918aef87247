"""What the benchmarks share: windows of the real loop, calls timed in turn, who ran them."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.execution import ExecutionName
from agent.exploration import ExplorationConfig
from envs.stream import Turn
from harness.files.atomic import write_json
from harness.run.config import RunConfig
from harness.run.hardware import allocate_cores, pick_device
from harness.run.presets import PRESETS
from harness.run.provenance import machine, versions
from harness.run.state import Counters
from harness.training.session import Components, assemble, begin
from replay.ring import Ring
from train import training

FAIR = replace(
    PRESETS["cleanrl"],
    replay_size=100_000,
    warmup=1_000,
    target_period=1_000,
    life_loss_ends=False,
    emulators=replace(PRESETS["cleanrl"].emulators, fire_on_reset=False),
    learner=replace(PRESETS["cleanrl"].learner, loss="huber", max_grad_norm=10.0, precision="auto"),
    exploration=ExplorationConfig(epsilon_start=0.01, epsilon_final=0.01),
)
"""The work every contender does, which is what Stable-Baselines3 does by default: Pong, an update
of batch 32 for 4 steps, Adam 1e-4, Huber loss, gradient norm 10, epsilon .01."""


ALL_RECORDED = 64
"""Updates for each of 16 to 128 emulators after which every graph is recorded: a target copy cuts
off the updates that are due together, and each number of them has to come a few times first."""


def prefill(ring: Ring) -> None:
    """Fill the whole replay memory with transitions that show its latest frames again."""
    frames = ring.latest()[:, -1]
    nothing = torch.zeros(ring.num_envs, dtype=torch.bool)
    for _ in range(ring.rows):
        ring.add(
            nothing.long(), nothing, terminal=nothing, void=nothing, frames=frames, first=nothing
        )


class Loop:
    """The real training loop, past its first updates, with a full replay memory."""

    def __init__(
        self, config: RunConfig, device: str = "cpu", execution: ExecutionName = "auto"
    ) -> None:
        self.device = pick_device(device)  # type: ignore[arg-type]
        self.components: Components = assemble(config, self.device, self.device, execution)
        self.counters = Counters(learn_from=10 * config.emulators.num_envs)
        self.session = replace(begin(config, self.components), counters=self.counters)
        parts = self.components
        self.turns: Iterator[Turn] = training(
            config, self.session, parts.ring, parts.learner, parts.execution.launcher
        )
        next(self.turns)
        prefill(parts.ring)
        first = ALL_RECORDED * config.emulators.num_envs if parts.execution.recorded else 100
        while self.counters.updates < first:
            next(self.turns)

    def run(self, seconds: float) -> float:
        """Steps per second of one window."""
        self.wait()
        begin, steps = time.perf_counter(), self.counters.steps
        while time.perf_counter() - begin < seconds:
            next(self.turns)
        self.wait()
        return (self.counters.steps - steps) / (time.perf_counter() - begin)

    @property
    def ratio(self) -> float:
        """Updates for each step since the first one was due."""
        return self.counters.updates / (self.counters.steps - self.counters.learn_from)

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def close(self) -> None:
        self.components.emulators.close()


def milliseconds(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Median time of a call, after three that do not count."""
    for _ in range(3):
        call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


def random_actions(num_envs: int, num_actions: int, rows: int) -> list[np.ndarray]:
    """Actions [E] for `rows` steps, drawn before the clock starts."""
    random = np.random.default_rng(0)
    return list(random.integers(num_actions, size=(rows, num_envs)))


def report(
    name: str,
    rows: list[dict[str, Any]],
    config: RunConfig,
    file: Path | None,
    device: str = "cpu",
) -> None:
    """Print rows as a table to paste, and write them with where they come from."""
    columns = list(rows[0])
    print(f"\n{name}\n\n| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(_text(row[column]) for column in columns) + " |")
    if file:
        where = torch.device(device)
        content = {
            "benchmark": name,
            "date": time.strftime("%Y-%m-%d"),
            "command": sys.argv[1:],
            "rows": rows,
            "settings": asdict(config),
            "versions": versions(),
            "machine": asdict(machine(where, allocate_cores(where, config.emulators.num_envs))),
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, content)


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"

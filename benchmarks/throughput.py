"""Where the time of a step of all emulators goes on a CPU, stage by stage, beside its floor.

Floors are measured here too: memory is copied and matrices are multiplied at the rate this
machine shows for large ones, and emulators run without anything around them.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from ale_py import ALEInterface, LoggerMode

from agent.exploration import epsilon_greedy
from agent.precision import PrecisionName
from benchmarks.measuring import FAIR, Loop, milliseconds, random_actions, report
from envs.games import rom_path
from harness.run.config import RunConfig
from harness.run.hardware import allocate_cores
from replay.ring import FRAME_SHAPE, STACK_SIZE

FORWARD_FLOP = 2 * 9.35e6
"""Of one state through the Nature network (2 x 9.35 million multiply-adds)."""
UPDATE_FLOP = 2.18e9
"""Of an update of batch 32: two forward passes, and one backward without conv1's input."""


@dataclass(frozen=True)
class Throughput:
    """Time of each stage for one step of all emulators, and the rate of the whole loop."""

    num_envs: int = FAIR.emulators.num_envs
    """Emulators (count)."""
    precision: PrecisionName = "auto"
    """Arithmetic of the layers."""
    seconds: float = 8.0
    """Length of a window (seconds)."""
    windows: int = 5
    """Windows of the whole loop (count)."""
    json: Path | None = None
    """Write the figures here."""

    def run(self) -> None:
        config = replace(
            FAIR,
            emulators=replace(FAIR.emulators, num_envs=self.num_envs),
            learner=replace(FAIR.learner, precision=self.precision),
        )
        loop = Loop(config)
        rates = [loop.run(self.seconds) for _ in range(self.windows)]
        rate = statistics.median(rates)
        rows = stages(loop, config)
        whole = 1e3 * self.num_envs / rate
        # Emulators run beside the rest.
        emulate, *rest = (row["floor ms"] for row in rows)
        floor = max(emulate, sum(rest))
        rows.append({"stage": "whole loop", "ms": whole, "floor ms": floor, "x": whole / floor})
        for row in rows:
            row["share"] = f"{row['ms'] / whole:.0%}"
        name = (
            f"{self.num_envs} emulators, {loop.components.learner.precision}: {rate:.0f} steps/s "
            f"(windows {', '.join(f'{r:.0f}' for r in rates)}), "
            f"updates/steps {loop.ratio:.4f}"
        )
        report(name, rows, config, self.json)


def stages(loop: Loop, config: RunConfig) -> list[dict[str, Any]]:
    """Each stage alone, for one step of all emulators."""
    parts = loop.components
    learner, ring, emulators = parts.learner, parts.ring, parts.emulators
    envs = emulators.num_envs
    generator = torch.Generator().manual_seed(0)
    updates = envs / config.update_period
    actions = iter(random_actions(envs, emulators.num_actions, 100_000))
    nothing = torch.zeros(envs, dtype=torch.bool)
    frames = torch.zeros((envs, *FRAME_SHAPE), dtype=torch.uint8)

    def emulate() -> None:
        emulators.send(next(actions))
        emulators.recv()

    def act() -> np.ndarray:
        q_values = learner.q_values(ring.latest())
        return epsilon_greedy(q_values, 0.01, generator).numpy()

    def upload() -> None:
        ring.add(
            nothing.long(), nothing, terminal=nothing, void=nothing, frames=frames, first=nothing
        )

    batch = ring.sample(config.learner.batch_size, 1, generator)
    frame_bytes = FRAME_SHAPE[0] * FRAME_SHAPE[1]
    gathered = 2 * config.learner.batch_size * STACK_SIZE * frame_bytes
    copied = copy_ms_per_byte()
    product = product_ms_per_flop(learner.precision)
    allocation = allocate_cores(loop.device, envs)
    table = [
        ("emulate", emulate, 1.0, emulator_ms() * envs / allocation.emulator_threads),
        ("act", act, 1.0, FORWARD_FLOP * envs * product / allocation.shards),
        ("upload", upload, 1.0, envs * frame_bytes * copied),
        (
            "sample",
            lambda: ring.sample(config.learner.batch_size, 1, generator),
            updates,
            updates * gathered * copied,
        ),
        (
            "update",
            lambda: learner.update(batch),
            updates,
            updates * UPDATE_FLOP * product / allocation.shards,
        ),
    ]
    rows = []
    for stage, call, times, floor in table:
        ms = milliseconds(call, 2.0) * times
        rows.append({"stage": stage, "ms": ms, "floor ms": floor, "x": ms / floor})
    return rows


def emulator_ms() -> float:
    """Four frames of one emulator on one core, nothing else."""
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.loadROM(rom_path("pong"))
    choices = ale.getMinimalActionSet()
    random = np.random.default_rng(0)

    def step() -> None:
        action = choices[random.integers(len(choices))]
        for _ in range(4):
            ale.act(action)
        if ale.game_over():
            ale.reset_game()

    return milliseconds(step)


def copy_ms_per_byte() -> float:
    """One thread copying what no cache holds."""
    source = torch.zeros(2**28, dtype=torch.uint8)
    target = torch.empty_like(source)
    return milliseconds(lambda: target.copy_(source)) / len(source)


def product_ms_per_flop(precision: str) -> float:
    """One thread multiplying matrices of 1024 rows."""
    a = torch.randn(1024, 1024, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    return milliseconds(lambda: a @ a) / (2 * 1024**3)


if __name__ == "__main__":
    tyro.cli(Throughput).run()

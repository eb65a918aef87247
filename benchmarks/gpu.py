"""Rates and a profile of the whole loop on a CUDA device; benchmarks/gpu.sh runs it."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
import tyro
from torch.profiler import ProfilerActivity, profile

from agent.execution import ExecutionName
from agent.precision import PrecisionName
from benchmarks.measuring import FAIR, Loop, milliseconds, random_actions, report
from harness.run.config import RunConfig

Case = tuple[ExecutionName, PrecisionName, int]
PRECISIONS: tuple[PrecisionName, ...] = ("fp32", "tf32", "bf16")


def cases(num_envs: int) -> list[Case]:
    """Execution x precision at one number of emulators, then graphs at others; without compile."""
    each = [("eager", p, num_envs) for p in PRECISIONS] + [
        ("graph", p, num_envs) for p in PRECISIONS
    ]
    others = [("graph", "bf16", envs) for envs in (16, 32, 128)]
    return cast(list[Case], [*each, *others])


@dataclass(frozen=True)
class Gpu:
    """Steps per second of every way to run, and where the time of the usual one goes."""

    out: Path
    """Folder for throughput.json and profile.json."""
    device: str = "cuda"
    """cuda; cpu tries the program where there is none."""
    num_envs: int = 64
    """Emulators (count)."""
    seconds: float = 2.0
    """Length of a window (seconds); three of each."""

    def run(self) -> int:
        """Measure, one case after another; 1 where one of them failed."""
        usual: Case = ("graph", "bf16", self.num_envs)
        chosen = cases(self.num_envs)
        if self.device == "cpu":
            usual = ("eager", "fp32", self.num_envs)
            chosen = [usual]
        rows: list[dict[str, Any]] = []
        done = [self._tried(self._rate, case, rows) for case in chosen]
        done.append(self._tried(self._profile, usual))
        if self.device != "cpu":  # it needs a C compiler, and takes its time
            done.append(self._tried(self._rate, ("compile", *usual[1:]), rows))
        return 0 if all(done) else 1

    def _tried(self, measure: Callable[..., None], *arguments: Any) -> bool:
        """Whether a measurement went well; the next one is made in any case."""
        try:
            measure(*arguments)
        except Exception:
            print(f"\n{arguments[0]} failed:", file=sys.stderr)
            traceback.print_exc()
            return False
        return True

    def _rate(self, case: Case, rows: list[dict[str, Any]]) -> None:
        execution, precision, num_envs = case
        with closing(Loop(setting(num_envs, precision), self.device, execution)) as loop:
            rates = sorted(loop.run(self.seconds) for _ in range(3))
        rows.append(
            {
                "execution": execution,
                "precision": precision,
                "emulators": num_envs,
                "steps/s": rates[1],
                "lowest": rates[0],
                "highest": rates[2],
                "us an update": 1e6 * FAIR.update_period / rates[1],
                "updates/steps": loop.ratio,
            }
        )
        report("throughput", rows, FAIR, self.out / "throughput.json", self.device)

    def _profile(self, case: Case) -> None:
        execution, precision, num_envs = case
        with closing(Loop(setting(num_envs, precision), self.device, execution)) as loop:
            found = profiled(loop)
        report("profile", [found], FAIR, self.out / "profile.json", self.device)


def setting(num_envs: int, precision: PrecisionName) -> RunConfig:
    """The fair work with so many emulators."""
    return replace(
        FAIR,
        emulators=replace(FAIR.emulators, num_envs=num_envs),
        learner=replace(FAIR.learner, precision=precision),
    )


def profiled(loop: Loop, rows: int = 100) -> dict[str, Any]:
    """Milliseconds for one step of all emulators: in all, kernels at work, the device idle, the
    emulators alone; and the share of the smaller of the two that the larger hides."""
    activities = [ProfilerActivity.CPU]
    if loop.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as found:
        begin = time.perf_counter()
        for _ in range(rows):
            next(loop.turns)
        loop.wait()
        wall = (time.perf_counter() - begin) * 1e3 / rows
    kernels = [
        (event.time_range.start, event.time_range.end)
        for event in found.events() or ()
        if event.device_type == torch.autograd.DeviceType.CUDA
    ]
    if loop.device.type == "cuda" and not kernels:
        raise RuntimeError("the profiler saw no kernels")
    busy = covered(kernels) / 1e3 / rows
    emulators = loop.components.emulators
    actions = iter(random_actions(emulators.num_envs, emulators.num_actions, 100_000))

    def emulate() -> None:
        emulators.send(next(actions))
        emulators.recv()

    alone = milliseconds(emulate, 2.0)
    hidden = max(0.0, busy + alone - wall) / max(min(busy, alone), 1e-9)
    return {
        "wall ms": wall,
        "kernels ms": busy,
        "device idle ms": wall - busy,
        "kernels launched": len(kernels) // rows,
        "emulators alone ms": alone,
        "overlap": f"{min(hidden, 1.0):.0%}",
    }


def covered(intervals: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(intervals):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Gpu).run())

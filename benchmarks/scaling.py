"""How the cost of a step grows with the number of emulators and the size of the replay memory."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from agent.execution import ExecutionName
from benchmarks.measuring import FAIR, Loop, report
from benchmarks.peers.clock import peak_bytes


@dataclass(frozen=True)
class Scaling:
    """Steps per second against num-envs, then against replay-size."""

    num_envs: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Emulators (counts), at 100,000 transitions."""
    replay_size: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Replay memories (transitions), with the usual number of emulators."""
    device: str = "cpu"
    """cpu or cuda."""
    execution: ExecutionName = "auto"
    """How operations are launched."""
    seconds: float = 5.0
    """Length of a window (seconds)."""
    windows: int = 3
    """Windows of each (count)."""
    json: Path | None = None
    """Write the figures here."""

    def run(self) -> None:
        cases = [(envs, FAIR.replay_size) for envs in self.num_envs]
        cases += [(FAIR.emulators.num_envs, size) for size in self.replay_size]
        rows = [self._row(*case) for case in cases]
        report(f"steps/s on {self.device}, median of {self.windows} windows", rows, FAIR, self.json)

    def _row(self, num_envs: int, replay_size: int) -> dict[str, Any]:
        emulators = replace(FAIR.emulators, num_envs=num_envs)
        loop = Loop(
            replace(FAIR, emulators=emulators, replay_size=replay_size),
            self.device,
            self.execution,
        )
        rates = [loop.run(self.seconds) for _ in range(self.windows)]
        loop.close()
        return {
            "emulators": num_envs,
            "replay": replay_size,
            "steps/s": statistics.median(rates),
            "lowest": min(rates),
            "highest": max(rates),
            "peak GB so far": peak_bytes() / 1e9,
        }


if __name__ == "__main__":
    tyro.cli(Scaling).run()

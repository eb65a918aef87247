"""This program in the peers' protocol: python -m benchmarks.peers.ours SECONDS PRECISION."""

from __future__ import annotations

import sys
from dataclasses import replace

from agent.precision import PrecisionName
from benchmarks.measuring import FAIR, Loop
from benchmarks.peers.clock import Clock


def main(seconds: float, precision: PrecisionName) -> None:
    loop = Loop(replace(FAIR, learner=replace(FAIR.learner, precision=precision)))
    clock = Clock(1_500, seconds)
    while True:
        loop.run(0.1)
        clock.tick(loop.counters.steps, loop.counters.updates)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])  # type: ignore[arg-type]

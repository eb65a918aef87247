"""What it costs that a run can always go on: time and disk space of checkpoints and action log,
and the rate at which the replay memory is simulated again."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from benchmarks.measuring import FAIR, Loop, milliseconds, random_actions, report
from envs.action_log import CHUNK_ROWS, LogFile, LogHeader, Recorder
from envs.emulators import Emulators
from envs.stream import Stream
from harness.run.config import RunConfig
from harness.run.folder import Run
from harness.run.hardware import usable_cores
from harness.training.run_writer import RunWriter


@dataclass(frozen=True)
class Reliability:
    """Costs of checkpoints, keyframes, action log and resume."""

    saves: int = 10
    """Checkpoints to write (count)."""
    chunks: int = 3
    """Chunks of the action log to simulate again (1,024 turns of 8 emulators each)."""
    interval: float = 45.0
    """Time between two checkpoints (seconds)."""
    json: Path | None = None
    """Write the figures here."""

    def run(self) -> None:
        rows = [
            {"": name, "figure": value, "unit": unit}
            for name, value, unit in [*self._checkpoints(FAIR), *self._again(FAIR)]
        ]
        report("what it costs to be able to go on", rows, FAIR, self.json)

    def _checkpoints(self, config: RunConfig) -> list[tuple[str, float, str]]:
        loop = Loop(config)
        stands, busy = [], []
        with tempfile.TemporaryDirectory() as folder:
            run_dir = Path(folder)
            run = Run("cleanrl", replace(config, steps=10**9))
            with closing(RunWriter(run_dir, run, loop.components, loop.session, 1e9)) as writer:
                for _ in range(self.saves):
                    turn = next(loop.turns)
                    writer.turn(turn, 0.0)
                    before, cpu = time.perf_counter(), time.process_time()
                    writer.save()
                    stands.append(time.perf_counter() - before)
                    writer.finish(lambda: True)
                    busy.append(time.process_time() - cpu)
            size = sum(file.stat().st_size for file in (run_dir / "last").iterdir())
        loop.close()
        work = statistics.median(busy)
        return [
            ("the loop stands still for a checkpoint", 1e3 * statistics.median(stands), "ms"),
            ("work for a checkpoint, its thread's included", 1e3 * work, "core-ms"),
            ("share of all cores' time", 100 * work / self.interval / usable_cores(), "%"),
            ("a checkpoint, without the action log", size / 1e6, "MB"),
        ]

    def _again(self, config: RunConfig) -> list[tuple[str, float, str]]:
        protocol, period, rows = config.emulators, config.keyframe_period, self.chunks * CHUNK_ROWS
        steps = rows * protocol.num_envs
        with closing(Emulators(protocol, usable_cores())) as emulators:
            content = packed(Stream(emulators, 0, 0, period), rows, emulators.num_actions)
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "a.actions"
                file.write_bytes(LogHeader.for_installed(protocol, 0, 0, period).packed() + content)
                blocks = list(LogFile(file).chunks())
            begin = time.perf_counter()
            for _ in Stream(emulators, 0, 0, period).follow(blocks, rows, 0):
                pass
            rate = steps / (time.perf_counter() - begin)
            one = np.arange(protocol.num_envs) == 0
            reset = milliseconds(lambda: emulators.reset(np.array([1]), one))
        return [
            ("action log, random play", len(content) / steps, "bytes a step"),
            ("seeding an emulator again", reset, "ms"),
            ("of that for a step", 1e3 * reset / period, "us"),
            ("simulating again", rate, "steps/s"),
            ("a million transitions again, about", (1e6 + period * protocol.num_envs) / rate, "s"),
        ]


def packed(stream: Stream, rows: int, num_actions: int) -> bytes:
    """The chunks of random play."""
    recorder, content = Recorder(stream.num_envs), b""
    stream.begin()
    for actions in random_actions(stream.num_envs, num_actions, rows):
        stream.send(actions)
        content += recorder.add(*stream.recv()) or b""
    return content


if __name__ == "__main__":
    tyro.cli(Reliability).run()

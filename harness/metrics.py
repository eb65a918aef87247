"""A run's figures, written once and in two places: metrics.jsonl and TensorBoard.

docs/metrics.md lists every figure with its unit.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.emulators import FRAMES_PER_STEP
from harness.tensorboard import EventFile

OVER_FRAMES = {
    "episode/return": "over_frames/episode_return",
    "evaluation/return": "over_frames/evaluation_return",
}
"""Scores are drawn over frames too, the unit of most papers."""


class MetricLog:
    """Appends to `metrics.jsonl`, an object a line, and to TensorBoard's event file.

    Each object has `steps` and `seconds` since the run's start, then figures by the same names
    as TensorBoard's tags. With `resume_at`, what was written after that many steps is dropped:
    those steps will be taken again.
    """

    def __init__(self, run_dir: Path, *, resume_at: int | None = None) -> None:
        file = run_dir / "metrics.jsonl"
        kept = [] if resume_at is None else _lines_until(file, resume_at)
        started = json.loads(kept[-1])["seconds"] if kept else 0.0
        fresh = file.with_name(file.name + ".new")
        fresh.write_text("".join(line + "\n" for line in kept))
        fresh.replace(file)
        self._file = file.open("a", buffering=1)
        # A file of its own: what is dropped on a resume is told by the horizontal axis.
        next_step = None if resume_at is None else resume_at + 1
        self._events = EventFile(run_dir, next_step)
        next_frame = next_step and next_step * FRAMES_PER_STEP
        self._over_frames = EventFile(run_dir / "frames", next_frame)
        self._zero = time.monotonic() - started

    @property
    def seconds(self) -> float:
        """Wall time since the run's start, the time between stop and resume left out."""
        return time.monotonic() - self._zero

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """The run's settings as a text page and as hyper-parameters."""
        self._events.settings(settings, text)

    def write(self, steps: int, figures: Mapping[str, float]) -> None:
        """Record figures that hold at `steps`."""
        line: dict[str, Any] = {"steps": steps, "seconds": round(self.seconds, 3)}
        # JSON has no NaN or infinity.
        line |= {tag: v if math.isfinite(v) else None for tag, v in figures.items()}
        self._file.write(json.dumps(line) + "\n")
        for tag, value in figures.items():
            self._events.scalar(tag, value, steps)
            if tag in OVER_FRAMES:
                self._over_frames.scalar(OVER_FRAMES[tag], value, steps * FRAMES_PER_STEP)

    def close(self) -> None:
        self._file.close()
        self._events.close()
        self._over_frames.close()


def _lines_until(file: Path, steps: int) -> list[str]:
    """Whole lines that are not past `steps`; a line torn by a crash is left out."""
    kept = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            if json.loads(line)["steps"] <= steps:
                kept.append(line)
        except ValueError:
            break
    return kept

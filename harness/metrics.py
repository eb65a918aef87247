"""A run's figures, written once and in two places: metrics.jsonl and TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.emulators import FRAMES_PER_STEP
from harness.tensorboard import EventFile

# Figures that are also drawn over frames, the unit of most papers.
OVER_FRAMES = ("episode/return", "evaluation/return")


class MetricLog:
    """Appends to `metrics.jsonl`, an object a line, and to TensorBoard's event file.

    Each object has `steps` and `seconds` since the run's start, then figures by the same names
    as TensorBoard's tags (docs/metrics.md lists them with their units).
    """

    def __init__(
        self, run_dir: Path, *, started: float = 0.0, purge_step: int | None = None
    ) -> None:
        self._file = (run_dir / "metrics.jsonl").open("a", buffering=1)
        self._events = EventFile(run_dir, purge_step)
        self._zero = time.monotonic() - started

    @property
    def seconds(self) -> float:
        """Wall time since the run's start, interruptions left out."""
        return time.monotonic() - self._zero

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """The run's settings as a text page and as hyper-parameters."""
        self._events.settings(settings, text)

    def write(self, steps: int, figures: Mapping[str, float]) -> None:
        """Record figures that hold at `steps`."""
        line: dict[str, Any] = {"steps": steps, "seconds": round(self.seconds, 3)}
        # JSON has no NaN or infinity.
        line |= {
            tag: value if math.isfinite(value) else str(value) for tag, value in figures.items()
        }
        self._file.write(json.dumps(line) + "\n")
        for tag, value in figures.items():
            self._events.scalar(tag, value, steps)
            if tag in OVER_FRAMES:
                self._events.scalar(f"frames_{tag}", value, steps * FRAMES_PER_STEP)

    def close(self) -> None:
        self._file.close()
        self._events.close()

"""A run's metrics, in two places: metrics.jsonl and TensorBoard.

docs/metrics.md lists every metric with its unit.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.files.journal import Journals
from harness.images.animation import Preview
from harness.metrics.tensorboard import EventFile, event_file_name


class MetricLog:
    """Appends to `metrics.jsonl`, an object a line, and to TensorBoard's event files.

    Each object has `steps` and `seconds` since the run's start, then metrics named as
    TensorBoard's tags.
    """

    def __init__(self, journals: Journals, *, steps: int = 0, seconds: float = 0.0) -> None:
        """Begin, or go on after so many steps and so much time."""
        self._file = journals.open("metrics.jsonl")
        resumed_at = steps + 1 if steps else None
        self._events = EventFile(journals.open(event_file_name(steps)), resumed_at)
        self._zero = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Wall time since the run's start, without the time between a stop and a resume."""
        return time.monotonic() - self._zero

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """Record the settings as a text page and as hyper-parameters."""
        self._events.settings(settings, text)

    def write(self, steps: int, metrics: Mapping[str, float]) -> None:
        """Record metrics at `steps`."""
        line: dict[str, Any] = {"steps": steps, "seconds": round(self.seconds, 3)}
        # JSON has no NaN or infinity.
        line |= {tag: v if math.isfinite(v) else None for tag, v in metrics.items()}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._events.scalars(metrics, steps)

    def draw(
        self, steps: int, picture: Preview, spreads: Mapping[str, npt.NDArray[np.float32]]
    ) -> None:
        """Record, in TensorBoard only, a game of the evaluation at `steps` and histograms of values
        of any shape, by tag."""
        self._events.picture("evaluation/game", picture, steps)
        for tag, values in spreads.items():
            self._events.histogram(tag, values, steps)

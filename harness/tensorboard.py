"""TensorBoard's event files. The only place that imports tensorboard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import summary

from harness.journal import Journal

# The first tab answers "is it learning?": scores on top, then what the learner believes.
LAYOUT = {
    "Is it learning?": {
        "score of whole games while training": ["Multiline", [r"^episode/return$"]],
        "score at evaluation": ["Multiline", [r"^evaluation/return$"]],
        "value it expects (mean and largest max Q)": ["Multiline", [r"^learner/q_(mean|max)$"]],
        "TD error and loss": ["Multiline", [r"^learner/(td_error|loss)$"]],
        "exploration": ["Multiline", [r"^exploration/epsilon$"]],
        "steps a second": ["Multiline", [r"^speed/steps_per_second$"]],
    }
}


EVENT_FILE_NAME = r"events\.out\.tfevents\.\d{12}"
"""What `event_file_name` makes, as a pattern."""


def event_file_name(x: int) -> str:
    """Name of the event file that begins at `x`; TensorBoard reads them in the order of names."""
    return f"events.out.tfevents.{x:012d}"


class EventFile:
    """One event file; the horizontal axis is steps.

    Its bytes go through a journal rather than a SummaryWriter: that one's own thread dies for
    good when a disk is full, and its file cannot be cut back to where a checkpoint was.
    """

    def __init__(self, journal: Journal, resumed_at: int | None = None) -> None:
        """With `resumed_at`, TensorBoard forgets what it has read from there on."""
        self._records = RecordWriter(journal)
        self._add(Event(file_version="brain.Event:2"))
        if resumed_at is not None:
            self._add(Event(step=resumed_at, session_log=SessionLog(status=SessionLog.START)))

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """Settings as a text page, as hyper-parameters, and the layout of the custom scalars."""
        plain = {
            k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in settings.items()
        }
        made: Any = summary
        for one in (
            made.custom_scalars(LAYOUT),
            made.text("settings", text),
            *made.hparams(plain, {"evaluation/return": 0.0}),
        ):
            self._add(Event(summary=one))

    def scalar(self, tag: str, value: float, x: int) -> None:
        """One point of a curve."""
        made: Any = summary
        self._add(Event(step=x, summary=made.scalar(tag, value)))

    def _add(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

"""TensorBoard's event files. The only place that imports tensorboard."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from textwrap import indent
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import summary

from harness.files.journal import Journal
from harness.images.animation import Preview

_summary: Any = summary  # it has no types

BINS = 30
"""Of a histogram (count): as many as TensorBoard draws."""

# The first tab answers "is it learning?": scores on top, then the learner's estimates.
LAYOUT = {
    "Is it learning?": {
        "score of whole games while training": ["Multiline", [r"^episode/return$"]],
        "score at evaluation (untick 'Ignore outliers' to see all of it)": [
            "Multiline",
            [r"^evaluation/return$"],
        ],
        "value it expects (mean and largest max Q)": ["Multiline", [r"^learner/q_(mean|max)$"]],
        "TD error and loss": ["Multiline", [r"^learner/(td_error|loss)$"]],
        "exploration": ["Multiline", [r"^exploration/epsilon$"]],
        "steps a second": ["Multiline", [r"^speed/steps_per_second$"]],
    }
}


TELLING = ("game", "network", "seed", "n_step", "learning_rate")
"""Settings that distinguish runs."""

EVENT_FILE_NAME = r"events\.out\.tfevents\.\d{12}"
"""A pattern for the result of `event_file_name`."""


def event_file_name(x: int) -> str:
    """Name of the event file that begins at `x`; TensorBoard reads them in the order of names."""
    return f"events.out.tfevents.{x:012d}"


class EventFile:
    """One event file; the horizontal axis is steps.

    Its bytes go through a journal, not a SummaryWriter, whose thread dies when a disk is full and
    whose file cannot be cut back to a checkpoint.
    """

    def __init__(self, journal: Journal, resumed_at: int | None = None) -> None:
        """With `resumed_at`, TensorBoard drops what it has read from that step on."""
        self._records = RecordWriter(journal)
        self._add(Event(file_version="brain.Event:2"))
        if resumed_at is not None:
            self._add(Event(step=resumed_at, session_log=SessionLog(status=SessionLog.START)))

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """Record settings as a text page and as hyper-parameters, and the layout of the charts."""
        plain = {
            k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in settings.items()
        }
        experiment, *session = _summary.hparams(plain, {"evaluation/return": 0.0})
        _put_first(TELLING, experiment)
        # Indented it is no Markdown: `__init__` stays what it is.
        layout = _summary.custom_scalars(LAYOUT)
        page = _summary.text("settings", indent(text, "    "))
        for entry in (layout, page, experiment, *session):
            self._add(Event(summary=entry))

    def scalars(self, metrics: Mapping[str, float], x: int) -> None:
        """Record a point of each curve."""
        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in metrics.items()]
        self._add(Event(step=x, summary=Summary(value=points)))

    def picture(self, tag: str, picture: Preview, x: int) -> None:
        """Record a picture, which may be an animation."""
        image = Summary.Image(
            encoded_image_string=picture.png,
            width=picture.width,
            height=picture.height,
            colorspace=3,
        )
        self._add(Event(step=x, summary=Summary(value=[Summary.Value(tag=tag, image=image)])))

    def histogram(self, tag: str, values: npt.NDArray[np.float32], x: int) -> None:
        """Record a histogram of the finite values in an array of any shape."""
        if len(finite := values[np.isfinite(values)]):
            self._add(Event(step=x, summary=_summary.histogram(tag, finite, BINS)))

    def _add(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())


def _put_first(names: Collection[str], experiment: Any) -> None:
    """Put these first in TensorBoard's table of settings, which shows five at the start: those that
    are marked as different between runs."""
    data = experiment.value[0].metadata.plugin_data
    content = HParamsPluginData.FromString(data.content)
    for setting in content.experiment.hparam_infos:
        setting.differs = setting.name in names
    data.content = content.SerializeToString()

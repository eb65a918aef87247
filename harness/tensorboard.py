"""TensorBoard's event files. The only place that imports tensorboard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

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


class EventFile:
    """One event file in a run directory; the horizontal axis is steps."""

    def __init__(self, run_dir: Path, purge_step: int | None = None) -> None:
        self._writer = SummaryWriter(str(run_dir), purge_step=purge_step, flush_secs=20)

    def settings(self, settings: Mapping[str, Any], text: str) -> None:
        """Settings as a text page, as hyper-parameters, and the layout of the custom scalars."""
        writer: Any = self._writer
        writer.add_custom_scalars(LAYOUT)
        writer.add_text("settings", text)
        plain = {
            k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in settings.items()
        }
        for summary in hparams(plain, {"evaluation/return": 0.0}):  # type: ignore[no-untyped-call]
            writer.file_writer.add_summary(summary)

    def scalar(self, tag: str, value: float, x: int) -> None:
        """One point of a curve."""
        self._writer.add_scalar(tag, value, x)

    def close(self) -> None:
        self._writer.close()

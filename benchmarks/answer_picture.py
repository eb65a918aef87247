"""The picture of docs/answer.md: errors of location by the number of states, from results.json.

python -m benchmarks.answer_picture docs/results/claims-answer/results.json docs/answer.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.claims.results import read_results
from harness.claims.tables import TRAININGS, Seeds, lines
from harness.report.blocks import Series
from harness.report.styles import COLOURS, KNOWN

LABELS = {
    "stride": "striding",
    "half_max": "maximum of small windows",
    "narrow_avg": "mean of small windows",
    "stride_gap": "mean of the whole picture",
}


def draw(results: Path, out: Path) -> None:
    """Write the picture, as PNG or whatever the name's end says."""
    seeds = Seeds(read_results(results).measured)
    figure = Figure((9.2, 3.9), layout="constrained", facecolor="white")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, training in zip(axes, ("untrained", "location"), strict=True):
        _draw_training(ax, seeds, training)
    axes[0].set_ylabel("error, pixels of the 84x84 screen")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(out, dpi=140)


def _draw_training(ax: Axes, seeds: Seeds, training: str) -> None:
    counts: list[float] = []
    for series in lines(seeds, training, "states.mean"):
        if series.name in LABELS:
            _draw_network(ax, series)
            counts = [count for count in series.x if count is not None]
    ax.set_xscale("log", base=2)
    ax.set_xticks(counts, [f"{count:,}" for count in counts])
    ax.set_ylim(bottom=0)
    ax.set_title(f"networks {TRAININGS[training]}", fontsize=10)
    ax.set_xlabel("states that the readout learns from")
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_network(ax: Axes, series: Series) -> None:
    colour = COLOURS[KNOWN[series.name].colour][0]
    mark = {"circle": "o", "triangle": "^", "hourglass": "X", "diamond": "D"}
    x, y = np.array(series.x, float), np.array(series.y, float)
    ax.plot(
        x, y, color=colour, marker=mark[KNOWN[series.name].shape],
        label=LABELS[series.name],
    )  # fmt: skip
    if series.low and series.high:
        low, high = np.array(series.low, float), np.array(series.high, float)
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))

"""Learning curves of runs as a picture and as numbers: score of the training games against steps,
a thin line a seed and a thick one for the mean over seeds, evaluations as dots.

    python -m benchmarks.curves --out docs/results/quick --runs bf16=RUN,RUN fp32=RUN,RUN
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import tyro

from harness.files.atomic import write_json
from harness.metrics.reader import read_figures, scored
from harness.run.folder import read_run

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Floats = npt.NDArray[np.float64]
COLOURS = plt.rcParams["axes.prop_cycle"].by_key()["color"]


@dataclass(frozen=True)
class Curves:
    """Draw learning curves."""

    runs: tuple[str, ...]
    """Groups of run folders, NAME=RUN,RUN,..., one colour each."""
    out: Path
    """Written as OUT.png and OUT.json."""
    title: str = ""
    """Above the picture."""
    points: tuple[str, ...] = ()
    """Published means to draw beside them, NAME=STEPS:SCORE,STEPS:SCORE,..."""
    bins: int = 20
    """Points of a curve: mean score of the games that ended in each part of the run (count)."""
    until: int | None = None
    """Cut runs of different lengths off here (steps)."""

    def run(self) -> None:
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        content: dict[str, Any] = {}
        for group, colour in zip(self.runs, COLOURS, strict=False):
            name, _, folders = group.partition("=")
            seeds = [Curve(Path(folder), self.bins, self.until) for folder in folders.split(",")]
            content[name] = [curve.content() for curve in seeds]
            for curve in seeds:
                axes.plot(curve.steps, curve.scores, color=colour, alpha=0.35, linewidth=1)
                axes.plot(*curve.evaluations, "o", color=colour, markersize=4, alpha=0.7)
            length = min(len(curve.steps) for curve in seeds)
            mean = np.nanmean([curve.scores[:length] for curve in seeds], axis=0)
            label = f"{name} ({len(seeds)} seed{'s' if len(seeds) > 1 else ''})"
            axes.plot(seeds[0].steps[:length], mean, color=colour, linewidth=2.5, label=label)
        for group in self.points:
            name, _, pairs = group.partition("=")
            places = np.array([pair.split(":") for pair in pairs.split(",")], float)
            axes.plot(*places.T, "k^", label=name)
        axes.set(xlabel="steps", ylabel="score of a game", title=self.title)
        axes.legend()
        axes.grid(alpha=0.3)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.out.with_suffix(".png"), dpi=110)
        write_json(self.out.with_suffix(".json"), content)


class Curve:
    """Scores of one run."""

    def __init__(self, folder: Path, bins: int, until: int | None) -> None:
        self.folder, config = folder, read_run(folder).config
        until = until or config.steps
        lines = read_figures(folder / "metrics.jsonl")
        lines = [line for line in lines if line["steps"] <= until]
        ended = [(game.steps, game.score) for game in scored(lines)]
        games = np.array(ended or [(0, np.nan)])
        edges = np.linspace(0, until, bins + 1)
        self.steps: Floats = (edges[1:] + edges[:-1]) / 2
        place = np.clip(np.searchsorted(edges, games[:, 0]) - 1, 0, bins - 1)
        self.scores: Floats = np.array(
            [games[place == i, 1].mean() if (place == i).any() else np.nan for i in range(bins)]
        )
        evaluated = scored(lines, "evaluation")
        self.evaluations = [one.steps for one in evaluated], [one.score for one in evaluated]
        self.seconds = lines[-1]["seconds"]
        self.seed = config.seed

    def content(self) -> dict[str, Any]:
        """For the JSON file; a bin in which no game ended is null."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "steps": self.steps.tolist(),
            "scores": [None if np.isnan(score) else round(score, 3) for score in self.scores],
            "evaluations": dict(zip(*self.evaluations, strict=True)),
        }


if __name__ == "__main__":
    tyro.cli(Curves).run()

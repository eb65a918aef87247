"""Turns what happens in a run into metrics for the terminal, metrics.jsonl and TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from agent.learner import Learner
from envs.emulators import Step
from envs.history import step_of
from envs.trace import EpisodeTrace
from harness.files.journal import Journals
from harness.images.animation import preview
from harness.metrics.games import OnStep, cut_off, how_far
from harness.metrics.log import MetricLog
from harness.metrics.pace import Pace
from harness.metrics.reader import read_figures, scored
from harness.metrics.terminal import Display
from harness.run.config import RunConfig, flatten
from harness.run.folder import Run, settings_lines
from harness.run.state import Counters
from harness.text import counted, duration

_TAIL_BYTES = 2**20
"""End of metrics.jsonl that holds all training games that the terminal shows."""

SPACING = 50_000
"""Steps in which at most one evaluation is drawn: event files of long runs stay small."""
MOST_LAYERS = 12
"""Layers, the first ones, whose weights are drawn (count)."""


class NotFinite(RuntimeError):
    """The loss or a weight is NaN or infinite: learning on is useless."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"the loss is no longer a finite number at {steps:,} steps")


class Reporter:
    """Turns what happens in a run into metrics (docs/metrics.md) and records them."""

    def __init__(
        self, run_dir: Path, journals: Journals, run: Run, steps: int = 0, seconds: float = 0.0
    ) -> None:
        """Begin, or go on after so many steps and so much time."""
        config = self._config = run.config
        self._log = MetricLog(journals, steps=steps, seconds=seconds)
        self._display = Display(config.steps, run_dir)
        for game in scored(read_figures(run_dir / "metrics.jsonl", _TAIL_BYTES)) if steps else ():
            # What was written after the checkpoint is still there, and will be written again.
            if game.steps <= steps:
                self._display.game_over(int(game.score))
        self._pace = Pace()
        self.scores = np.zeros(config.emulators.num_envs, np.int64)
        """[E] of the episodes being played (points)."""
        self.lengths = np.zeros(config.emulators.num_envs, np.int64)
        """[E] of the episodes being played (agent steps)."""
        self._log.settings(flatten(config), "\n".join(settings_lines(run)))
        self._display.table(settings_lines(run))

    def say(self, text: str) -> None:
        """Print lines on the terminal only."""
        self._display.say(text)

    def warn(self, text: str) -> None:
        """Print a line on standard error."""
        self._display.warn(text)

    def kept(self, saved_at: int | None, best_score: float | None) -> None:
        """Note the steps of the newest checkpoint and the score of the best agent."""
        self._display.kept(saved_at, best_score)

    def step(self, step: Step, counters: Counters, epsilon: float) -> None:
        """Record games that ended with a step of the emulators, and update the progress line."""
        self.scores += step.rewards
        self.lengths += ~step.first
        for env in np.flatnonzero(step.ended):
            metrics = {"return": self.scores[env], "length": self.lengths[env]}
            at = step_of(int(env), len(self.scores), counters.steps)
            self._log.write(at, {f"episode/{k}": int(v) for k, v in metrics.items()})
            self._display.game_over(metrics["return"])
            self.scores[env] = self.lengths[env] = 0
        self._pace.mark(counters.steps, counters.updates)
        self._display.update(counters.steps, epsilon, self._pace)

    def learner(self, learner: Learner, counters: Counters, epsilon: float, stored: int) -> None:
        """Record the learner's metrics since the last call. Raises NotFinite."""
        metrics = {f"learner/{name}": value for name, value in learner.metrics().items()}
        rates = self._pace.rates()
        progress = {
            "learner/updates": counters.updates,
            "exploration/epsilon": epsilon,
            "replay/transitions": stored,
            "speed/steps_per_second": rates.steps,
            "speed/updates_per_second": rates.updates,
        }
        self._log.write(counters.steps, metrics | progress)
        if not all(map(math.isfinite, metrics.values())):
            raise NotFinite(counters.steps)

    def evaluating(self, counters: Counters) -> OnStep:
        """Say that an evaluation begins, which can take minutes. Returns what its games call."""
        steps, total = counters.steps, self._config.eval_episodes
        self._display.waiting(
            f"{steps:,} steps: playing {counted(total, 'whole game')} to evaluate"
        )

        def on_step(over: int, longest: int) -> None:
            text = how_far(over, total, longest)
            self._display.still_waiting(f"{steps:,} steps: evaluating, {text}")

        return on_step

    def evaluation(self, traces: list[EpisodeTrace], learner: Learner, counters: Counters) -> None:
        """Record the games of an evaluation, whose time does not count as training."""
        scores = [trace.score for trace in traces]
        truncated, stuck = sum(t.truncated for t in traces), sum(t.stuck for t in traces)
        metrics = {
            "evaluation/return": float(np.mean(scores)),
            "evaluation/length": float(np.mean([len(trace) for trace in traces])),
            "evaluation/truncated": truncated,
            "evaluation/stuck": stuck,
        }
        self._log.write(counters.steps, metrics)
        if is_drawn(self._config, counters.steps):
            self._draw(traces, learner, counters.steps)
        games = f"{counted(len(scores), 'game')} ({min(scores)} to {max(scores)})"
        details = ", ".join((games, *cut_off(truncated, stuck), f"after {self.clock()}"))
        self._display.say(
            f"{counters.steps:,} steps: evaluation score {metrics['evaluation/return']:,.2f}, mean "
            f"of {details}"
        )
        self._pace.pause()

    def _draw(self, traces: list[EpisodeTrace], learner: Learner, steps: int) -> None:
        """Record the first game of an evaluation, and histograms of its Q-values and of weights."""
        layers = {f"weights/{name}": values for name, values in weights(learner.online).items()}
        q_values = np.concatenate([trace.q_values for trace in traces])
        self._log.draw(steps, preview(traces[0]), {"evaluation/q_values": q_values} | layers)

    @property
    def seconds(self) -> float:
        """Wall time since the run's start, without the time between a stop and a resume."""
        return self._log.seconds

    def clock(self) -> str:
        """The same, as `12m05s`."""
        return duration(self.seconds)

    def close(self) -> None:
        self._display.close()


def is_drawn(config: RunConfig, steps: int) -> bool:
    """Whether the evaluation at `steps` is drawn: the first of all, the first in every SPACING
    steps, and the last. It depends on the run only, so that a resumed run draws the same."""
    number = steps // config.eval_every
    if steps >= config.steps or number <= 1:
        return True
    due, before = number * config.eval_every, (number - 1) * config.eval_every
    return due // SPACING > before // SPACING


def weights(network: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Weights of each layer, without biases, by its name."""
    named = [(name, value) for name, value in network.named_parameters() if value.dim() > 1]
    return {
        name.removesuffix(".weight"): value.detach().float().cpu().numpy()
        for name, value in named[:MOST_LAYERS]
    }

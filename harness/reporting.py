"""A run's figures on their way to the terminal, metrics.jsonl and TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from agent.learner import Learner
from envs.emulators import Step
from envs.trace import EpisodeTrace
from harness.config import flatten
from harness.counters import Counters
from harness.metrics import MetricLog
from harness.progress import Display, Pace, duration
from harness.rundir import Run, settings_lines


class NotFinite(RuntimeError):
    """The loss or a weight is NaN or infinite: learning on is useless."""


class Reporter:
    """Turns what happens in a run into figures (docs/metrics.md) and hands them on."""

    def __init__(self, run_dir: Path, run: Run, start: Counters) -> None:
        config = run.config
        self._log = MetricLog(run_dir, resume_at=start.steps or None)
        self._display = Display(config.steps, start.steps)
        self._pace = Pace()
        self._score = np.zeros(config.emulators.num_envs, np.int64)
        self._length = np.zeros(config.emulators.num_envs, np.int64)
        self._log.settings(flatten(config), "\n\n".join(settings_lines(run)))
        self._display.table(settings_lines(run))

    def say(self, text: str) -> None:
        """Lines for the terminal alone."""
        self._display.say(text)

    def step(self, step: Step, counters: Counters, epsilon: float) -> None:
        """What a step of the emulators brought: games that ended, and the progress line."""
        self._score += step.rewards
        self._length += ~step.first
        for env in np.flatnonzero(step.ended):
            figures = {"return": self._score[env], "length": self._length[env]}
            self._log.write(counters.steps, {f"episode/{k}": int(v) for k, v in figures.items()})
            self._display.game_over(figures["return"])
            self._score[env] = self._length[env] = 0
        self._pace.mark(counters.steps, counters.updates)
        self._display.update(counters.steps, epsilon, self._pace.rates())

    def learner(self, learner: Learner, counters: Counters, epsilon: float, stored: int) -> None:
        """The learner's figures since the last time. Raises NotFinite when one is no number."""
        figures = {f"learner/{name}": value for name, value in learner.metrics().items()}
        rates = self._pace.rates()
        rest = {
            "learner/updates": counters.updates,
            "exploration/epsilon": epsilon,
            "replay/transitions": stored,
            "speed/steps_per_second": rates.steps,
            "speed/updates_per_second": rates.updates,
        }
        self._log.write(counters.steps, figures | rest)
        if not all(map(math.isfinite, figures.values())):
            raise NotFinite(f"the loss is no longer a finite number at {counters.steps:,} steps")

    def evaluating(self, games: int, counters: Counters) -> None:
        """An evaluation begins: whole games can take minutes."""
        self._display.waiting(f"{counters.steps:,} steps: playing {games} whole games to evaluate")

    def evaluation(self, traces: list[EpisodeTrace], counters: Counters) -> None:
        """The games of an evaluation. The time they took does not count as training."""
        scores = [trace.score for trace in traces]
        figures = {
            "evaluation/return": float(np.mean(scores)),
            "evaluation/length": float(np.mean([len(trace) for trace in traces])),
        }
        self._log.write(counters.steps, figures)
        self._display.say(
            f"{counters.steps:,} steps: evaluation score {figures['evaluation/return']:.2f}, mean "
            f"of {len(scores)} games ({min(scores)} to {max(scores)}), after {self.clock()}"
        )
        self._pace.pause()

    def clock(self) -> str:
        """Time since the run's start, for people."""
        return duration(self._log.seconds)

    def close(self) -> None:
        self._display.close()
        self._log.close()

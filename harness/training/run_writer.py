"""Everything that a run writes: metrics, action log, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from envs.action_log import LogHeader, Recorder, pack_chunk
from envs.stream import Turn
from envs.trace import EpisodeTrace
from harness.files.journal import Journals
from harness.metrics.games import OnStep
from harness.metrics.reporter import NotFinite, Reporter
from harness.run.checkpoint import CheckpointState
from harness.run.config import flatten
from harness.run.folder import Run
from harness.run.state import RunState
from harness.training.checkpoint_writer import CheckpointWriter
from harness.training.session import Components, Session, run_environment

RETRY_INTERVAL = 1.0
"""Seconds until a finished run tries again to write after the disk failed."""


class RunWriter:
    """Writes the files of a run, new or resumed.

    A run that resumes exactly continues its action log. Any other session begins a new log.
    """

    def __init__(
        self, run_dir: Path, run: Run, components: Components, session: Session, interval: float
    ) -> None:
        """Checkpoints are written every `interval` seconds."""
        self._run, self._learner, self._session = run, components.learner, session
        self._made_with = run_environment(run.config, components)
        self._counters = session.counters
        state, tail = session.resumed_from, session.tail
        journals = Journals(run_dir, state.journals if state else None)
        self._journals = journals
        seconds = state.seconds if state else 0.0
        self.reporter = Reporter(run_dir, journals, run, self._counters.steps, seconds)
        self._checkpoints = CheckpointWriter(
            run_dir, run.config, journals, self.reporter.warn, interval
        )
        self._checkpoints.best_score = state.best_score if state else None
        self._evaluated_at = self._counters.steps if state and state.evaluated else None
        num_envs = run.config.emulators.num_envs
        if state and session.exact:
            self.reporter.scores[:], self.reporter.lengths[:] = state.scores, state.lengths
            self._log_start, self._log_name = state.start, state.log
            self._recorder = Recorder(num_envs, state.rows, tail)
            self._log = journals.open(self._log_name)
        else:
            if state and tail and tail.rows:  # the old log ends with a shorter chunk
                begin = state.rows - tail.rows
                journals.open(state.log).write(pack_chunk(begin, tail))
            self._log_start, self._log_name = self._counters.steps, log_name(self._counters.steps)
            self._recorder = Recorder(num_envs)
            self._log = journals.open(self._log_name, fresh=True)
            config = run.config
            header = LogHeader.for_installed(
                config.emulators, config.seed, self._log_start, config.keyframe_period
            )
            self._log.write(header.packed())

    def begin(self) -> None:
        """Write a checkpoint before the first turn, so that the run can be resumed from then on."""
        self.save()
        self._checkpoints.wait()

    def turn(self, turn: Turn, epsilon: float) -> None:
        """Write the outcome of a turn of the emulators."""
        if chunk := self._recorder.add(*turn):
            self._log.write(chunk)
        self.reporter.kept(self._checkpoints.saved_at, self._checkpoints.best_score)
        self.reporter.step(turn.step, self._counters, epsilon)
        self._checkpoints.flush()

    def learner(self, epsilon: float, stored: int) -> None:
        """Write the learner's metrics since the last call; the replay memory holds `stored`
        transitions. Raises NotFinite when a metric is not finite; the last checkpoint stays."""
        self.reporter.learner(self._learner, self._counters, epsilon, stored)

    def evaluation(self, play: Callable[[OnStep], list[EpisodeTrace]]) -> None:
        """Play the evaluation that is due, with a checkpoint before and after it. If the run has no
        evaluation games, write one checkpoint."""
        if self._run.config.eval_episodes:
            self.save()
            games = play(self.reporter.evaluating(self._counters))
            self.reporter.evaluation(games, self._learner, self._counters)
            self._checkpoints.evaluated(games, self._learner, self._counters)
        self._evaluated_at = self._counters.steps
        self.save()

    def save_if_due(self) -> None:
        """Write a checkpoint if the last one is old enough. The run's numbers do not change."""
        if self._checkpoints.due():
            self.save()

    @property
    def evaluated(self) -> bool:
        """Whether an evaluation was played at these steps."""
        return self._evaluated_at == self._counters.steps

    def save(self) -> None:
        """Write a checkpoint. Raises NotFinite instead when the learner has diverged."""
        tail, streams = self._recorder.tail()._asdict(), self._session.random_streams.state()
        tensors = self._learner.state()
        tensors |= {f"log.{name}": torch.from_numpy(array) for name, array in tail.items()}
        tensors |= {f"random.{name}": tensor for name, tensor in streams.items()}
        if not bool(tensors["figures.sums"].isfinite().all()):
            raise NotFinite(self._counters.steps)
        self._checkpoints.save(tensors, self._state())

    def _state(self) -> CheckpointState:
        config, reporter, counters = self._run.config, self.reporter, self._counters
        run_state = RunState(
            counters=replace(counters),
            evaluated=self.evaluated,
            best_score=self._checkpoints.best_score,
            seconds=round(reporter.seconds, 3),
            scores=reporter.scores.tolist(),
            lengths=reporter.lengths.tolist(),
            log=self._log_name,
            start=self._log_start,
            rows=self._recorder.rows,
            journals=self._journals.marks(),
            shards=self._learner.shards,
            made_with=self._made_with,
        )
        return CheckpointState(
            settings=flatten(config),
            num_actions=self._learner.num_actions,
            steps=counters.steps,
            updates=counters.updates,
            position=run_state,
        )

    def finish(self, give_up: Callable[[], bool]) -> bool:
        """Wait until all is written or `give_up()` is true. Returns whether all is written."""
        if self._checkpoints.wait():
            return True
        if not give_up():
            self.reporter.warn(
                "warning: waiting until the last checkpoint can be written; Ctrl-C gives up"
            )
        while not give_up():
            time.sleep(RETRY_INTERVAL)
            self._checkpoints.write()
            if self._checkpoints.wait():
                return True
        return False

    def close(self) -> None:
        self.reporter.close()
        self._checkpoints.close()
        with suppress(OSError):
            self._journals.flush()
        self._journals.close()


def log_name(steps: int) -> str:
    """File name of the action log that begins after `steps` steps."""
    return f"{steps:012d}.actions"

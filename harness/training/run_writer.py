"""Everything a run writes while it goes on: curves, action log, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from envs.action_log import LogHeader, Recorder, Turns, pack_chunk
from envs.stream import Turn
from envs.trace import EpisodeTrace
from harness.files.journal import Journals
from harness.metrics.games import OnStep
from harness.metrics.reporter import NotFinite, Reporter
from harness.run.checkpoint import CheckpointState
from harness.run.config import RunConfig, flatten
from harness.run.folder import Run
from harness.run.state import RunState
from harness.training.checkpoint_writer import CheckpointWriter
from harness.training.session import Components, Session, run_environment

RETRY_INTERVAL = 1.0
"""Seconds until a finished run tries again to write what a disk did not take."""


class RunWriter:
    """The files of a run, from its beginning or from a checkpoint on.

    A run that goes on as it was continues its action log; another beginning begins another.
    """

    def __init__(
        self, run_dir: Path, run: Run, components: Components, session: Session, interval: float
    ) -> None:
        """Checkpoints are written every `interval` seconds."""
        self._run, self._learner, self._session = run, components.learner, session
        self._made_with = run_environment(run.config, components)
        self._counters, since = session.counters, session.since
        journals = Journals(run_dir, since.journals if since else None)
        self._journals = journals
        seconds = since.seconds if since else 0.0
        self.reporter = Reporter(run_dir, journals, run, self._counters.steps, seconds)
        self._checkpoints = CheckpointWriter(
            run_dir, run.config, journals, self.reporter.warn, interval
        )
        self._checkpoints.best_score = since.best_score if since else None
        self._evaluated_at = self._counters.steps if since and since.evaluated else None
        num_envs = run.config.emulators.num_envs
        if since and session.exact:
            self.reporter.scores[:], self.reporter.lengths[:] = since.scores, since.lengths
            self._start, self._name = since.start, since.log
            self._recorder = Recorder(num_envs, since.rows, session.tail)
            self._log = journals.open(self._name)
        else:
            if (
                since and session.tail and session.tail.rows
            ):  # the old log ends with a shorter chunk
                begin = since.rows - session.tail.rows
                journals.open(since.log).write(pack_chunk(begin, session.tail))
            self._start, self._name = self._counters.steps, log_name(self._counters.steps)
            self._recorder = Recorder(num_envs)
            self._log = journals.open(self._name, fresh=True)
            self._log.write(_header(run.config, self._start).packed())

    def begin(self) -> None:
        """Write the checkpoint before the first turn: from then on the run can be resumed."""
        self.save()
        self._checkpoints.wait()

    def turn(self, turn: Turn, epsilon: float) -> None:
        """Note what a turn of the emulators brought."""
        if chunk := self._recorder.add(*turn):
            self._log.write(chunk)
        self.reporter.kept(self._checkpoints.saved_at, self._checkpoints.best_score)
        self.reporter.step(turn.step, self._counters, epsilon)
        self._checkpoints.flush()

    def learner(self, epsilon: float, stored: int) -> None:
        """Note the learner's figures since the last time, and `stored` transitions. Raises
        NotFinite when one is no number; the checkpoint before that stays."""
        self.reporter.learner(self._learner, self._counters, epsilon, stored)

    def evaluation(self, play: Callable[[OnStep], list[EpisodeTrace]]) -> None:
        """Play the evaluation that is due, between two checkpoints. Without games there is one
        checkpoint, and no best agent."""
        if self._run.config.eval_episodes:
            self.save()
            games = play(self.reporter.evaluating(self._counters))
            self.reporter.evaluation(games, self._learner, self._counters)
            self._checkpoints.evaluated(games, self._learner, self._counters)
        self._evaluated_at = self._counters.steps
        self.save()

    def save_if_due(self) -> None:
        """Write a checkpoint if the last one is old enough. The run does not notice."""
        if self._checkpoints.due():
            self.save()

    @property
    def evaluated(self) -> bool:
        """Whether the evaluation that is due at these steps was played."""
        return self._evaluated_at == self._counters.steps

    def save(self) -> None:
        """Write a checkpoint. Raises NotFinite rather than write one that is of no use."""
        components = {
            "log": _tensors(self._recorder.tail()),
            "random": self._session.random_streams.state(),
        }
        tensors = self._learner.state() | {
            f"{part}.{name}": tensor
            for part, named in components.items()
            for name, tensor in named.items()
        }
        if not bool(tensors["figures.sums"].isfinite().all()):
            raise NotFinite(self._counters.steps)
        self._checkpoints.save(tensors, self._state())

    def _state(self) -> CheckpointState:
        config, reporter, counters = self._run.config, self.reporter, self._counters
        position = RunState(
            counters=replace(counters),
            evaluated=self.evaluated,
            best_score=self._checkpoints.best_score,
            seconds=round(reporter.seconds, 3),
            scores=reporter.scores.tolist(),
            lengths=reporter.lengths.tolist(),
            log=self._name,
            start=self._start,
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
            position=position,
        )

    def finish(self, give_up: Callable[[], bool]) -> bool:
        """Wait until all is written, or until `give_up`; whether it is."""
        if self._checkpoints.wait():
            return True
        if not give_up():
            said = "warning: waiting until the end of the run can be written, or for Ctrl-C"
            self.reporter.warn(said)
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
    """Name of the action log that begins after so many steps."""
    return f"{steps:012d}.actions"


def _header(config: RunConfig, start: int) -> LogHeader:
    return LogHeader.here(config.emulators, config.seed, start, config.keyframe_period)


def _tensors(tail: Turns) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in tail._asdict().items()}

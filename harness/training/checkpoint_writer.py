"""What a run keeps on disk besides its figures: checkpoints and evaluation games."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from torch import Tensor

from agent.learner import Learner
from envs.episode_file import save_episode
from envs.trace import EpisodeTrace
from harness.files.journal import Journals
from harness.run.checkpoint import CheckpointState, save_checkpoint
from harness.run.config import RunConfig, flatten
from harness.run.state import Counters

FLUSH_INTERVAL = 2.0
"""Seconds between two times that the curves on disk grow."""


class CheckpointWriter:
    """Writes `last/`, `best/` after the best evaluation so far, and one game of each evaluation
    into `episodes/`.

    A thread of its own writes, while the run goes on. Nothing that the disk does stops the run:
    what could not be written is said once and tried again with the next checkpoint.
    """

    def __init__(
        self,
        run_dir: Path,
        config: RunConfig,
        journals: Journals,
        warn: Callable[[str], None],
        interval: float,
    ) -> None:
        """A checkpoint is `due` when `interval` seconds have passed since the last."""
        self._run_dir, self._config, self._journals = run_dir, config, journals
        self._warn, self._interval = warn, interval
        self.best_score: float | None = None
        """Mean return of the best evaluation so far."""
        self.saved_at: int | None = None
        """Steps of the newest checkpoint that this process has written."""
        self._waiting: dict[str, Callable[[], None]] = {}
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[OSError | SafetensorError | None] | None = None
        self._failing = False
        self._next = time.monotonic() + interval
        self._next_flush = 0.0
        self._steps = 0

    def due(self) -> bool:
        """Whether it is time for another checkpoint, and the one before is written."""
        if self._writing and not self._writing.done():
            return False
        return time.monotonic() >= self._next

    def flush(self) -> None:
        """Let those who watch the run's files see what is new, every few seconds."""
        if time.monotonic() >= self._next_flush:
            self._next_flush = time.monotonic() + FLUSH_INTERVAL
            try:
                self._journals.flush()
            except OSError as error:
                self._failed(error)

    def save(self, tensors: dict[str, Tensor], state: CheckpointState) -> None:
        """Write `last/` from here: the tensors as they are now, and the journals up to now."""
        self.wait()
        # It says that what waits is there: it comes last.
        self._waiting.pop("last", None)
        last = self._run_dir / "last"
        self._waiting["last"] = partial(
            save_checkpoint, last, _copied(tensors), state, keep_old=True
        )
        self._steps = state.steps
        self._next = time.monotonic() + self._interval
        self.write()

    def write(self) -> None:
        """Begin to write what waits."""
        try:
            self._journals.flush()
        except OSError as error:
            self._failed(error)
        else:
            self._writing = self._writer.submit(
                self._write, list(self._waiting.values()), self._steps
            )

    def evaluated(self, games: list[EpisodeTrace], learner: Learner, counters: Counters) -> None:
        """Keep the first game of an evaluation, and the agent if its mean score is the best; both
        are written with the next checkpoint."""
        self.wait()
        name = f"step{counters.steps:09d}-score{games[0].score:+d}.episode"
        self._waiting[name] = partial(
            save_episode,
            self._run_dir / "episodes" / name,
            games[0],
            epsilon=self._config.exploration.eval_epsilon,
            agent=self._run_dir.resolve().name,
            agent_steps=counters.steps,
        )
        score = float(np.mean([game.score for game in games]))
        if score > (-math.inf if self.best_score is None else self.best_score):
            self.best_score = score
            state = CheckpointState(
                settings=flatten(self._config),
                num_actions=learner.num_actions,
                steps=counters.steps,
                updates=counters.updates,
                score=score,
            )
            network = {k: v for k, v in learner.state().items() if k.startswith("online.")}
            best = self._run_dir / "best"
            self._waiting["best"] = partial(save_checkpoint, best, _copied(network), state)

    def wait(self) -> bool:
        """Wait until what was to be written is, or has failed; whether nothing is left to write."""
        if self._writing:
            error = self._writing.result()
            self._writing = None
            if error:
                self._failed(error)
            else:
                self._waiting.clear()
                self._failing = False
        return not self._waiting

    def close(self) -> None:
        """Let the thread go, once it has written."""
        self._writer.shutdown()

    def _write(
        self, waiting: list[Callable[[], None]], steps: int
    ) -> OSError | SafetensorError | None:
        try:
            self._journals.sync()
            for write in waiting:
                write()
        except (OSError, SafetensorError) as error:
            return error
        self.saved_at = steps
        return None

    def _failed(self, error: OSError | SafetensorError) -> None:
        if not self._failing:
            self._failing = True
            self._warn(
                f"warning: cannot write to {self._run_dir}: {error}; the run goes on and tries "
                "again"
            )


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

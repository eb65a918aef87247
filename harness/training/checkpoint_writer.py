"""Writes a run's checkpoints and evaluation games to disk, in the background."""

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
"""Seconds between two times that metrics are flushed to disk."""


class CheckpointWriter:
    """Writes `last/`, `best/` after the best evaluation so far, and one game of each evaluation
    into `episodes/`.

    A thread writes while the run goes on. A failing disk does not stop the run: it warns once and
    tries again with the next checkpoint.
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
        self._pending: dict[str, Callable[[], None]] = {}
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._write_in_progress: Future[OSError | SafetensorError | None] | None = None
        self._warned = False
        self._next_save = time.monotonic() + interval
        self._next_flush = 0.0
        self._steps = 0

    def due(self) -> bool:
        """Whether it is time for another checkpoint and the last one is written."""
        if self._write_in_progress and not self._write_in_progress.done():
            return False
        return time.monotonic() >= self._next_save

    def flush(self) -> None:
        """Flush metrics every FLUSH_INTERVAL seconds, for programs that watch the run's files."""
        if time.monotonic() >= self._next_flush:
            self._next_flush = time.monotonic() + FLUSH_INTERVAL
            try:
                self._journals.flush()
            except OSError as error:
                self._warn_once(error)

    def save(self, tensors: dict[str, Tensor], state: CheckpointState) -> None:
        """Begin to write `last/`: the tensors as they are now, and the journals up to now."""
        self.wait()
        # last/ is written after all else that is pending, since a resume relies on that.
        self._pending.pop("last", None)
        last = self._run_dir / "last"
        self._pending["last"] = partial(
            save_checkpoint, last, _copied(tensors), state, keep_old=True
        )
        self._steps = state.steps
        self._next_save = time.monotonic() + self._interval
        self.write()

    def write(self) -> None:
        """Begin to write all that is pending."""
        try:
            self._journals.flush()
        except OSError as error:
            self._warn_once(error)
        else:
            self._write_in_progress = self._thread.submit(
                self._write_all, list(self._pending.values()), self._steps
            )

    def evaluated(self, games: list[EpisodeTrace], learner: Learner, counters: Counters) -> None:
        """Keep the first game of an evaluation, and the network if its mean score is the best so
        far. Both are written with the next checkpoint."""
        self.wait()
        name = f"step{counters.steps:09d}-score{games[0].score:+d}.episode"
        self._pending[name] = partial(
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
            network = {
                name: tensor
                for name, tensor in learner.state().items()
                if name.startswith("online.")
            }
            best = self._run_dir / "best"
            self._pending["best"] = partial(save_checkpoint, best, _copied(network), state)

    def wait(self) -> bool:
        """Wait until writing has finished or failed. Returns whether nothing is left to write."""
        if self._write_in_progress:
            error = self._write_in_progress.result()
            self._write_in_progress = None
            if error:
                self._warn_once(error)
            else:
                self._pending.clear()
                self._warned = False
        return not self._pending

    def close(self) -> None:
        """End the thread once it has finished writing."""
        self._thread.shutdown()

    def _write_all(
        self, writes: list[Callable[[], None]], steps: int
    ) -> OSError | SafetensorError | None:
        try:
            self._journals.sync()
            for write in writes:
                write()
        except (OSError, SafetensorError) as error:
            return error
        self.saved_at = steps
        return None

    def _warn_once(self, error: OSError | SafetensorError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"warning: cannot write to {self._run_dir}: {error}; the run goes on and tries "
                "again"
            )


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

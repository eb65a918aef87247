"""What a run keeps on disk besides its figures: checkpoints and evaluation games."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from agent.learner import Learner
from envs.episode_file import save_episode
from envs.trace import EpisodeTrace
from harness.checkpoint import CheckpointState, read_state, read_tensors, save_checkpoint
from harness.config import RunConfig, flatten
from harness.counters import Counters
from harness.errors import UserError


class Keeper:
    """Writes `last/` at every call, `best/` when the evaluation before it was the best so far,
    and one game of each evaluation into `episodes/`."""

    def __init__(self, run_dir: Path, config: RunConfig) -> None:
        self._run_dir, self._config = run_dir, config
        self._best = -math.inf
        self._score: float | None = None

    def restore(self, learner: Learner) -> Counters:
        """Load `last/` into the learner; counters from which to go on.

        The replay memory is not in a checkpoint: it is filled again, by the agent as it is, for
        another warm-up before updates go on. Raises UserError when the checkpoint is unusable.
        """
        folder = self._run_dir / "last"
        if not folder.is_dir():
            raise UserError(f"{self._run_dir} has no checkpoint to resume from (no last/)")
        state = read_state(folder)
        if state.steps >= self._config.steps:
            raise UserError(
                f"the run has its {state.steps:,} steps already: "
                f"give --steps {2 * state.steps} to train on"
            )
        tensors = {f"online.{k}": v for k, v in read_tensors(folder, "network").items()}
        try:
            learner.load_state(tensors | read_tensors(folder, "learner"))
        except RuntimeError:
            raise UserError(f"{folder} does not fit the run's network and optimizer") from None
        if (self._run_dir / "best").is_dir():
            score = read_state(self._run_dir / "best").score
            self._best = -math.inf if score is None else score
        return Counters(state.steps, state.updates, learn_from=state.steps + self._config.warmup)

    def keep_games(self, games: list[EpisodeTrace], counters: Counters) -> None:
        """Take note of an evaluation's mean score and keep its first game."""
        self._score = float(np.mean([game.score for game in games]))
        name = f"step{counters.steps:09d}-score{games[0].score}.episode"
        save_episode(
            self._run_dir / "episodes" / name,
            games[0],
            epsilon=self._config.exploration.eval_epsilon,
            agent=self._run_dir.name,
            agent_steps=counters.steps,
        )

    def save(self, learner: Learner, counters: Counters) -> None:
        """Write the checkpoint; also as the best when the score noted since the last is."""
        state = CheckpointState(
            settings=flatten(self._config),
            num_actions=learner.num_actions,
            steps=counters.steps,
            updates=counters.updates,
            score=self._score,
        )
        tensors = learner.state()
        save_checkpoint(self._run_dir / "last", tensors, state)
        if self._score is not None and self._score > self._best:
            self._best = self._score
            save_checkpoint(self._run_dir / "best", tensors, state)
        self._score = None

"""What a run keeps on disk besides its figures: checkpoints and evaluation games."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from agent.learner import Learner
from envs.episode_file import save_episode
from envs.trace import EpisodeTrace
from harness.checkpoint import (
    CheckpointState,
    read_state,
    read_tensors,
    save_checkpoint,
    settle,
)
from harness.config import RunConfig, flatten
from harness.counters import Counters
from harness.errors import UserError


class Keeper:
    """Writes `last/`, `best/` after the best evaluation so far, and one game of each evaluation
    into `episodes/`."""

    def __init__(self, run_dir: Path, config: RunConfig) -> None:
        self._run_dir, self._config = run_dir, config
        self._best = -math.inf

    def restore(self, learner: Learner) -> Counters:
        """Load `last/` into the learner; counters from which to go on.

        The replay memory is not in a checkpoint: it is filled again, by the agent as it is, for
        another warm-up before updates go on. Raises UserError when the checkpoint is unusable.
        """
        folder = self._run_dir / "last"
        for checkpoint in (folder, self._run_dir / "best"):
            settle(checkpoint)
        if not folder.is_dir():
            raise UserError(f"{self._run_dir} has no checkpoint to resume from (no last/)")
        state = read_state(folder)
        learn_from = state.steps + self._config.warmup
        if learn_from >= self._config.steps:
            raise UserError(
                f"the run has {state.steps:,} of {self._config.steps:,} steps and refills its "
                f"replay memory for {self._config.warmup:,}: give --steps above {learn_from}"
            )
        tensors = {f"online.{k}": v for k, v in read_tensors(folder, "network").items()}
        try:
            learner.load_state(tensors | read_tensors(folder, "learner"))
        except RuntimeError:
            raise UserError(f"{folder} does not fit the run's network and optimizer") from None
        if (self._run_dir / "best").is_dir():
            score = read_state(self._run_dir / "best").score
            self._best = -math.inf if score is None else score
        return Counters(state.steps, state.updates, learn_from)

    def save_last(self, learner: Learner, counters: Counters) -> None:
        """Write the checkpoint from which the run can go on."""
        self._save("last", learner, counters, None)

    def save_evaluated(
        self, games: list[EpisodeTrace], learner: Learner, counters: Counters
    ) -> None:
        """Keep the first game of an evaluation, and the agent if its mean score is the best."""
        name = f"step{counters.steps:09d}-score{games[0].score:+d}.episode"
        save_episode(
            self._run_dir / "episodes" / name,
            games[0],
            epsilon=self._config.exploration.eval_epsilon,
            agent=self._run_dir.name,
            agent_steps=counters.steps,
        )
        score = float(np.mean([game.score for game in games]))
        if score > self._best:
            self._best = score
            self._save("best", learner, counters, score)

    def _save(self, name: str, learner: Learner, counters: Counters, score: float | None) -> None:
        state = CheckpointState(
            settings=flatten(self._config),
            num_actions=learner.num_actions,
            steps=counters.steps,
            updates=counters.updates,
            score=score,
        )
        try:
            save_checkpoint(self._run_dir / name, learner.state(), state)
        except (OSError, SafetensorError) as error:
            raise UserError(f"cannot write {self._run_dir / name}: {error}") from None

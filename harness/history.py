"""The training episodes of a run: its action logs and what the last checkpoint adds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from envs.action_log import BadLog, LogFile, LogHeader, Turns
from envs.episode_file import action_names
from envs.history import TrainingEpisode, episodes, trace
from envs.trace import EpisodeTrace
from harness.errors import UserError
from harness.places import told
from harness.position import LOG_NAME
from harness.resuming import Standing, standings
from harness.wording import counted


class History:
    """Every training episode of a run, numbered from 1 in the order in which they ended."""

    def __init__(self, run_dir: Path) -> None:
        """Raises UserError for a folder without an action log, or with one of another format."""
        files = sorted(f for f in run_dir.glob("*.actions") if re.fullmatch(LOG_NAME, f.name))
        if not files:
            raise UserError(
                f"{run_dir} holds no action log"
                f"{told(run_dir) or ': give a training run, or an .episode file'}"
            )
        newest = max(standings(run_dir)[0], key=lambda s: s.state.steps, default=None)
        self.episodes: list[TrainingEpisode] = []
        self._logs: list[tuple[LogHeader, list[tuple[int, Turns]]]] = []
        self._log_of: list[int] = []
        self.steps = 0
        """Of the run, as far as its files tell."""
        try:
            for file in files:
                log = LogFile(file)
                blocks = list(_with_tail(log.chunks(), newest, file.name))
                found = list(episodes(log.header, blocks))
                self._log_of += [len(self._logs)] * len(found)
                self._logs.append((log.header, blocks))
                if blocks:
                    rows = blocks[-1][0] + blocks[-1][1].rows
                    self.steps = log.header.start + rows * log.header.protocol.num_envs
                self.episodes += found
        except (BadLog, OSError) as error:
            raise UserError(error) from None

    def trace(self, number: int) -> tuple[LogHeader, EpisodeTrace]:
        """Episode `number` and how it was played. Raises UserError for one that is not there."""
        if not 0 < number <= len(self.episodes):
            ended = counted(len(self.episodes), "episode") if self.episodes else "none"
            raise UserError(f"there is no episode {number}: {ended} ended so far")
        header, blocks = self._logs[self._log_of[number - 1]]
        try:
            found = trace(header, blocks, self.episodes[number - 1])
        except ValueError as error:
            raise UserError(f"episode {number} cannot be played: {error}") from None
        # ALE waits for ever after an action that the game does not have.
        if max(found.actions.max(), found.before.max(initial=0)) >= len(
            action_names(found.protocol)
        ):
            raise UserError(f"episode {number} has actions that the game does not have")
        return header, found


def _with_tail(
    chunks: Iterator[tuple[int, Turns]], newest: Standing | None, name: str
) -> Iterator[tuple[int, Turns]]:
    """The chunks of a log, and the turns after them that lie in the newest checkpoint."""
    end = 0
    for begin, turns in chunks:
        yield begin, turns
        end = begin + turns.rows
    if newest and newest.position.log == name:
        tail = newest.tail()
        begin = newest.position.rows - tail.rows
        if begin >= end and tail.rows:
            yield begin, tail

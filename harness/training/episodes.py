"""The episodes of a run, and which of them to watch first.

There are two kinds, which are never mixed:

- Training episodes were played while the network learned and explored. They are in the action logs
  and the newest checkpoint.
- Recorded episodes were played by a fixed network. They are in episodes/: one game of each
  evaluation, and those that `evaluate.py record` made.

The highlights of each kind are

    best     the highest score
    worst    the lowest score
    median   the middle score; of an even number of scores, the lower of the two
    first    recorded: by the network that was trained least; training: the one that ended first

If several episodes have that score, it is the first of them. One episode may have several roles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.action_log import BadLog, LogFile, LogHeader, Turns
from envs.episode_file import SUFFIX, EpisodeHeader, action_names, load_episode, read_header
from envs.episode_zip import BadEpisode
from envs.history import TrainingEpisode, episodes, trace
from envs.trace import EpisodeTrace
from harness.errors import UserError
from harness.run.places import hint_for
from harness.run.state import LOG_NAME
from harness.text import counted
from harness.training.resume import Checkpoint, checkpoints

ROLES = ("best", "worst", "median", "first")


class History:
    """Every training episode of a run, numbered from 1 in the order in which they ended."""

    def __init__(self, run_dir: Path) -> None:
        """Raises UserError for a folder without an action log, or with one of another format."""
        files = sorted(
            file for file in run_dir.glob("*.actions") if re.fullmatch(LOG_NAME, file.name)
        )
        if not files:
            raise UserError(
                f"{run_dir} holds no action log"
                f"{hint_for(run_dir) or ': give a training run, or an .episode file'}"
            )
        newest = max(
            checkpoints(run_dir)[0], key=lambda checkpoint: checkpoint.state.steps, default=None
        )
        self.episodes: list[TrainingEpisode] = []
        self._logs: list[tuple[LogHeader, list[tuple[int, Turns]]]] = []
        self._log_of: list[int] = []
        self.steps = 0
        """Steps of the run that its files hold."""
        try:
            for file in files:
                log = LogFile(file)
                blocks = list(_with_tail(log.chunks(), newest, file.name))
                ended = list(episodes(log.header, blocks))
                self._log_of += [len(self._logs)] * len(ended)
                self._logs.append((log.header, blocks))
                if blocks:
                    rows = blocks[-1][0] + blocks[-1][1].rows
                    self.steps = log.header.start + rows * log.header.protocol.num_envs
                self.episodes += ended
        except (BadLog, OSError) as error:
            raise UserError(error) from None

    def trace(self, number: int) -> tuple[LogHeader, EpisodeTrace]:
        """The header of the log and the trace of episode `number`, from 1. Raises UserError when
        there is no such episode or its log is damaged."""
        if not 0 < number <= len(self.episodes):
            count = counted(len(self.episodes), "episode") if self.episodes else "none"
            raise UserError(f"there is no episode {number}: {count} ended so far")
        header, blocks = self._logs[self._log_of[number - 1]]
        try:
            played = trace(header, blocks, self.episodes[number - 1])
        except ValueError as error:
            raise UserError(f"episode {number} cannot be played: {error}") from None
        # ALE hangs after an action that the game does not have.
        if max(played.actions.max(), played.before.max(initial=0)) >= len(
            action_names(played.protocol)
        ):
            raise UserError(f"episode {number} has actions that the game does not have")
        return header, played


def _with_tail(
    chunks: Iterator[tuple[int, Turns]], newest: Checkpoint | None, name: str
) -> Iterator[tuple[int, Turns]]:
    """The chunks of a log, and the later turns that only the newest checkpoint holds."""
    end = 0
    for begin, turns in chunks:
        yield begin, turns
        end = begin + turns.rows
    if newest and newest.run_state.log == name:
        tail = newest.tail()
        begin = newest.run_state.rows - tail.rows
        if begin >= end and tail.rows:
            yield begin, tail


@dataclass(frozen=True)
class Highlight:
    """An episode with a role among those of its kind."""

    roles: tuple[str, ...]
    """Its roles, in the order of ROLES."""
    number: int
    """Its number among those of its kind, from 1, in the order of `first`."""
    score: int
    """Raw, unclipped return (points)."""
    alike: int
    """Episodes of its kind with this score, including itself (count)."""
    total: int
    """Episodes of its kind (count)."""


def highlights(scores: Sequence[int]) -> list[Highlight]:
    """The highlights of episodes with these scores, which are in the order of `first`. Each episode
    occurs once; they are in the order of ROLES."""
    if not scores:
        return []
    ranked = sorted(scores)
    role_scores = (ranked[-1], ranked[0], ranked[(len(ranked) - 1) // 2])
    indexes = [*(scores.index(score) for score in role_scores), 0]
    return [
        Highlight(
            tuple(
                role for role, role_index in zip(ROLES, indexes, strict=True) if role_index == index
            ),
            index + 1,
            scores[index],
            scores.count(scores[index]),
            len(scores),
        )
        for index in dict.fromkeys(indexes)
    ]


@dataclass(frozen=True)
class Recorded:
    """The recorded episodes of a run, in the order of their networks' training steps."""

    files: tuple[Path, ...]
    headers: tuple[EpisodeHeader, ...]
    left_out: tuple[str, ...] = ()
    """A message for each file that cannot be played."""

    @classmethod
    def of(cls, run_dir: Path, check: Callable[[EpisodeHeader], None]) -> Recorded:
        """The intact files in episodes/ for which `check` does not raise UserError."""
        playable, left_out = [], []
        for file in sorted((run_dir / "episodes").glob(f"*{SUFFIX}")):
            try:
                header, _ = read_header(file), load_episode(file)
                check(header)
                playable.append((file, header))
            except BadEpisode as error:  # names the file
                left_out.append(str(error))
            except UserError as error:
                left_out.append(f"{file}: {error}")
        playable.sort(key=lambda pair: _trained(pair[1]))
        files, headers = zip(*playable, strict=True) if playable else ((), ())
        return cls(files, headers, tuple(left_out))

    @property
    def scores(self) -> list[int]:
        return [header.score for header in self.headers]

    def trace(self, number: int) -> tuple[EpisodeHeader, EpisodeTrace]:
        """The header and the trace of episode `number`, from 1. Raises BadEpisode."""
        return self.headers[number - 1], load_episode(self.files[number - 1])


def _trained(header: EpisodeHeader) -> float:
    return float("inf") if header.agent_steps is None else header.agent_steps


def training(run_dir: Path) -> tuple[History | None, str]:
    """The training episodes of a run, or None and a message when there are none or a log cannot be
    read. The message is empty for a folder without action logs."""
    try:
        return (History(run_dir) if any(run_dir.glob("*.actions")) else None), ""
    except UserError as error:
        return None, str(error)


def require_episodes(
    run_dir: Path, recorded: Recorded, history: History | None, left_out: Sequence[str]
) -> None:
    """Raise UserError for a folder without episodes that can be played."""
    if not run_dir.is_dir():
        raise UserError(
            f"{run_dir} is no folder{hint_for(run_dir) or ': give the folder of a run'}"
        )
    if recorded.files or (history and history.episodes):
        return
    if left_out:
        raise UserError(f"{run_dir} has no episode that can be played: {'; '.join(left_out)}")
    raise UserError(
        f"{run_dir} has no episodes to show yet: none in its episodes/ and no whole one in an "
        f"action log{hint_for(run_dir) or ': evaluate.py record makes some of a checkpoint'}"
    )

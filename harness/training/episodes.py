"""The training episodes of a run, and which of its episodes are worth watching first.

The training episodes are in its action logs and in what the last checkpoint adds. To watch first
are the best, worst, median and first of two kinds, which are never mixed: games recorded with a
network that stood still, one of each evaluation and whatever `evaluate.py record` left in
episodes/, and the training episodes, played while it learned and explored. Of each kind

    best     the highest score
    worst    the lowest score
    median   the score in the middle of all, of an even number the lower one of the two
    first    recorded: by the network that was trained least; training: the one that ended first

and of several episodes with that score the first one. Often one episode is several of these.
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
        files = sorted(f for f in run_dir.glob("*.actions") if re.fullmatch(LOG_NAME, f.name))
        if not files:
            raise UserError(
                f"{run_dir} holds no action log"
                f"{hint_for(run_dir) or ': give a training run, or an .episode file'}"
            )
        newest = max(checkpoints(run_dir)[0], key=lambda s: s.state.steps, default=None)
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
    chunks: Iterator[tuple[int, Turns]], newest: Checkpoint | None, name: str
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


@dataclass(frozen=True)
class Highlight:
    """An episode and what it is among those of its kind."""

    roles: tuple[str, ...]
    """Of ROLES, in that order."""
    number: int
    """Its place among those of its kind, from 1, in the order of `first`."""
    score: int
    """Raw, unclipped return (points)."""
    alike: int
    """How many of its kind have this score, itself among them (count)."""
    total: int
    """How many there are of its kind (count)."""


def highlights(scores: Sequence[int]) -> list[Highlight]:
    """Those of episodes with these scores, in their order; in the order of ROLES, each once."""
    if not scores:
        return []
    ranked = sorted(scores)
    wanted = (ranked[-1], ranked[0], ranked[(len(ranked) - 1) // 2])
    places = [*(scores.index(score) for score in wanted), 0]
    return [
        Highlight(
            tuple(role for role, at in zip(ROLES, places, strict=True) if at == place),
            place + 1,
            scores[place],
            scores.count(scores[place]),
            len(scores),
        )
        for place in dict.fromkeys(places)
    ]


@dataclass(frozen=True)
class Recorded:
    """The recorded episodes of a run, the one of the least trained network first."""

    files: tuple[Path, ...]
    headers: tuple[EpisodeHeader, ...]
    left_out: tuple[str, ...] = ()
    """A line on each file that cannot be played."""

    @classmethod
    def of(cls, run_dir: Path, check: Callable[[EpisodeHeader], None]) -> Recorded:
        """Those in episodes/ that are whole and that `check` does not refuse with a UserError."""
        found, left_out = [], []
        for file in sorted((run_dir / "episodes").glob(f"*{SUFFIX}")):
            try:
                header, _ = read_header(file), load_episode(file)
                check(header)
                found.append((file, header))
            except BadEpisode as error:  # names the file
                left_out.append(str(error))
            except UserError as error:
                left_out.append(f"{file}: {error}")
        found.sort(key=lambda pair: _trained(pair[1]))
        files, headers = zip(*found, strict=True) if found else ((), ())
        return cls(files, headers, tuple(left_out))

    @property
    def scores(self) -> list[int]:
        return [header.score for header in self.headers]

    def trace(self, number: int) -> tuple[EpisodeHeader, EpisodeTrace]:
        """Episode `number`, from 1."""
        return self.headers[number - 1], load_episode(self.files[number - 1])


def _trained(header: EpisodeHeader) -> float:
    return float("inf") if header.agent_steps is None else header.agent_steps


def training(run_dir: Path) -> tuple[History | None, str]:
    """The training episodes of a run, and a line on an action log that cannot be read; None for a
    folder without one that can."""
    try:
        return (History(run_dir) if any(run_dir.glob("*.actions")) else None), ""
    except UserError as error:
        return None, str(error)


def check_some(
    run_dir: Path, recorded: Recorded, history: History | None, left_out: Sequence[str]
) -> None:
    """Raise UserError, in one line, for a folder without episodes that can be played."""
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

"""The episodes of a training run, found in its action log.

One emulator's turns around the border of two episodes (rows as in envs/emulators.py):

    turn        t              t + 1              t + 2
    action      last one       ignored            first one
    flags       TERMINATED     maybe KEYFRAME     .
    leads to    final frame    first frame        ...

so an episode that begins in row f and ends with turn t took the t - f + 1 actions of turns f to t.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from envs.action_log import KEYFRAME, TERMINATED, TRUNCATED, LogHeader, Turns
from envs.stream import keyframe_seed
from envs.trace import EpisodeTrace

ENDED = TERMINATED | TRUNCATED


@dataclass(frozen=True)
class TrainingEpisode:
    """One whole episode of a training run."""

    steps: int
    """Of the run, when it ended: its emulator's own, see `step_of`."""
    score: int
    """Raw, unclipped return (points)."""
    length: int
    """Agent steps."""
    truncated: bool
    """Whether the frame cap ended it rather than the game."""
    env: int
    """Emulator that played it."""
    row: int
    """Of its first frame."""
    keyframe: int
    """Row from which it can be simulated: the last keyframe before it, or its own."""


@dataclass
class _Now:
    """Where one emulator stands while its turns are read; None where a gap hides it."""

    row: int | None = 0
    keyframe: int | None = 0
    score: int = 0


def step_of(env: int, num_envs: int, steps: int) -> int:
    """Emulator `env`'s own step in the turn after which a run has `steps`: those of a turn count
    one after the other, so that no two games end at the same step."""
    return steps - num_envs + env + 1


def episodes(header: LogHeader, blocks: Iterable[tuple[int, Turns]]) -> Iterator[TrainingEpisode]:
    """Every whole episode in `blocks`, pairs of a first row and the turns from there, in the
    order in which they ended. Those that a gap between two blocks touches are left out."""
    num_envs, expected = header.protocol.num_envs, 0
    now = [_Now() for _ in range(num_envs)]
    for begin, turns in blocks:
        if begin != expected:
            now = [_Now(None, None) for _ in range(num_envs)]
        found = [
            episode
            for env in range(num_envs)
            for episode in _ended(header, now[env], env, begin, turns)
        ]
        yield from sorted(found, key=lambda episode: episode.steps)
        expected = begin + turns.rows


def _ended(
    header: LogHeader, now: _Now, env: int, begin: int, turns: Turns
) -> Iterator[TrainingEpisode]:
    """Episodes of one emulator that end within `turns`; moves `now` behind them."""
    flags, rewards = turns.flags[env], turns.rewards[env]
    counted = 0
    for at in np.flatnonzero(flags & (ENDED | KEYFRAME)).tolist():
        turn = begin + at
        if flags[at] & KEYFRAME:
            now.keyframe = turn + 1
        if flags[at] & ENDED:
            score = now.score + int(rewards[counted : at + 1].sum())
            if now.row is not None and now.keyframe is not None and now.keyframe <= now.row <= turn:
                num_envs = header.protocol.num_envs
                yield TrainingEpisode(
                    steps=step_of(env, num_envs, header.start + (turn + 1) * num_envs),
                    score=score,
                    length=turn - now.row + 1,
                    truncated=bool(flags[at] & TRUNCATED),
                    env=env,
                    row=now.row,
                    keyframe=now.keyframe,
                )
            now.row, now.score, counted = turn + 2, 0, at + 1
    now.score += int(rewards[counted:].sum())


def trace(
    header: LogHeader, blocks: Iterable[tuple[int, Turns]], episode: TrainingEpisode
) -> EpisodeTrace:
    """The episode as it was played; without Q-values and frame digests, which a log does not hold.

    Raises ValueError when `blocks` do not hold all its turns.
    """
    end, env = episode.row + episode.length, episode.env
    actions = np.zeros(end - episode.keyframe, np.uint8)
    rewards = np.zeros(end - episode.keyframe, np.int32)
    found = 0
    for begin, turns in blocks:
        first, last = max(begin, episode.keyframe), min(begin + turns.rows, end)
        if first < last:
            here = slice(first - episode.keyframe, last - episode.keyframe)
            actions[here] = turns.actions[env, first - begin : last - begin]
            rewards[here] = turns.rewards[env, first - begin : last - begin]
            found += last - first
    if found < len(actions):
        raise ValueError("the action log is damaged between the keyframe and the episode's end")
    before = episode.row - episode.keyframe
    return EpisodeTrace(
        protocol=replace(header.protocol, num_envs=1),
        seed=keyframe_seed(header.seed, header.start, env, episode.keyframe),
        actions=actions[before:],
        rewards=rewards[before:],
        q_values=np.zeros((episode.length, 0), np.float32),
        digests=np.zeros(0, np.uint32),
        truncated=episode.truncated,
        before=actions[:before],
    )

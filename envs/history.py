"""The episodes of a training run, found in its action log.

One emulator's turns around the border of two episodes (rows as in envs/emulators.py):

    turn        t              t + 1              t + 2
    action      last one       ignored            first one
    flags       TERMINATED     maybe KEYFRAME     .
    leads to    final frame    first frame        ...

So an episode that begins in row f and ends with turn t took the t - f + 1 actions of turns f to t.
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
    """Step of the run at which it ended, counted as in `step_of`."""
    score: int
    """Raw, unclipped return (points)."""
    length: int
    """Agent steps."""
    truncated: bool
    """Whether the frame cap ended it rather than the game."""
    env: int
    """Index of the emulator that played it."""
    row: int
    """Row of its first frame."""
    keyframe: int
    """Row of the keyframe from which it is simulated: the last one no later than `row`."""


@dataclass
class _EpisodeState:
    """One emulator's episode while its turns are read; None for what a gap hides."""

    row: int | None = 0
    keyframe: int | None = 0
    score: int = 0


def step_of(env: int, num_envs: int, steps: int) -> int:
    """The step of emulator `env` in the turn after which a run has `steps` steps. The steps of a
    turn are counted emulator by emulator, so no two games end at the same step."""
    return steps - num_envs + env + 1


def episodes(header: LogHeader, blocks: Iterable[tuple[int, Turns]]) -> Iterator[TrainingEpisode]:
    """Every complete episode in `blocks`, in the order in which they ended. Blocks are pairs of a
    first row and the turns from there. Episodes with turns missing between blocks are left out."""
    num_envs, expected = header.protocol.num_envs, 0
    states = [_EpisodeState() for _ in range(num_envs)]
    for begin, turns in blocks:
        if begin != expected:
            states = [_EpisodeState(None, None) for _ in range(num_envs)]
        ended = [
            episode
            for env in range(num_envs)
            for episode in _ended(header, states[env], env, begin, turns)
        ]
        yield from sorted(ended, key=lambda episode: episode.steps)
        expected = begin + turns.rows


def _ended(
    header: LogHeader, state: _EpisodeState, env: int, begin: int, turns: Turns
) -> Iterator[TrainingEpisode]:
    """Episodes of one emulator that end within `turns`. Moves `state` to the end of `turns`."""
    flags, rewards = turns.flags[env], turns.rewards[env]
    scored_from = 0
    for at in np.flatnonzero(flags & (ENDED | KEYFRAME)).tolist():
        turn = begin + at
        if flags[at] & KEYFRAME:
            state.keyframe = turn + 1
        if flags[at] & ENDED:
            score = state.score + int(rewards[scored_from : at + 1].sum())
            if (
                state.row is not None
                and state.keyframe is not None
                and state.keyframe <= state.row <= turn
            ):
                num_envs = header.protocol.num_envs
                yield TrainingEpisode(
                    steps=step_of(env, num_envs, header.start + (turn + 1) * num_envs),
                    score=score,
                    length=turn - state.row + 1,
                    truncated=bool(flags[at] & TRUNCATED),
                    env=env,
                    row=state.row,
                    keyframe=state.keyframe,
                )
            state.row, state.score, scored_from = turn + 2, 0, at + 1
    state.score += int(rewards[scored_from:].sum())


def trace(
    header: LogHeader, blocks: Iterable[tuple[int, Turns]], episode: TrainingEpisode
) -> EpisodeTrace:
    """The episode as it was played, without Q-values and frame digests: a log has none.

    Raises ValueError when `blocks` do not hold all its turns.
    """
    end, env = episode.row + episode.length, episode.env
    actions = np.zeros(end - episode.keyframe, np.uint8)
    rewards = np.zeros(end - episode.keyframe, np.int32)
    copied = 0
    for begin, turns in blocks:
        first, last = max(begin, episode.keyframe), min(begin + turns.rows, end)
        if first < last:
            span = slice(first - episode.keyframe, last - episode.keyframe)
            actions[span] = turns.actions[env, first - begin : last - begin]
            rewards[span] = turns.rewards[env, first - begin : last - begin]
            copied += last - first
    if copied < len(actions):
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

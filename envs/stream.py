"""Emulators that can be simulated again from any keyframe, given a seed and actions.

An emulator's frames and rewards are a function of its last seed and of the actions since then. A
*keyframe* is a row where it is seeded again. To simulate an episode, or the contents of a replay
memory, start at the keyframe before it. Rows are those of envs/emulators.py:

    row        0         ...   1000 ...        1410        1411          1412
    frame      seeded          due since here  game over   seeded again  goes on
    keyframe   x                                           x

A keyframe cuts no episode short: the emulator resets there anyway, and only gets a seed. Which
rows are keyframes depends on numbers of steps alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from envs.action_log import DIGEST_ROWS, KEYFRAME, Turns, digests_of, flags_of
from envs.emulators import Emulators, Step

TRAINING_SEEDS = 2**30
"""Seeds of training runs' emulators are below this, those of evaluations above."""


class LogMismatch(Exception):
    """A log with missing turns, or one that the emulators do not reproduce. The message is one
    line."""


class Turn(NamedTuple):
    """The actions of E emulators, and their answers."""

    actions: npt.NDArray[np.int64]  # [E]
    step: Step
    keyframes: npt.NDArray[np.bool_]  # [E] the emulator was seeded for the answered frame


def keyframe_seed(seed: int, start: int, env: int, row: int) -> int:
    """Seed of emulator `env` at a keyframe in `row`. The run has the seed `seed`, and its row 0 is
    at `start` steps."""
    drawn = np.random.SeedSequence([seed, start, env, row]).generate_state(1)
    return int(drawn[0]) % TRAINING_SEEDS


class Stream:
    """E emulators. Each has a keyframe at the first episode that begins at least `period` rows
    after its last one. The first are due earlier, spread out so that they do not coincide."""

    def __init__(self, emulators: Emulators, seed: int, start: int, period: int) -> None:
        self._emulators, self.num_envs = emulators, emulators.num_envs
        self._seed, self._start, self._period = seed, start, period
        self.row = 0
        """Row of the latest frames."""
        self._due = np.arange(1, self.num_envs + 1) * period // self.num_envs  # [E] rows

    def begin(self) -> npt.NDArray[np.uint8]:
        """Seed every emulator. Returns the frames [E, 84, 84] of row 0."""
        return self._emulators.reset(self._seeds(0, range(self.num_envs)))

    def send(self, actions: npt.NDArray[np.int64]) -> None:
        """Send each emulator its action [E]. They run in the background until `recv`."""
        self._actions = actions
        self._emulators.send(actions)

    def recv(self) -> Turn:
        """The turn that the last `send` began."""
        step = self._emulators.recv()
        self.row += 1
        mask = step.first & (self.row >= self._due)
        return self._turn(step, mask)

    def _turn(self, step: Step, mask: npt.NDArray[np.bool_]) -> Turn:
        """The turn that led to this row, after seeding the emulators of `mask` [E]."""
        if mask.any():
            seeds = self._seeds(self.row, np.flatnonzero(mask).tolist())
            step = step._replace(frames=self._emulators.reset(seeds, mask), first=step.first | mask)
            self._due[mask] = self.row + self._period
        return Turn(self._actions, step, mask)

    def _seeds(self, row: int, envs: Sequence[int]) -> npt.NDArray[np.int64]:
        return np.array([keyframe_seed(self._seed, self._start, env, row) for env in envs])

    def follow(
        self, blocks: Sequence[tuple[int, Turns]], rows: int, oldest: int
    ) -> Iterator[tuple[int, npt.NDArray[np.uint8], Turn | None]]:
        """Simulate the turns of a log up to row `rows`.

        `blocks` are pairs of a first row and the turns from there, in order. Yields (row, frames
        [E, 84, 84], the turn that led to the row; None for the first) from a row no later than
        `oldest` on. From `oldest` on all is as it was in the run. Raises LogMismatch where turns
        are missing, or where the emulators answer differently.
        """
        if any((turns.actions >= self._emulators.num_actions).any() for _, turns in blocks):
            raise LogMismatch("the log holds actions that the game does not have")
        since = keyframes_before(blocks, oldest, self.num_envs)
        self.row = int(since.min())
        self._due = np.where(since > 0, since + self._period, self._due)
        frames = self._emulators.reset(
            np.array([keyframe_seed(self._seed, self._start, e, r) for e, r in enumerate(since)])
        )
        yield self.row, frames, None
        for begin, turns in blocks:
            for at in range(max(self.row - begin, 0), min(turns.rows, rows - begin)):
                if begin + at != self.row:
                    raise LogMismatch(f"turns {self.row:,} to {begin + at:,} are missing")
                turn = self._retake(turns, at, since)
                yield self.row, turn.step.frames, turn
        if self.row != rows:
            raise LogMismatch(f"turns {self.row:,} to {rows:,} are missing")

    def _retake(self, turns: Turns, at: int, since: npt.NDArray[np.int64]) -> Turn:
        """Simulate turn `at` of `turns`. Each emulator's answers are compared with the log from row
        `since` [E] on: its keyframe."""
        self.send(turns.actions[:, at].astype(np.int64))
        step = self._emulators.recv()
        self.row += 1
        flagged = (turns.flags[:, at] & KEYFRAME).astype(bool) & (self.row >= since)
        turn = self._turn(step, flagged)
        known = self.row > since
        same = (flags_of(step, flagged) == turns.flags[:, at]) & (
            step.rewards == turns.rewards[:, at]
        )
        if self.row % DIGEST_ROWS == 0:
            same &= digests_of(turn.step) == turns.digests[:, at // DIGEST_ROWS]
        if not (same | ~known).all():
            env = int(np.flatnonzero(~same & known)[0])
            raise LogMismatch(f"emulator {env} answers something else in row {self.row:,}")
        return turn


def keyframes_before(
    blocks: Sequence[tuple[int, Turns]], row: int, num_envs: int
) -> npt.NDArray[np.int64]:
    """int64 [E]: each emulator's last keyframe no later than `row`."""
    latest = np.zeros(num_envs, np.int64)
    for begin, turns in blocks:
        rows = np.arange(begin + 1, begin + 1 + turns.rows)
        marked = ((turns.flags & KEYFRAME) > 0) & (rows <= row)
        if marked.any():
            latest = np.maximum(latest, np.where(marked, rows, 0).max(1))
    return latest

"""An episode as a seed and a list of actions, from which it can be simulated again."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from ale_py import AtariVectorEnv

from envs.emulators import FRAMES_PER_STEP, EmulatorConfig, Emulators, vector_env


def frame_digest(frame: npt.NDArray[np.uint8]) -> int:
    """CRC-32 of one 84x84 frame as the agent saw it."""
    return zlib.crc32(frame.tobytes())


@dataclass(frozen=True, eq=False)
class EpisodeTrace:
    """Everything that happened in one episode of T steps, without its frames."""

    protocol: EmulatorConfig
    """How it was played; `num_envs` is 1."""
    seed: int
    actions: npt.NDArray[np.uint8]  # [T] index into the game's action set
    rewards: npt.NDArray[np.int32]  # [T] raw score points
    q_values: npt.NDArray[np.float32]  # [T, A] of each state; A is 0 if unknown
    digests: npt.NDArray[np.uint32]  # [T + 1] CRC-32 of each frame seen; none if unknown
    truncated: bool
    """Whether the frame cap ended it rather than the game."""
    before: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    # [P] actions between the seed and the first frame: of earlier episodes, and ignored ones
    stuck: bool = False
    """Whether it was cut off because nothing happened any more."""

    @property
    def score(self) -> int:
        """Raw, unclipped return (points)."""
        return int(self.rewards.sum())

    @property
    def end(self) -> str:
        """How it ended, for people."""
        if self.stuck:
            return "cut off as stuck"
        return "cut off by the frame cap" if self.truncated else "game over"

    def __len__(self) -> int:
        """Agent steps."""
        return len(self.actions)


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a simulated episode: the frame, and the outcome of the action chosen on it."""

    frame: npt.NDArray[np.uint8]  # [84, 84] the frame the action was chosen on
    lives: int
    """Left when the action was chosen; 0 in games without lives."""
    reward: int
    """Raw score points."""
    ended: bool
    """Whether the episode ended with the action."""


def resimulate(trace: EpisodeTrace) -> Iterator[Moment]:
    """Simulate an episode from its seed: T moments, then one with the final frame.

    Whatever the emulator answers, it gets the recorded actions. Stops early only if the game is
    over before they are used up.
    """
    emulators = Emulators(replace(trace.protocol, num_envs=1), num_threads=1)
    frame = emulators.reset(np.array([trace.seed]))[0]
    lives = int(emulators.lives[0])
    for action in trace.before.astype(np.int64):
        emulators.send(np.array([action]))
        frame, lives = emulators.recv().frames[0], int(emulators.lives[0])
    ended = False
    for action in trace.actions.astype(np.int64):
        emulators.send(np.array([action]))
        step = emulators.recv()
        ended = bool(step.ended[0])
        yield Moment(frame, lives, int(step.rewards[0]), ended)
        frame, lives = step.frames[0], int(emulators.lives[0])
        if ended:
            break
    yield Moment(frame, lives, 0, ended)


def screens(trace: EpisodeTrace) -> Iterator[npt.NDArray[np.uint8]]:
    """Every emulator frame of the episode in colour, uint8 [210, 160, 3], 60 a second.

    Yields one array [k, 210, 160, 3] for each agent step; k is 4, or fewer at the end of the game.
    """
    env = vector_env(replace(trace.protocol, num_envs=1), num_threads=1, screen=True)
    env.reset(seed=np.array([trace.seed]))
    over = False
    for action in trace.before:
        # After the end of an episode one step resets, whatever its action.
        over = _play_frames(env, int(action), 1 if over else FRAMES_PER_STEP)[1]
    for action in trace.actions:
        frames, over = _play_frames(env, int(action), FRAMES_PER_STEP)
        yield np.stack(frames)
        if over:
            return


def _play_frames(
    env: AtariVectorEnv, action: int, max_frames: int
) -> tuple[list[npt.NDArray[np.uint8]], bool]:
    """Up to `max_frames` emulator frames [210, 160, 3] of one action, and whether the episode ended
    among them."""
    frames: list[npt.NDArray[np.uint8]] = []
    over = False
    while len(frames) < max_frames and not over:
        observation, _, terminated, truncated, _ = env.step(np.array([action]))
        frames.append(observation[0, 0])
        over = bool(terminated[0] or truncated[0])
    return frames, over

"""An episode as a seed and a list of actions: recorded once, simulated again at will."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from envs.emulators import FRAMES_PER_STEP, EmulatorConfig, Emulators, vector_env


def frame_digest(frame: npt.NDArray[np.uint8]) -> int:
    """CRC-32 of one 84x84 frame as the agent saw it."""
    return zlib.crc32(frame.tobytes())


@dataclass(frozen=True, eq=False)
class EpisodeTrace:
    """Everything that happened in one episode of T steps, frames left out."""

    protocol: EmulatorConfig
    """How it was played; `num_envs` is 1."""
    seed: int
    actions: npt.NDArray[np.uint8]  # [T] index into the game's action set
    rewards: npt.NDArray[np.int32]  # [T] raw score points
    q_values: npt.NDArray[np.float32]  # [T, A] of the state each action was taken in
    digests: npt.NDArray[np.uint32]  # [T + 1] CRC-32 of each frame seen, the final one included
    truncated: bool
    """Whether the frame cap ended it rather than the game."""

    @property
    def score(self) -> int:
        """Raw, unclipped return."""
        return int(self.rewards.sum())

    def __len__(self) -> int:
        """Agent steps."""
        return len(self.actions)


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a simulated episode: what was seen, and what the next action brought."""

    frame: npt.NDArray[np.uint8]  # [84, 84] the frame the action was chosen on
    reward: int
    ended: bool


def resimulate(trace: EpisodeTrace) -> Iterator[Moment]:
    """Play the actions again from the seed: T moments, then one with the final frame.

    The actions are the recorded ones whatever the emulator answers; it stops early only if the
    game is over before they are used up.
    """
    emulators = Emulators(replace(trace.protocol, num_envs=1), num_threads=1)
    frame = emulators.reset(np.array([trace.seed]))[0]
    ended = False
    for action in trace.actions.astype(np.int64):
        emulators.send(np.array([action]))
        step = emulators.recv()
        ended = bool(step.ended[0])
        yield Moment(frame, int(step.rewards[0]), ended)
        frame = step.frames[0]
        if ended:
            break
    yield Moment(frame, 0, ended)


def screens(trace: EpisodeTrace) -> Iterator[npt.NDArray[np.uint8]]:
    """Every emulator frame of the episode in colour, uint8 [210, 160, 3], 60 a second.

    Yields one array [k, 210, 160, 3] an agent step, k <= 4: fewer when the game ends inside it.
    """
    env = vector_env(replace(trace.protocol, num_envs=1), num_threads=1, screen=True)
    env.reset(seed=np.array([trace.seed]))
    for action in trace.actions.astype(np.int64):
        frames = []
        for _ in range(FRAMES_PER_STEP):
            observation, _, terminated, truncated, _ = env.step(np.array([action]))
            frames.append(observation[0, 0])
            if terminated[0] or truncated[0]:
                break
        yield np.stack(frames)
        if terminated[0] or truncated[0]:
            return

"""A batch of Atari emulators that step together.

Timeline of one emulator (next-step autoreset). Row t is what `Step` number t returns:

    t        0      1      2 (game over)   3 (reset)   4
    frame    o0     o1     o2 final        o0'         o1'
    reward   -      r0     r1              0           r0'
    ended    -      no     yes             no          no
    first    yes    no     no              yes         no

The emulator ignores the action sent between row 2 and row 3, so there is no transition from row 2
to row 3. Row 2's frame is not used for bootstrapping either: ALE stops at game over without
drawing a new screen, so it repeats row 1's (measured: 25 of 25 game ends).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ale_py import AtariVectorEnv

from envs.games import game_id

FRAME_SHAPE = (84, 84)
SEEDS = 2**31
"""Seeds of emulators are from 0 to SEEDS - 1."""
FRAMES_PER_STEP = 4
"""Emulator frames for one agent step (the action repeat of Nature DQN)."""

MOST_EPISODE_FRAMES = 1_080_000
"""Largest cap of an episode that is accepted (frames): five hours, ten times the usual cap."""


@dataclass(frozen=True)
class EmulatorConfig:
    """The protocol under which a game is played. Two runs with equal values are comparable."""

    game: str = "Pong"
    """Game, as people write it: Pong, space_invaders, ALE/Pong-v5."""
    num_envs: int = 8
    """Emulators that step together (count)."""
    sticky_actions: float = 0.25
    """Probability that the emulator repeats the previous action at a frame (0 to 1)."""
    noop_max: int = 0
    """Most no-op frames at the start of an episode (frames)."""
    fire_on_reset: bool = False
    """Press FIRE once when an episode starts, in games that have it."""
    full_action_space: bool = False
    """Offer all 18 joystick actions instead of the game's minimal set."""
    max_episode_frames: int = 108_000
    """An episode is cut off after this many frames (frames; 108000 is 30 minutes)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "game", game_id(self.game))
        if self.num_envs < 1:
            raise ValueError(f"num-envs must be at least 1, not {self.num_envs}")
        if not 0 <= self.sticky_actions < 1:
            raise ValueError(f"sticky-actions must be in [0, 1), not {self.sticky_actions}")
        # Shorter episodes could be cut off before they hold a transition to learn from.
        shortest = 10 * FRAMES_PER_STEP
        if not 0 <= self.noop_max <= MOST_EPISODE_FRAMES - shortest:
            raise ValueError(
                f"noop-max must be from 0 to {MOST_EPISODE_FRAMES - shortest}, not {self.noop_max}"
            )
        least = self.noop_max + shortest
        if not least <= self.max_episode_frames <= MOST_EPISODE_FRAMES:
            raise ValueError(
                f"max-episode-frames must be from {least} to {MOST_EPISODE_FRAMES}, "
                f"not {self.max_episode_frames}"
            )


class Step(NamedTuple):
    """The answer of E emulators to one action each."""

    frames: npt.NDArray[np.uint8]  # [E, 84, 84] grey, maximum of the last two emulator frames
    rewards: npt.NDArray[np.int32]  # [E] raw score points, never clipped
    terminated: npt.NDArray[np.bool_]  # [E] the game is over
    truncated: npt.NDArray[np.bool_]  # [E] cut off by the frame cap; `frames` is stale
    life_lost: npt.NDArray[np.bool_]  # [E] a life was lost, whether or not the game goes on
    first: npt.NDArray[np.bool_]  # [E] first frame of an episode; the action was ignored

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """[E] the episode is over, for either reason."""
        return self.terminated | self.truncated


def vector_env(
    config: EmulatorConfig, num_threads: int = 0, *, screen: bool = False
) -> AtariVectorEnv:
    """ALE's own vector environment with every argument explicit: its defaults clip rewards, press
    FIRE and have no sticky actions.

    With `screen`, a step is one emulator frame and returns it in colour, [E, 1, 210, 160, 3].
    Sending each action four times then plays the same episode.
    """
    return AtariVectorEnv(
        config.game,
        config.num_envs,
        batch_size=0,
        num_threads=num_threads,
        thread_affinity_offset=-1,
        max_num_frames_per_episode=config.max_episode_frames,
        repeat_action_probability=config.sticky_actions,
        full_action_space=config.full_action_space,
        continuous=False,
        continuous_action_threshold=0.5,
        autoreset_mode="NextStep",
        img_height=210 if screen else FRAME_SHAPE[0],
        img_width=160 if screen else FRAME_SHAPE[1],
        grayscale=not screen,
        stack_num=1,
        frameskip=1 if screen else FRAMES_PER_STEP,
        maxpool=not screen,
        noop_max=config.noop_max,
        episodic_life=False,
        life_loss_info=False,
        reward_clipping=False,
        use_fire_reset=config.fire_on_reset,
    )


class Emulators:
    """E emulators behind `reset`, then `send` and `recv` in turn.

    They run in `num_threads` threads of their own (0: one for each core), so the caller can do
    something else between `send` and `recv`.
    """

    def __init__(self, config: EmulatorConfig, num_threads: int = 0) -> None:
        self._env = vector_env(config, num_threads)
        self.num_envs = config.num_envs
        self._lives = np.zeros(config.num_envs, np.int32)
        self._ended = np.zeros(config.num_envs, np.bool_)
        self.num_actions = len(self._env.ale.get_action_set())

    def reset(
        self, seeds: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Start a seeded episode in every emulator, or only in those of `mask` [E], with one seed
        for each of these, from 0 to 2^31 - 1.

        Returns the current frames [E, 84, 84] of all emulators. From here on, all that an emulator
        returns is a function of its seed and its actions.
        """
        options = None if mask is None else {"reset_mask": mask}
        observation, info = self._env.reset(seed=seeds, options=options)
        self._lives = info["lives"].copy()
        self._ended[slice(None) if mask is None else mask] = False
        return np.asarray(observation[:, 0])

    def send(self, actions: npt.NDArray[np.int64]) -> None:
        """Send each emulator its action [E]. One whose episode has ended resets instead."""
        self._env.send(actions)

    def recv(self) -> Step:
        """The answers to the last `send`. Waits for the slowest emulator."""
        observation, rewards, terminated, truncated, info = self._env.recv()
        first, lives = self._ended, info["lives"]
        step = Step(
            frames=observation[:, 0],
            rewards=rewards,
            terminated=terminated,
            truncated=truncated & ~terminated,
            life_lost=(lives < self._lives) & ~first,
            first=first,
        )
        self._lives, self._ended = lives.copy(), step.ended
        return step

    @property
    def lives(self) -> npt.NDArray[np.int32]:
        """[E] lives left after the last `reset` or `recv`; 0 in games that have none."""
        return self._lives

    def close(self) -> None:
        self._env.close()

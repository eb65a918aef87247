"""Let a policy play whole, seeded episodes: the one way agents are scored and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from envs.emulators import EmulatorConfig, Emulators
from envs.trace import EpisodeTrace, frame_digest
from harness.metrics.games import OnStep
from harness.run.hardware import usable_cores
from replay.ring import STACK_SIZE, Ring

Policy = Callable[[Tensor], Tensor]
"""Q-values float [B, A] of states uint8 [B, 4, 84, 84]."""


class Stuck:
    """Whether nothing happens any more in an episode.

    It is stuck after `after` agent steps in a row without a reward, without a lost life, and
    without a screen that had not been shown since the last of these, or since the start. With
    `after` 0 it never is.
    """

    def __init__(self, after: int, digest: int) -> None:
        """An episode begins with a screen of this digest."""
        self._after, self._shown, self._still = after, {digest}, 0

    def step(self, digest: int, happened: bool) -> bool:
        """Whether it is stuck after a step that led to a screen of this digest; `happened`: with a
        reward or a lost life."""
        if not self._after:
            return False
        if happened:
            self._shown.clear()
        self._still = self._still + 1 if digest in self._shown else 0
        self._shown.add(digest)
        return self._still >= self._after


@dataclass
class _Seat:
    """One emulator and the episode it is playing."""

    index: int
    seed: int
    rng: np.random.Generator
    digests: list[int]
    stuck: Stuck
    actions: list[int] = field(default_factory=list)
    rewards: list[int] = field(default_factory=list)
    q_values: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def choose(self, q_values: npt.NDArray[np.float32], epsilon: float) -> int:
        if self.rng.random() < epsilon:
            action = int(self.rng.integers(len(q_values)))
        else:
            action = int(q_values.argmax())
        self.actions.append(action)
        self.q_values.append(q_values)
        return action

    def trace(self, protocol: EmulatorConfig, truncated: bool, stuck: bool) -> EpisodeTrace:
        return EpisodeTrace(
            protocol=replace(protocol, num_envs=1),
            seed=self.seed,
            actions=np.array(self.actions, np.uint8),
            rewards=np.array(self.rewards, np.int32),
            q_values=np.stack(self.q_values),
            digests=np.array(self.digests, np.uint32),
            truncated=truncated,
            stuck=stuck,
        )


def play_episodes(
    policy: Policy,
    protocol: EmulatorConfig,
    seeds: Sequence[int],
    epsilon: float,
    device: torch.device | str = "cpu",
    *,
    stuck_after: int = 0,
    on_step: OnStep = lambda over, longest: None,
) -> Iterator[tuple[int, EpisodeTrace]]:
    """One whole episode for each of `seeds`, as (index in `seeds`, trace), in order of finishing.

    Each episode has an emulator freshly seeded with its own seed, and its own random numbers
    for exploration, so it does not depend on which others are played, but for the last bits of
    Q-values: libraries may compute differently for as many states as there are games left. All
    are awaited: nothing is said about the agent by the episodes that happen to finish first.
    One in which nothing happens for `stuck_after` agent steps is cut off (see Stuck; 0: none is).
    `protocol.num_envs` is how many are played side by side.
    """
    num_envs = min(protocol.num_envs, len(seeds))
    threads = min(usable_cores(), num_envs)
    with closing(Emulators(replace(protocol, num_envs=num_envs), threads)) as emulators:
        yield from _play(policy, emulators, protocol, seeds, epsilon, device, stuck_after, on_step)


def _play(
    policy: Policy,
    emulators: Emulators,
    protocol: EmulatorConfig,
    seeds: Sequence[int],
    epsilon: float,
    device: torch.device | str,
    stuck_after: int,
    on_step: OnStep,
) -> Iterator[tuple[int, EpisodeTrace]]:
    num_envs, over = emulators.num_envs, 0
    waiting = iter(enumerate(map(int, seeds[num_envs:]), num_envs))

    def sit_down(index: int, seed: int, frame: npt.NDArray[np.uint8]) -> _Seat:
        digest = frame_digest(frame)
        stuck = Stuck(stuck_after, digest)
        return _Seat(index, seed, np.random.default_rng(seed), [digest], stuck)

    frames = emulators.reset(np.array(seeds[:num_envs]))
    seats: list[_Seat | None] = [
        sit_down(index, int(seed), frames[index]) for index, seed in enumerate(seeds[:num_envs])
    ]
    ring = Ring(STACK_SIZE + 1, num_envs, device)
    ring.start(torch.from_numpy(frames))
    while any(seats):
        actions = _choose(policy, ring.latest(), seats, epsilon)
        emulators.send(actions)
        step = emulators.recv()
        frames, first = step.frames, step.first
        for env, seat in enumerate(seats):
            if seat is None:
                continue
            seat.rewards.append(int(step.rewards[env]))
            seat.digests.append(frame_digest(step.frames[env]))
            happened = bool(step.rewards[env] or step.life_lost[env])
            stuck = seat.stuck.step(seat.digests[-1], happened) and not step.ended[env]
            if step.ended[env] or stuck:
                over += 1
                yield seat.index, seat.trace(protocol, bool(step.truncated[env]), stuck)
                seats[env] = None
                if fresh := next(waiting, None):
                    mask = np.arange(num_envs) == env
                    frames = emulators.reset(np.array([fresh[1]]), mask)
                    first = first | mask
                    seats[env] = sit_down(*fresh, frames[env])
        on_step(over, max((len(seat.actions) for seat in seats if seat), default=0))
        nothing = torch.zeros(num_envs, dtype=torch.bool)
        ring.add(
            torch.from_numpy(actions),
            torch.from_numpy(step.rewards),
            terminal=nothing,
            void=nothing,
            frames=torch.from_numpy(frames),
            first=torch.from_numpy(first),
        )


def _choose(
    policy: Policy, states: Tensor, seats: list[_Seat | None], epsilon: float
) -> npt.NDArray[np.int64]:
    """Actions [E] of the seats that still play; empty seats send 0."""
    playing = [env for env, seat in enumerate(seats) if seat]
    q_values = policy(states[playing]).cpu().numpy()
    actions = np.zeros(len(seats), np.int64)
    for row, env in enumerate(playing):
        seat = seats[env]
        assert seat is not None
        actions[env] = seat.choose(q_values[row], epsilon)
    return actions

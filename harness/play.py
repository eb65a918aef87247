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
from harness.cores import usable_cores
from replay.ring import STACK_SIZE, Ring

Policy = Callable[[Tensor], Tensor]
"""Q-values float [B, A] of states uint8 [B, 4, 84, 84]."""


@dataclass
class _Seat:
    """One emulator and the episode it is playing."""

    index: int
    seed: int
    rng: np.random.Generator
    actions: list[int] = field(default_factory=list)
    rewards: list[int] = field(default_factory=list)
    q_values: list[npt.NDArray[np.float32]] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)

    def choose(self, q_values: npt.NDArray[np.float32], epsilon: float) -> int:
        if self.rng.random() < epsilon:
            action = int(self.rng.integers(len(q_values)))
        else:
            action = int(q_values.argmax())
        self.actions.append(action)
        self.q_values.append(q_values)
        return action

    def trace(self, protocol: EmulatorConfig, truncated: bool) -> EpisodeTrace:
        return EpisodeTrace(
            protocol=replace(protocol, num_envs=1),
            seed=self.seed,
            actions=np.array(self.actions, np.uint8),
            rewards=np.array(self.rewards, np.int32),
            q_values=np.stack(self.q_values),
            digests=np.array(self.digests, np.uint32),
            truncated=truncated,
        )


def play_episodes(
    policy: Policy,
    protocol: EmulatorConfig,
    seeds: Sequence[int],
    epsilon: float,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[int, EpisodeTrace]]:
    """One whole episode for each of `seeds`, as (index in `seeds`, trace), in order of finishing.

    Each episode has an emulator freshly seeded with its own seed, and its own random numbers
    for exploration, so it does not depend on which others are played, but for the last bits of
    Q-values: libraries may compute differently for as many states as there are games left. All
    are awaited: nothing is said about the agent by the episodes that happen to finish first.
    `protocol.num_envs` is how many are played side by side.
    """
    num_envs = min(protocol.num_envs, len(seeds))
    threads = min(usable_cores(), num_envs)
    with closing(Emulators(replace(protocol, num_envs=num_envs), threads)) as emulators:
        yield from _play(policy, emulators, protocol, seeds, epsilon, device)


def _play(
    policy: Policy,
    emulators: Emulators,
    protocol: EmulatorConfig,
    seeds: Sequence[int],
    epsilon: float,
    device: torch.device | str,
) -> Iterator[tuple[int, EpisodeTrace]]:
    num_envs = emulators.num_envs
    waiting = iter(enumerate(int(seed) for seed in seeds))

    def sit_down() -> _Seat | None:
        index, seed = next(waiting, (None, 0))
        return None if index is None else _Seat(index, seed, np.random.default_rng(seed))

    seats = [sit_down() for _ in range(num_envs)]
    frames = emulators.reset(np.array([seat.seed for seat in seats if seat]))
    ring = Ring(STACK_SIZE + 1, num_envs, device)
    ring.start(torch.from_numpy(frames))
    while any(seats):
        actions = _choose(policy, ring.latest(), seats, frames, epsilon)
        emulators.send(actions)
        step = emulators.recv()
        frames, first = step.frames, step.first
        for env, seat in enumerate(seats):
            if seat is None:
                continue
            seat.rewards.append(int(step.rewards[env]))
            if step.ended[env]:
                seat.digests.append(frame_digest(frames[env]))
                yield seat.index, seat.trace(protocol, bool(step.truncated[env]))
                seats[env] = sit_down()
                if fresh := seats[env]:
                    mask = np.arange(num_envs) == env
                    frames = emulators.reset(np.array([fresh.seed]), mask)
                    first = first | mask
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
    policy: Policy,
    states: Tensor,
    seats: list[_Seat | None],
    frames: npt.NDArray[np.uint8],
    epsilon: float,
) -> npt.NDArray[np.int64]:
    """Actions [E] of the seats that still play; empty seats send 0."""
    playing = [env for env, seat in enumerate(seats) if seat]
    q_values = policy(states[playing]).cpu().numpy()
    actions = np.zeros(len(seats), np.int64)
    for row, env in enumerate(playing):
        seat = seats[env]
        assert seat is not None
        seat.digests.append(frame_digest(frames[env]))
        actions[env] = seat.choose(q_values[row], epsilon)
    return actions

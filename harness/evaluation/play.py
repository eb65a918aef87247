"""Let a policy play whole, seeded episodes. All scoring and recording of agents uses this."""

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
    """Tells when nothing happens any more in an episode.

    An episode is stuck after `after` agent steps in a row without a reward, a lost life, or a new
    screen. A screen is new if it has not been shown since the last reward or lost life (or the
    start). With `after` 0 an episode is never stuck.
    """

    def __init__(self, after: int, digest: int) -> None:
        """Begin an episode whose first screen has this digest."""
        self._limit, self._shown, self._steps_without_news = after, {digest}, 0

    def step(self, digest: int, progress: bool) -> bool:
        """Whether the episode is stuck after a step that led to a screen with this digest.
        `progress` says whether the step brought a reward or cost a life."""
        if not self._limit:
            return False
        if progress:
            self._shown.clear()
        self._steps_without_news = self._steps_without_news + 1 if digest in self._shown else 0
        self._shown.add(digest)
        return self._steps_without_news >= self._limit


@dataclass
class _RunningEpisode:
    """An episode that an emulator is playing."""

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

    - Each episode has an emulator with its own seed, and its own random numbers for exploration.
      It does not depend on the other episodes, except for the last bits of Q-values: libraries
      may round differently for another batch size.
    - All episodes must be played. Those that finish first are the short ones, so stopping early
      would bias scores.
    - An episode in which nothing happens for `stuck_after` agent steps is cut off (see Stuck).
    - `protocol.num_envs` episodes are played side by side.
    """
    num_envs = min(protocol.num_envs, len(seeds))
    queue = iter(enumerate(map(int, seeds)))

    def begin(frame: npt.NDArray[np.uint8], index: int, seed: int) -> _RunningEpisode:
        digest = frame_digest(frame)
        stuck = Stuck(stuck_after, digest)
        return _RunningEpisode(index, seed, np.random.default_rng(seed), [digest], stuck)

    threads = min(usable_cores(), num_envs)
    with closing(Emulators(replace(protocol, num_envs=num_envs), threads)) as emulators:
        frames = emulators.reset(np.array(seeds[:num_envs]))
        episodes: list[_RunningEpisode | None] = [begin(frame, *next(queue)) for frame in frames]
        ring = Ring(STACK_SIZE + 1, num_envs, device)
        ring.start(torch.from_numpy(frames))
        none_ended, finished = torch.zeros(num_envs, dtype=torch.bool), 0
        while any(episodes):
            actions = _choose(policy, ring.latest(), episodes, epsilon)
            emulators.send(actions)
            step = emulators.recv()
            frames, first = step.frames, step.first
            for env, episode in enumerate(episodes):
                if episode is None:
                    continue
                episode.rewards.append(int(step.rewards[env]))
                episode.digests.append(frame_digest(step.frames[env]))
                progress = bool(step.rewards[env] or step.life_lost[env])
                stuck = episode.stuck.step(episode.digests[-1], progress) and not step.ended[env]
                if step.ended[env] or stuck:
                    finished += 1
                    yield episode.index, episode.trace(protocol, bool(step.truncated[env]), stuck)
                    episodes[env] = None
                    if upcoming := next(queue, None):
                        mask = np.arange(num_envs) == env
                        frames = emulators.reset(np.array([upcoming[1]]), mask)
                        first = first | mask
                        episodes[env] = begin(frames[env], *upcoming)
            longest = max((len(episode.actions) for episode in episodes if episode), default=0)
            on_step(finished, longest)
            ring.add(
                torch.from_numpy(actions),
                torch.from_numpy(step.rewards),
                terminal=none_ended,
                void=none_ended,
                frames=torch.from_numpy(frames),
                first=torch.from_numpy(first),
            )


def _choose(
    policy: Policy, states: Tensor, episodes: list[_RunningEpisode | None], epsilon: float
) -> npt.NDArray[np.int64]:
    """Actions [E]; 0 for emulators without an episode."""
    playing = [env for env, episode in enumerate(episodes) if episode]
    q_values = policy(states[playing]).cpu().numpy()
    actions = np.zeros(len(episodes), np.int64)
    for row, env in enumerate(playing):
        episode = episodes[env]
        assert episode is not None
        actions[env] = episode.choose(q_values[row], epsilon)
    return actions

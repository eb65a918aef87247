"""A replay memory that is slow and plain: whole states, copied when they were seen.

It knows nothing of rings, flags or row arithmetic. It is told what happened (`Event`), keeps
every episode as a list of frames, and cuts each transition out of lists on demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
import numpy.typing as npt
from torch import Tensor

Frame = npt.NDArray[np.uint8]
STACK = 4


def frame(number: int) -> Frame:
    """A frame [84, 84] that says which one it is, never all zero."""
    image = np.full((84, 84), number % 251, np.uint8)
    image[0, :4] = list((number + 1).to_bytes(4, "big"))
    return image


def number_of(image: Tensor) -> int | None:
    """The number of a `frame`; None for a blank one."""
    assert (image[1:] == image[1, 0]).all(), "a mixture of frames"
    code = int.from_bytes(bytes(image[0, :4].tolist()), "big")
    return code - 1 if code else None


class Event(Enum):
    """What came of one action of one emulator."""

    GOES_ON = auto()
    LIFE_LOST = auto()  # an end for the learner, not for the game
    GAME_OVER = auto()
    CUT_OFF = auto()  # by the frame cap: the frame that follows is stale
    CUT_OFF_WITH_LIFE = auto()  # both at once
    RESET = auto()  # the action was ignored, a new episode begins

    @property
    def is_transition(self) -> bool:
        """Whether a learner may use this step at all."""
        return self in (Event.GOES_ON, Event.LIFE_LOST, Event.GAME_OVER)

    @property
    def cut_off(self) -> bool:
        return self in (Event.CUT_OFF, Event.CUT_OFF_WITH_LIFE)

    @property
    def terminal(self) -> bool:
        """Whether a learner is told that nothing comes after it."""
        return self in (Event.LIFE_LOST, Event.GAME_OVER, Event.CUT_OFF_WITH_LIFE)

    @property
    def episode_over(self) -> bool:
        return self.cut_off or self is Event.GAME_OVER


@dataclass
class Moment:
    """One state, and what was done in it once that is known."""

    state: Frame  # [4, 84, 84]
    action: int = -1
    reward: float = 0.0
    event: Event = Event.GOES_ON


@dataclass(frozen=True)
class Transition:
    """Up to n steps, as the learner should get them."""

    state: Frame  # [4, 84, 84]
    action: int
    rewards: tuple[float, ...]  # padded with 0 to n
    length: int
    terminal: bool
    next_state: Frame  # [4, 84, 84]


@dataclass
class ReferenceReplay:
    """The last `rows` moments of each emulator; `moments[env]` holds all there ever were."""

    rows: int
    num_envs: int
    moments: list[list[Moment]] = field(default_factory=list)
    _episodes: list[list[Frame]] = field(default_factory=list)

    def start(self, frames: Sequence[Frame]) -> None:
        """Begin anew with the first frames [E] of episodes."""
        self.moments = [[] for _ in range(self.num_envs)]
        self._episodes = [[] for _ in range(self.num_envs)]
        for env, frame in enumerate(frames):
            self._see(env, frame)

    def add(
        self,
        actions: Sequence[int],
        rewards: Sequence[float],
        events: Sequence[Event],
        frames: Sequence[Frame],
    ) -> None:
        """What was done in the latest moments, what came of it, and the frames that followed."""
        for env, event in enumerate(events):
            moment = self.moments[env][-1]
            moment.action, moment.reward, moment.event = actions[env], rewards[env], event
            if event is Event.RESET:
                self._episodes[env] = []
            self._see(env, frames[env])

    def _see(self, env: int, frame: Frame) -> None:
        episode = self._episodes[env]
        episode.append(frame.copy())
        state = np.zeros((STACK, 84, 84), np.uint8)
        for place, seen in zip(range(STACK - 1, -1, -1), reversed(episode), strict=False):
            state[place] = seen
        self.moments[env].append(Moment(state))

    def transition(self, time: int, env: int, n: int) -> Transition | None:
        """The transition from a moment whose n steps are all over; None if it is none."""
        history = self.moments[env]
        if not history[time].event.is_transition:
            return None
        rewards: list[float] = []
        terminal = False
        while len(rewards) < n and not terminal:
            moment = history[time + len(rewards)]
            if not moment.event.is_transition:
                break
            rewards.append(moment.reward)
            terminal = moment.event.terminal
        return Transition(
            history[time].state,
            history[time].action,
            tuple(rewards + [0.0] * (n - len(rewards))),
            len(rewards),
            terminal,
            history[time + len(rewards)].state,
        )

    def sampleable(self, n: int) -> dict[tuple[int, int], Transition]:
        """Everything that may be drawn, by (time, env).

        Of the moments held, the oldest three are out once the memory is full (the frames
        before them are gone) and so are the newest n (their n steps are not over).
        """
        seen = len(self.moments[0])
        oldest = seen - self.rows + STACK - 1 if seen >= self.rows else 0
        found = {}
        for time in range(oldest, seen - n):
            for env in range(self.num_envs):
                if transition := self.transition(time, env, n):
                    found[time, env] = transition
        return found

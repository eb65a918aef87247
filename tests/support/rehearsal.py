"""Stand-ins for emulators and learner: the training loop with everything written down."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agent.execution import Launcher, one_by_one
from agent.learner import Learner
from envs.emulators import Emulators, Step
from envs.stream import Stream, Turn
from harness.run.config import RunConfig, unflatten
from harness.run.state import Counters, RandomStreams
from harness.training.session import Session
from replay.batch import Batch
from replay.ring import Ring
from support.reference_replay import Event, Frame, frame, number_of
from train import training

ACTIONS = 5
EVENTS = (*(Event.GOES_ON,) * 8, Event.LIFE_LOST, Event.GAME_OVER, Event.CUT_OFF)


class Tape(list[str]):
    """What was called, in order."""


class ScriptedEmulators:
    """Plays random events. Frames are numbered: emulator e's at time t is t * E + e."""

    def __init__(self, num_envs: int, tape: Tape, seed: int = 0) -> None:
        self.num_envs, self.tape = num_envs, tape
        self.num_actions = ACTIONS
        self.actions: list[list[int]] = []
        self.events: list[list[Event]] = []
        self.frames: list[Frame] = []
        self.seeds: list[int] = []
        self._random = np.random.default_rng(seed)
        self._over = [False] * num_envs

    @property
    def newest(self) -> int:
        """Number of the last frame handed out."""
        return len(self.frames) * self.num_envs - 1

    def reset(
        self, seeds: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_] | None = None
    ) -> Frame:
        assert mask is None, "keyframes have tests of their own"
        self.seeds = seeds.tolist()
        return self._next_frames()

    def send(self, actions: npt.NDArray[np.int64]) -> None:
        self.tape.append("send")
        assert actions.dtype == np.int64
        self.actions.append(actions.tolist())

    def recv(self) -> Step:
        self.tape.append("recv")
        drawn = [EVENTS[i] for i in self._random.integers(len(EVENTS), size=self.num_envs)]
        pairs = zip(drawn, self._over, strict=True)
        events = [Event.RESET if over else event for event, over in pairs]
        self._over = [event.episode_over for event in events]
        self.events.append(events)
        return Step(
            frames=self._next_frames(),
            rewards=np.array(self.rewards(len(self.events) - 1), np.int32),
            terminated=np.array([event is Event.GAME_OVER for event in events]),
            truncated=np.array([event.cut_off for event in events]),
            life_lost=np.array([event in (Event.LIFE_LOST, Event.GAME_OVER) for event in events]),
            first=np.array([event is Event.RESET for event in events]),
        )

    def rewards(self, time: int) -> list[int]:
        """Raw scores, far from [-1, 1]."""
        return [
            0 if event is Event.RESET else 100 * time + env
            for env, event in enumerate(self.events[time])
        ]

    def _next_frames(self) -> Frame:
        start = len(self.frames) * self.num_envs
        self.frames.append(np.stack([frame(start + env) for env in range(self.num_envs)]))
        return self.frames[-1]


class TapedLearner:
    """Prefers the action that the newest frame's number says; learns nothing."""

    device = torch.device("cpu")

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.batches: list[Batch] = []
        self.copied_after: list[int] = []

    def q_values(self, states: Tensor) -> Tensor:
        self.tape.append("act")
        best = [(number_of(state[-1]) or 0) % ACTIONS for state in states]
        return torch.nn.functional.one_hot(torch.tensor(best), ACTIONS).float()

    def update(self, batch: Batch, updates: int) -> None:
        self.tape.extend(["update"] * updates)
        self.batches.extend(batch.split(updates))

    def copy_to_target(self) -> None:
        self.tape.append("copy")
        self.copied_after.append(len(self.batches))


class TapedRing(Ring):
    """A ring that writes down when it is added to and sampled from."""

    tape: Tape

    def add(self, *args: Any, **kwargs: Any) -> None:
        self.tape.append("add")
        super().add(*args, **kwargs)

    def sample(self, *args: Any, **kwargs: Any) -> Batch:
        self.tape.append("sample")
        return super().sample(*args, **kwargs)


def begun(
    config: RunConfig,
    emulators: Emulators,
    ring: Ring,
    learner: Learner,
    counters: Counters,
    launcher: Launcher = one_by_one,
) -> Iterator[Turn]:
    """The training loop at the beginning of a run."""
    stream = Stream(emulators, config.seed, counters.steps, config.keyframe_period)
    random_streams = RandomStreams.seeded(config.seed, counters.steps, learner.device, ring.device)
    ring.start(torch.from_numpy(stream.begin()))
    yield from training(config, Session(counters, stream, random_streams), ring, learner, launcher)


class Rehearsal:
    """One run of `training` with stand-ins."""

    def __init__(self, counters: Counters | None = None, **settings: Any) -> None:
        default = {"num_envs": 3, "warmup": 40, "replay_size": 300, "batch_size": 4}
        self.config = unflatten(default | settings)
        num_envs = self.config.emulators.num_envs
        self.tape = Tape()
        self.emulators = ScriptedEmulators(num_envs, self.tape)
        self.learner = TapedLearner(self.tape)
        self.ring = TapedRing(self.config.replay_rows, num_envs)
        self.ring.tape = self.tape
        self.counters = counters or Counters(learn_from=self.config.warmup)
        self.steps = begun(
            self.config,
            cast(Emulators, self.emulators),
            self.ring,
            cast(Learner, self.learner),
            self.counters,
        )

    def run(self, rows: int) -> Rehearsal:
        for _ in islice(self.steps, rows):
            pass
        return self

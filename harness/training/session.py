"""What a run is made of, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from agent.execution import Execution, ExecutionName, resolve_execution
from agent.learner import Learner
from agent.networks import INPUT_SHAPE
from envs.action_log import Turns
from envs.emulators import SEEDS, Emulators
from envs.stream import Stream, Turn
from harness.run.config import RunConfig
from harness.run.hardware import Arrangement, arrange
from harness.run.state import Counters, Draws, Position, made_with
from harness.training.random_states import random_states
from replay.ring import Ring

SCALE_STATES = 128
"""States of random play on which the scales of layers are matched (count)."""


class Parts(NamedTuple):
    """What a run is made of."""

    emulators: Emulators
    ring: Ring
    learner: Learner
    execution: Execution
    arrangement: Arrangement


def assemble(
    config: RunConfig,
    device: torch.device,
    replay_device: torch.device,
    execution_name: ExecutionName = "auto",
    shards: int | None = None,
) -> Parts:
    """Emulators, replay memory and learner of a config; writes nothing. `shards` is how many
    cores shared an update when the run began, where that is known."""
    execution = resolve_execution(execution_name, device, replay_device)
    torch.manual_seed(config.seed)
    num_envs = config.emulators.num_envs
    arrangement = arrange(device, num_envs)
    emulators = Emulators(config.emulators, arrangement.emulator_threads)
    learner = Learner(
        config.learner,
        emulators.num_actions,
        device,
        shards or arrangement.shards,
        compiled=execution.name == "compile",
    )
    if execution.name == "compile":  # where that fails nothing is written yet
        learner.q_values(torch.zeros((num_envs, *INPUT_SHAPE), dtype=torch.uint8, device=device))
    ring = Ring(config.replay_rows, num_envs, replay_device)
    # A network that cannot be split has the last word.
    arrangement = arrangement._replace(shards=learner.shards)
    return Parts(emulators, ring, learner, execution, arrangement)


@dataclass(frozen=True)
class Course:
    """A run on its way: the ring holds the latest frames of its emulators."""

    counters: Counters
    stream: Stream
    draws: Draws
    since: Position | None = None
    """Where it stood in the checkpoint from which it goes on."""
    tail: Turns | None = None
    """The turns then since the last whole chunk of its action log."""
    exact: bool = True
    """Whether it goes on as it was, with the same action log, or begins another."""

    @property
    def evaluation_waits(self) -> bool:
        """Whether an evaluation that was due at these steps was not played."""
        return self.since is not None and not self.since.evaluated


def decided_by(config: RunConfig, parts: Parts) -> dict[str, str]:
    """What decides the numbers of a run with these parts, beside its settings."""
    return made_with(config, parts.learner, parts.ring.device, parts.execution.name)


def begin(
    config: RunConfig, parts: Parts, since: Position | None = None, tail: Turns | None = None
) -> Course:
    """The beginning of a run, or a new one with an empty memory, from where it stood."""
    counters = Counters(learn_from=config.warmup)
    if config.learner.scale_match and not since:
        seen = random_states(config.emulators, config.seed % SEEDS, SCALE_STATES)
        parts.learner.match_scales(seen)
    if since:
        steps = since.counters.steps
        before = since.counters.before
        counters = Counters(steps, since.counters.updates, steps + config.warmup, before=before)
    stream, draws = prepare(config, parts, counters.steps)
    parts.ring.start(torch.from_numpy(stream.begin()))
    return Course(counters, stream, draws, since, tail, exact=False)


def prepare(config: RunConfig, parts: Parts, start: int) -> tuple[Stream, Draws]:
    """Emulators and random numbers of a run whose rows are counted from `start` steps."""
    stream = Stream(parts.emulators, config.seed, start, config.keyframe_period)
    return stream, Draws.seeded(config.seed, start, parts.learner.device, parts.ring.device)


def store(config: RunConfig, ring: Ring, turn: Turn, actions: Tensor | None = None) -> None:
    """Put a turn into the replay memory; `actions` [E] where they are on its device already."""
    step = turn.step
    ring.add(
        torch.from_numpy(turn.actions) if actions is None else actions,
        torch.from_numpy(step.rewards),
        terminal=torch.from_numpy(step.terminated | (step.life_lost & config.life_loss_ends)),
        void=torch.from_numpy(step.first | step.truncated),
        frames=torch.from_numpy(step.frames),
        first=torch.from_numpy(step.first),
    )

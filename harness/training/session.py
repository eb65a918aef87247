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
from harness.run.hardware import CoreAllocation, allocate_cores
from harness.run.state import Counters, RandomStreams, RunState, numeric_environment
from harness.training.random_states import random_states
from replay.ring import Ring

SCALE_STATES = 128
"""States of random play on which the scales of layers are matched (count)."""


class Components(NamedTuple):
    """What a run is made of."""

    emulators: Emulators
    ring: Ring
    learner: Learner
    execution: Execution
    allocation: CoreAllocation


def assemble(
    config: RunConfig,
    device: torch.device,
    replay_device: torch.device,
    execution_name: ExecutionName = "auto",
    shards: int | None = None,
) -> Components:
    """Emulators, replay memory and learner of a config; writes nothing. `shards` is how many
    cores shared an update when the run began, where that is known."""
    execution = resolve_execution(execution_name, device, replay_device)
    torch.manual_seed(config.seed)
    num_envs = config.emulators.num_envs
    allocation = allocate_cores(device, num_envs)
    emulators = Emulators(config.emulators, allocation.emulator_threads)
    learner = Learner(
        config.learner,
        emulators.num_actions,
        device,
        shards or allocation.shards,
        compiled=execution.name == "compile",
    )
    if execution.name == "compile":  # where that fails nothing is written yet
        learner.q_values(torch.zeros((num_envs, *INPUT_SHAPE), dtype=torch.uint8, device=device))
    ring = Ring(config.replay_rows, num_envs, replay_device)
    # A network that cannot be split has the last word.
    allocation = allocation._replace(shards=learner.shards)
    return Components(emulators, ring, learner, execution, allocation)


@dataclass(frozen=True)
class Session:
    """A run on its way: the ring holds the latest frames of its emulators."""

    counters: Counters
    stream: Stream
    random_streams: RandomStreams
    since: RunState | None = None
    """Where it stood in the checkpoint from which it goes on."""
    tail: Turns | None = None
    """The turns then since the last whole chunk of its action log."""
    exact: bool = True
    """Whether it goes on as it was, with the same action log, or begins another."""

    @property
    def evaluation_waits(self) -> bool:
        """Whether an evaluation that was due at these steps was not played."""
        return self.since is not None and not self.since.evaluated


def run_environment(config: RunConfig, components: Components) -> dict[str, str]:
    """What decides the numbers of a run with these parts, beside its settings."""
    return numeric_environment(
        config, components.learner, components.ring.device, components.execution.name
    )


def begin(
    config: RunConfig,
    components: Components,
    since: RunState | None = None,
    tail: Turns | None = None,
) -> Session:
    """The beginning of a run, or a new one with an empty memory, from where it stood."""
    counters = Counters(learn_from=config.warmup)
    if config.learner.scale_match and not since:
        seen = random_states(config.emulators, config.seed % SEEDS, SCALE_STATES)
        components.learner.match_scales(seen)
    if since:
        steps = since.counters.steps
        before = since.counters.before
        counters = Counters(steps, since.counters.updates, steps + config.warmup, before=before)
    stream, random_streams = prepare(config, components, counters.steps)
    components.ring.start(torch.from_numpy(stream.begin()))
    return Session(counters, stream, random_streams, since, tail, exact=False)


def prepare(config: RunConfig, components: Components, start: int) -> tuple[Stream, RandomStreams]:
    """Emulators and random numbers of a run whose rows are counted from `start` steps."""
    stream = Stream(components.emulators, config.seed, start, config.keyframe_period)
    return stream, RandomStreams.seeded(
        config.seed, start, components.learner.device, components.ring.device
    )


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

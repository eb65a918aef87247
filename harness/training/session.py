"""The components of a run, and the beginning of a session."""

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
"""States of random play on which layers' scales are matched (count)."""


class Components(NamedTuple):
    """The components of a run."""

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
    """The components for a config; writes nothing. `shards` is how many cores shared an update when
    the run began, if that is known. Raises Unsupported, UnknownNetwork."""
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
    if execution.name == "compile":  # fails now rather than after files were written
        learner.q_values(torch.zeros((num_envs, *INPUT_SHAPE), dtype=torch.uint8, device=device))
    ring = Ring(config.replay_rows, num_envs, replay_device)
    # The learner uses one core for a network that cannot be split.
    allocation = allocation._replace(shards=learner.shards)
    return Components(emulators, ring, learner, execution, allocation)


@dataclass(frozen=True)
class Session:
    """The part of a run in this process. The ring holds the latest frames of its emulators."""

    counters: Counters
    stream: Stream
    random_streams: RandomStreams
    resumed_from: RunState | None = None
    """The run's state in the checkpoint from which it resumed; None for a new run."""
    tail: Turns | None = None
    """That checkpoint's turns since the last full chunk of the action log."""
    exact: bool = True
    """Whether it resumed exactly and continues the action log, or begins a new one."""

    @property
    def evaluation_pending(self) -> bool:
        """Whether the checkpoint was written before an evaluation that was due then."""
        return self.resumed_from is not None and not self.resumed_from.evaluated


def run_environment(config: RunConfig, components: Components) -> dict[str, str]:
    """What affects the numbers of a run besides its settings: versions, devices and the like."""
    return numeric_environment(
        config, components.learner, components.ring.device, components.execution.name
    )


def begin(
    config: RunConfig,
    components: Components,
    resumed_from: RunState | None = None,
    tail: Turns | None = None,
) -> Session:
    """A session with an empty replay memory: of a new run, or of one `resumed_from` a checkpoint
    whose `tail` of turns is still to be written."""
    counters = Counters(learn_from=config.warmup)
    if config.learner.scale_match and not resumed_from:
        states = random_states(config.emulators, config.seed % SEEDS, SCALE_STATES)
        components.learner.match_scales(states)
    if resumed_from:
        steps = resumed_from.counters.steps
        before = resumed_from.counters.before
        counters = Counters(
            steps, resumed_from.counters.updates, steps + config.warmup, before=before
        )
    stream, random_streams = prepare(config, components, counters.steps)
    components.ring.start(torch.from_numpy(stream.begin()))
    return Session(counters, stream, random_streams, resumed_from, tail, exact=False)


def prepare(config: RunConfig, components: Components, start: int) -> tuple[Stream, RandomStreams]:
    """Emulators and random streams of a run whose row 0 is at `start` steps."""
    stream = Stream(components.emulators, config.seed, start, config.keyframe_period)
    return stream, RandomStreams.seeded(
        config.seed, start, components.learner.device, components.ring.device
    )


def store(config: RunConfig, ring: Ring, turn: Turn, actions: Tensor | None = None) -> None:
    """Store a turn in the replay memory. `actions` [E] are the turn's, if they are on the memory's
    device already."""
    step = turn.step
    ring.add(
        torch.from_numpy(turn.actions) if actions is None else actions,
        torch.from_numpy(step.rewards),
        terminal=torch.from_numpy(step.terminated | (step.life_lost & config.life_loss_ends)),
        void=torch.from_numpy(step.first | step.truncated),
        frames=torch.from_numpy(step.frames),
        first=torch.from_numpy(step.first),
    )

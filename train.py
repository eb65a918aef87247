"""Train a DQN agent on an Atari game: `python train.py --help`.

Read from the top: `training` is the loop, `learn` its updates, `train` what is done around it
(figures, evaluations, checkpoints), `main` the command line.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.execution import Execution, ExecutionName, Launcher, one_by_one, resolve_execution
from agent.exploration import epsilon_at, epsilon_greedy
from agent.learner import Learner
from envs.emulators import Emulators, Step
from harness.commands.train import parse_command
from harness.config import RunConfig
from harness.cores import Arrangement, arrange
from harness.counters import Counters
from harness.device import pick_device
from harness.errors import run_cli
from harness.keeper import Keeper
from harness.reporting import NotFinite, Reporter
from harness.rundir import (
    Run,
    create_run_dir,
    default_run_dir,
    note_resume,
    refuse_another_run,
)
from harness.scoring import evaluation_episodes
from replay.placement import place_replay
from replay.ring import Ring


def training(
    config: RunConfig,
    emulators: Emulators,
    ring: Ring,
    learner: Learner,
    counters: Counters,
    launcher: Launcher = one_by_one,
) -> Iterator[Step]:
    """Act, learn, store, for ever; yields after each step of the emulators.

    At every yield (steps - learn_from) // update_period updates were made since the warm-up,
    whatever the number of emulators. Actions are sent first: the emulators run while the learner
    learns.
    """
    num_envs = config.emulators.num_envs
    seeds = np.random.SeedSequence([config.seed, counters.steps])
    first_env_seed, acting_seed, sampling_seed = (int(s) >> 2 for s in seeds.generate_state(3))
    acting = torch.Generator(learner.device).manual_seed(acting_seed)
    sampling = torch.Generator(ring.device).manual_seed(sampling_seed)
    epsilon = torch.zeros((), device=learner.device)

    def act() -> Tensor:
        states = ring.latest().to(learner.device)
        return epsilon_greedy(learner.q_values(states), epsilon, acting)

    def update(count: int) -> None:
        batch = ring.sample(count * config.learner.batch_size, config.learner.n_step, sampling)
        learner.update(batch.to(learner.device), count)

    act = launcher(act, acting)
    updates = cache(lambda count: launcher(partial(update, count), sampling))
    frames = emulators.reset(np.arange(first_env_seed, first_env_seed + num_envs))
    ring.start(torch.from_numpy(frames))
    while True:
        epsilon.fill_(epsilon_at(counters.steps, config.warmup, config.exploration))
        actions = act()
        emulators.send(actions.cpu().numpy())
        counters.advance(num_envs)
        learn(config, learner, counters, updates)
        step = emulators.recv()
        ring.add(
            actions,
            torch.from_numpy(step.rewards),
            terminal=torch.from_numpy(step.terminated | (step.life_lost & config.life_loss_ends)),
            void=torch.from_numpy(step.first | step.truncated),
            frames=torch.from_numpy(step.frames),
            first=torch.from_numpy(step.first),
        )
        yield step


def learn(
    config: RunConfig,
    learner: Learner,
    counters: Counters,
    updates: Callable[[int], Callable[[], None]],
) -> None:
    """The updates that are due, as many together as no target copy parts; updates(count) makes
    `count` of them."""
    while counters.owed >= config.update_period:
        before_copy = counters.updates_before_copy(config.update_period, config.target_period)
        count = min(counters.owed // config.update_period, before_copy)
        updates(count)()
        counters.owed -= count * config.update_period
        counters.updates += count
        if count == before_copy:
            learner.copy_to_target()


class StopSignal:
    """Ctrl-C or SIGTERM: the loop ends at its next step. A second one ends it at once."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._receive)

    def _receive(self, number: int, _: object) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)


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
) -> Parts:
    """Emulators, replay memory and learner of a config; writes nothing."""
    execution = resolve_execution(execution_name, device, replay_device)
    torch.manual_seed(config.seed)
    num_envs = config.emulators.num_envs
    arrangement = arrange(device, num_envs)
    emulators = Emulators(config.emulators, arrangement.emulator_threads)
    learner = Learner(
        config.learner,
        emulators.num_actions,
        device,
        arrangement.shards,
        compiled=execution.name == "compile",
    )
    ring = Ring(config.replay_rows, num_envs, replay_device)
    # A network that cannot be split has the last word.
    arrangement = arrangement._replace(shards=learner.shards)
    return Parts(emulators, ring, learner, execution, arrangement)


def train(run_dir: Path, run: Run, parts: Parts, *, resume: bool) -> int:
    """Train in a run folder until its steps are done or a signal comes; the exit code."""
    config, learner, ring = run.config, parts.learner, parts.ring
    keeper = Keeper(run_dir, config)
    if resume:
        refuse_another_run(run_dir, run)
        counters = keeper.restore(learner)
        note_resume(run_dir, run, learner.device, parts.arrangement)
    else:
        counters = Counters(learn_from=config.warmup)
        create_run_dir(run_dir, run, learner.device, parts.arrangement)
    stop = StopSignal()
    gc.freeze()  # what is there by now stays: no search for garbage among it
    with closing(Reporter(run_dir, run, counters)) as reporter:
        how = f"{learner.precision}, {parts.execution.name}"
        reporter.say(f"run folder: {run_dir}\nlearning on {learner.device} in {how}")
        launcher = parts.execution.launcher
        for step in training(config, parts.emulators, ring, learner, counters, launcher):
            epsilon = epsilon_at(counters.steps, config.warmup, config.exploration)
            reporter.step(step, counters, epsilon)
            over = stop.received is not None or counters.steps >= config.steps
            checkpoint_due = over or counters.passed(config.eval_every)
            if checkpoint_due or counters.passed(config.log_every):
                reporter.learner(learner, counters, epsilon, len(ring))
            if checkpoint_due:
                keeper.save_last(learner, counters)
            if checkpoint_due and not stop.received:
                reporter.evaluating(config.eval_episodes, counters)
                games = evaluation_episodes(learner, config)
                reporter.evaluation(games, counters)
                keeper.save_evaluated(games, learner, counters)
            if over:
                break
        reporter.say(ending(run_dir, config, counters, stop, reporter.clock()))
    return 128 + stop.received if stop.received else 0


def ending(
    run_dir: Path, config: RunConfig, counters: Counters, stop: StopSignal, clock: str
) -> str:
    """The last lines of a run: what was done, and how to go on."""
    done = f"{counters.steps:,} steps and {counters.updates:,} updates in {clock}"
    if stop.received:
        return (
            f"stopped by {stop.received.name} after {done}; checkpoint written\n"
            f"go on with: python train.py --resume {run_dir}"
        )
    return (
        f"finished: {done}\n"
        f"score it:  python evaluate.py score {run_dir}\n"
        f"train on:  python train.py --resume {run_dir} --steps {2 * config.steps}"
    )


def main() -> int:
    """The command line; what goes wrong becomes one line and an exit code."""
    command = parse_command(sys.argv[1:])
    device = pick_device(command.device)
    run = Run(command.preset, command.config)
    replay_device, placement = place_replay(run.config.replay_slots, device)
    parts = assemble(run.config, device, replay_device, command.execution)
    run_dir = command.resume or command.run_dir or default_run_dir(run)
    print(placement, parts.arrangement, sep="\n")
    try:
        return train(run_dir, run, parts, resume=command.resume is not None)
    except NotFinite as error:
        last = run_dir / "last"
        kept = f"the checkpoint before it is in {last}" if last.is_dir() else "no checkpoint yet"
        remedy = "try a lower --learning-rate, or --max-grad-norm 10"
        print(f"error: {error}; {kept}: {remedy}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    run_cli(main)

"""Train a DQN agent on an Atari game: `python train.py --help`.

Read from the top. `training` is the loop: act, learn, store. `train` surrounds it with evaluations,
metrics and checkpoints. `main` handles the command line. What they use:

- harness/commands/train.py: the options
- harness/training/session.py: assembles and begins a run; resume.py continues one
- harness/training/updates.py: the updates that are due
- harness/training/run_writer.py: metrics, action log and checkpoints on disk
- harness/evaluation/scoring.py: the evaluation games
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, redirect_stdout, suppress
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    from harness.process.signals import end_at_once

    end_at_once()  # the imports take seconds: Ctrl-C during these prints one line, too

import torch
from torch import Tensor

from agent.execution import Launcher, compiling, one_by_one
from agent.exploration import epsilon_at, epsilon_greedy
from agent.learner import Learner
from agent.networks import is_user_network
from envs.stream import Turn
from harness.cli.program import run_cli
from harness.commands.train import TrainCommand, check_run_dir_file, notes, origin_of, parse_command
from harness.console import say, say_error
from harness.evaluation.origin import Weights, first_weights
from harness.evaluation.play import Policy
from harness.evaluation.scoring import evaluation_episodes
from harness.files.lock import writing
from harness.files.outputs import check_folder
from harness.metrics.reporter import NotFinite
from harness.process.signals import Interrupted, interrupt, received_by
from harness.process.streams import never_wait_long
from harness.run.config import RunConfig
from harness.run.folder import (
    Run,
    check_new,
    create_run_dir,
    has_begun,
    new_run_dir,
    note_resume,
    refuse_another_run,
)
from harness.run.hardware import be_deterministic, pick_device
from harness.run.state import Counters
from harness.text import shell_line
from harness.training.resume import Checkpoint, newest_checkpoint, resume, shards_of
from harness.training.run_writer import RunWriter
from harness.training.session import Components, Session, assemble, begin, store
from harness.training.updates import due_updates
from replay.placement import place_replay
from replay.ring import Ring


def training(
    config: RunConfig,
    session: Session,
    ring: Ring,
    learner: Learner,
    launcher: Launcher = one_by_one,
) -> Iterator[Turn]:
    """Act, learn, store, forever; yields after each turn of the emulators. The ring must hold their
    latest frames.

    Actions are sent before the updates, so the emulators run while the learner learns.
    """
    counters, stream, random_streams = session.counters, session.stream, session.random_streams
    epsilon = torch.zeros((), device=learner.device)

    def act() -> Tensor:
        states = ring.latest().to(learner.device)
        return epsilon_greedy(learner.q_values(states), epsilon, random_streams.acting)

    act = launcher(act, random_streams.acting)
    learn = due_updates(config, session, ring, learner, launcher)
    while True:
        epsilon.fill_(epsilon_at(counters.steps, config.warmup, config.exploration))
        actions = act()
        stream.send(actions.cpu().numpy())
        counters.advance(stream.num_envs)
        learn()
        turn = stream.recv()
        store(config, ring, turn, actions)
        yield turn


class Stopped(Exception):
    """A signal came during an evaluation. A resume plays its games again."""


class StopSignal:
    """A signal such as Ctrl-C or SIGTERM ends the loop after its current step. A second one ends
    the program at once."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def __call__(self, number: int) -> None:
        """Receive a signal. Raises Interrupted for the second one."""
        if self.received:
            raise Interrupted(number)
        self.received = signal.Signals(number)

    def watch(self, policy: Policy) -> Policy:
        """The same policy, except that it raises Stopped after a signal."""

        def watched(states: Tensor) -> Tensor:
            if self.received:
                raise Stopped
            return policy(states)

        return watched


def train(
    command: TrainCommand,
    run_dir: Path,
    run: Run,
    components: Components,
    checkpoint: Checkpoint | None,
    weights: Weights | None = None,
) -> int:
    """Train in a run folder until all steps are done or a signal comes. Returns the exit code.

    `checkpoint` is where to resume. `weights` are those of the run's origin if they were read
    already. Raises UserError when the run cannot go on, NotFinite when the learner diverges.
    """
    config, learner = run.config, components.learner
    if command.run_dir_file:
        command.run_dir_file.write_bytes(os.fsencode(f"{run_dir}\n"))
    if checkpoint:
        session = resume(run_dir, config, components, checkpoint, anyway=command.resume_anyway)
        note_resume(run_dir, run, learner.device, components.allocation)
    else:
        if run.origin:
            components.learner.load_weights(weights or first_weights(run.origin))
        resumed = command.resume is not None
        create_run_dir(run_dir, run, learner.device, components.allocation, again=resumed)
        session = begin(config, components)
    counters = session.counters
    stop = StopSignal()
    gc.freeze()  # no search for garbage among objects that stay
    with (
        received_by(stop),
        closing(
            RunWriter(run_dir, run, components, session, command.checkpoint_interval)
        ) as writer,
    ):
        arithmetic = f"{learner.precision}, {components.execution.name}"
        writer.reporter.say(f"run folder: {run_dir}\nlearning on {learner.device} in {arithmetic}")
        policy = stop.watch(learner.q_values)
        evaluate = partial(evaluation_episodes, policy, learner.device, config)
        writer.begin()
        with suppress(Stopped):
            if session.evaluation_pending and evaluation_due(config, counters):
                writer.evaluation(evaluate)
            launcher = components.execution.launcher
            turns = training(config, session, components.ring, learner, launcher)
            while counters.steps < config.steps and not stop.received:
                turn = next(turns)
                epsilon = epsilon_at(counters.steps, config.warmup, config.exploration)
                writer.turn(turn, epsilon)
                due = evaluation_due(config, counters)
                if due or counters.passed(config.log_every):
                    writer.learner(epsilon, len(components.ring))
                if due:
                    writer.evaluation(evaluate)
                else:
                    writer.save_if_due()
        if stop.received:
            writer.save()
        if not writer.finish(lambda: stop.received is not None):
            writer.reporter.warn(f"error: the last checkpoint could not be written to {run_dir}")
            return 1
        finished = counters.steps >= config.steps and writer.evaluated
    writer.reporter.say(
        ending(run_dir, config, counters, writer.reporter.clock(), finished=finished)
    )
    return 128 + stop.received if stop.received and not finished else 0


def evaluation_due(config: RunConfig, counters: Counters) -> bool:
    """Whether an evaluation is due at these steps."""
    return counters.passed(config.eval_every) or counters.steps >= config.steps


def ending(
    run_dir: Path, config: RunConfig, counters: Counters, clock: str, *, finished: bool
) -> str:
    """The last lines of a run's output: what was done, and how to continue."""
    work = f"{counters.steps:,} steps and {counters.updates:,} updates in {clock}"
    network, doubled = config.learner.network, 2 * config.steps
    # A user's network class runs only when the command names it.
    option = ("--network", network) if is_user_network(network) else ()
    if not finished:
        return (
            f"stopped after {work}; checkpoint written\n"
            f"go on with: {shell_line('train.py', '--resume', run_dir, *option)}"
        )
    return (
        f"finished: {work}\n"
        f"score it:  {shell_line('evaluate.py', 'score', run_dir, *option)}\n"
        f"train on:  {shell_line('train.py', '--resume', run_dir, '--steps', doubled, *option)}"
    )


def main() -> int:
    """Run the command line; returns the exit code. Raises UserError for what a user can fix."""
    command = parse_command(sys.argv[1:])
    never_wait_long()
    if command.deterministic:
        be_deterministic()
    device = pick_device(command.device)
    origin, weights = origin_of(command)
    run = Run(command.preset, command.config, origin)
    replay_device, placement = place_replay(run.config.replay_slots, device)
    if command.run_dir_file:
        check_run_dir_file(command.run_dir_file)
    if command.run_dir:
        check_new(command.run_dir)
        check_folder(command.run_dir, own=("config.json",), option="--run-dir")
    with ExitStack() as stack:
        stack.enter_context(received_by(interrupt))
        if command.execution == "compile":
            stack.enter_context(compiling())
        if command.quiet:
            devnull = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(redirect_stdout(devnull))
        checkpoint, run_dir = None, command.resume
        if run_dir:
            stack.enter_context(writing(run_dir))
            refuse_another_run(run_dir, run)
            # A run that died before its first checkpoint begins again.
            checkpoint = newest_checkpoint(run_dir) if has_begun(run_dir) else None
        shards = shards_of(checkpoint, device) if checkpoint else None
        components = assemble(run.config, device, replay_device, command.execution, shards)
        if not run_dir:
            run_dir = command.run_dir or new_run_dir(run)
            stack.enter_context(writing(run_dir))
        say(placement, components.allocation, *notes(sys.argv[1:], command, run))
        try:
            return train(command, run_dir, run, components, checkpoint, weights)
        except NotFinite as error:
            last = run_dir / "last"
            saved = (
                f"the checkpoint before it is in {last}" if last.is_dir() else "no checkpoint yet"
            )
            remedy = "try a lower --learning-rate, or --max-grad-norm 10"
            say_error(f"error: {error}; {saved}: {remedy}")
            return 1


if __name__ == "__main__":
    run_cli(main)

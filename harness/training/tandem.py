"""Passive learning: a network learns from the transitions of another network's run, and never acts.

    python -m harness.training.tandem TEACHER_RUN --network NETWORK --run-dir DIR

The method is of Ostrovski, Castro & Dabney, "The difficulty of passive learning in deep
reinforcement learning" (2021). A difference between networks that remains when both see the same
data is not due to exploration. As in the paper, the passive network makes the same updates from the
same batches in the same order, and begins with weights of its own. The data are simulated from the
teacher's action log. An interrupted run begins again, with the same result.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro

from agent.learner import Learner
from envs.action_log import BadLog, Turns
from envs.stream import LogMismatch
from harness.cli.parser import parse
from harness.cli.program import run_cli
from harness.console import say_error
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.files.journal import Journals
from harness.files.lock import writing
from harness.metrics.log import MetricLog
from harness.metrics.reporter import NotFinite
from harness.process.signals import end_at_once
from harness.run.checkpoint import CheckpointState, save_checkpoint
from harness.run.config import RunConfig, flatten
from harness.run.folder import Run, create_run_dir, has_begun, read_run
from harness.run.hardware import DeviceName, pick_device
from harness.run.state import Counters
from harness.training.resume import Checkpoint, newest_checkpoint, shards_of, turns_until
from harness.training.session import Components, Session, assemble, begin, store
from harness.training.updates import due_updates
from replay.placement import place_replay

TANDEM_FILE = "tandem.json"
"""File that marks a passive run: its teacher, and the seed of its initial weights."""


def initial_seed(seed: int) -> int:
    """Seed of the passive network's initial weights, for a teacher's run with this seed."""
    return int(np.random.SeedSequence([seed, 2021]).generate_state(1)[0])


def passive_training(
    config: RunConfig,
    session: Session,
    components: Components,
    blocks: list[tuple[int, Turns]],
    rows: int,
) -> Iterator[Counters]:
    """Learn from `rows` turns of the teacher's run; yields after each turn. `config` has the
    settings of that run, except for the network. Raises LogMismatch.

    Updates, batches and target copies come at the same turns as for the teacher (see `training` in
    train.py).
    """
    ring, counters = components.ring, session.counters
    learn = due_updates(config, session, ring, components.learner, components.execution.launcher)
    for _, frames, turn in session.stream.follow(blocks, rows, 0):
        if turn is None:
            ring.start(torch.from_numpy(frames))
            continue
        counters.advance(session.stream.num_envs)
        learn()
        store(config, ring, turn)
        yield counters


@dataclass(frozen=True)
class TandemCommand:
    """Let a network learn passively from the transitions of a finished run."""

    teacher: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of the run whose network acted."""
    network: str
    """Network that learns."""
    run_dir: Path
    """Folder of the passive run."""
    scale_match: bool = True
    """Match the scale of the start as in the teacher's run."""
    device: DeviceName = "auto"
    """Where the networks run."""

    def run(self) -> int:
        """Learn to the end of the teacher's run, write the checkpoint; the exit code."""
        device = pick_device(self.device)
        teacher, checkpoint = read_run(self.teacher), newest_checkpoint(self.teacher)
        if checkpoint.run_state.start:
            raise UserError(f"{self.teacher} began anew on its way: its data are in several logs")
        learner = replace(
            teacher.config.learner, network=self.network, scale_match=self.scale_match
        )
        config = replace(teacher.config, learner=learner, steps=checkpoint.state.steps)
        with writing(self.run_dir):
            try:
                blocks = turns_until(self.teacher, teacher.config, checkpoint)
                _learn_all(self, Run(teacher.preset, config), checkpoint, blocks, device)
            except (BadLog, LogMismatch) as error:
                raise UserError(f"{self.teacher} cannot be played again: {error}") from None
            except NotFinite as error:
                say_error(f"error: {error}")
                return 1
        return 0


def _learn_all(
    command: TandemCommand,
    run: Run,
    checkpoint: Checkpoint,
    blocks: list[tuple[int, Turns]],
    device: torch.device,
) -> None:
    config, run_dir, seed = run.config, command.run_dir, initial_seed(run.config.seed)
    replay_device, _ = place_replay(config.replay_slots, device)
    # Only the initial weights have another seed than the teacher's run.
    seeded = replace(config, seed=seed)
    components = assemble(seeded, device, replay_device, shards=shards_of(checkpoint, device))
    _begin_folder(run_dir, run, components, device)
    write_json(run_dir / TANDEM_FILE, {"teacher": str(command.teacher), "initial_seed": seed})
    journals = Journals(run_dir)
    with closing(journals):
        metric_log = MetricLog(journals)
        rows = checkpoint.run_state.rows
        counters = Counters()
        for counters in passive_training(
            config, begin(config, components), components, blocks, rows
        ):
            if counters.passed(config.log_every):
                _write_metrics(metric_log, components.learner, counters)
                journals.flush()
        _write_metrics(metric_log, components.learner, counters)
        journals.flush()
    state = CheckpointState(
        flatten(config), components.learner.num_actions, counters.steps, counters.updates
    )
    save_checkpoint(run_dir / "last", components.learner.state(), state)


def _begin_folder(run_dir: Path, run: Run, components: Components, device: torch.device) -> None:
    """Create the run's folder, without the files of an earlier attempt. Raises UserError for the
    folder of another run."""
    if has_begun(run_dir) and not (run_dir / TANDEM_FILE).exists():
        raise UserError(f"{run_dir} holds a run that is not passive: choose another --run-dir")
    for name in ("last", "last.new", "last.old"):
        shutil.rmtree(run_dir / name, ignore_errors=True)
    (run_dir / "metrics.jsonl").unlink(missing_ok=True)
    create_run_dir(run_dir, run, device, components.allocation, again=True)


def _write_metrics(metric_log: MetricLog, learner: Learner, counters: Counters) -> None:
    """Write the learner's metrics since the last call. Raises NotFinite when one is not finite."""
    metrics = {f"learner/{name}": value for name, value in learner.metrics().items()}
    metric_log.write(counters.steps, metrics | {"learner/updates": counters.updates})
    if not all(np.isfinite(value) for value in metrics.values()):
        raise NotFinite(counters.steps)


def main() -> int:
    command = parse(
        TandemCommand, sys.argv[1:], "python -m harness.training.tandem", description=__doc__
    )
    return command.run()


if __name__ == "__main__":
    end_at_once()  # an interrupted run begins again anyway
    run_cli(main)

"""Going on with a run: which checkpoint, what differs from then, and the replay memory again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from agent.learner import below
from envs.action_log import CHUNK_ROWS, BadLog, LogFile, Turns
from envs.stream import LogMismatch, Stream, keyframes_before
from harness.console import Console, track, warn
from harness.errors import UserError
from harness.files.journal import Mark, rewind
from harness.metrics.tensorboard import EVENT_FILE_NAME
from harness.run.checkpoint import (
    CheckpointState,
    put_in_place,
    read_state,
    read_tensors,
    read_whole,
)
from harness.run.config import RunConfig, flatten
from harness.run.state import CREDIBLE_SHARDS, LOG_NAME, RunState
from harness.training.session import Components, Session, begin, prepare, run_environment, store
from replay.ring import Ring

FREE = {"steps", "eval_every", "eval_episodes", "eval_stuck_after", "log_every"}
"""Settings that may change on a resume: nothing that is learned depends on them."""
OF_THE_LOG = {"ale-py", "cartridge", "num_envs", "keyframe_period"}
"""What a log cannot be continued without, nor the replay memory be filled again from it."""


class Checkpoint(NamedTuple):
    """A whole checkpoint from which a run can go on."""

    folder: Path
    state: CheckpointState
    tensors: dict[str, Tensor]

    @property
    def position(self) -> RunState:
        assert self.state.position
        return self.state.position

    def tail(self) -> Turns:
        """The turns since the last whole chunk of the action log."""
        with _fitting(self.folder):
            return Turns(*(self.tensors[f"log.{name}"].numpy() for name in Turns._fields))


def newest_checkpoint(run_dir: Path) -> Checkpoint:
    """The newest checkpoint of a run that is whole; one that is not is told on standard error.

    Raises UserError when there is none.
    """
    found, problems = checkpoints(run_dir)
    if not found:
        why = f": {problems[0]}" if problems else " (no last/)"
        raise UserError(f"{run_dir} has no checkpoint to resume from{why}")
    newest = max(
        found, key=lambda checkpoint: (checkpoint.state.steps, checkpoint.position.evaluated)
    )
    if newest.folder.name == "last.old" and not (run_dir / "last").exists():
        problems.append(f"{run_dir / 'last'} is gone")
    if problems:
        problems.append(f"going on from {newest.folder} at {newest.state.steps:,} steps")
    for line in problems:
        warn(line)
    return newest


def checkpoints(run_dir: Path) -> tuple[list[Checkpoint], list[str]]:
    """The whole checkpoints of a run from which it can go on, and a line on each other one."""
    found, problems = [], []
    for name in ("last", "last.new", "last.old"):
        try:
            if (run_dir / name).is_dir():
                found.append(read_whole(run_dir / name, _checkpoint, find=Path))
        except UserError as error:
            # last.new/ is torn whenever the process died while it wrote.
            problems += [str(error)] if name != "last.new" else []
    return found, problems


def _checkpoint(folder: Path) -> Checkpoint:
    state = read_state(folder)
    position = state.position
    if position is None:
        raise UserError(f"{folder} is a checkpoint to play with, not to resume from")
    if not re.fullmatch(LOG_NAME, position.log):
        raise UserError(f"{folder} names an action log that cannot be: {position.log!r}")
    if not 0 < position.shards <= CREDIBLE_SHARDS:
        raise UserError(f"{folder} shares updates among {position.shards} cores, which cannot be")
    network = read_tensors(folder, "network", state)
    tensors = {f"online.{name}": tensor for name, tensor in network.items()}
    return Checkpoint(folder, state, tensors | read_tensors(folder, "learner", state))


def shards_of(checkpoint: Checkpoint, device: torch.device) -> int | None:
    """Cores that share the updates of a run that goes on; None where its device is another."""
    position = checkpoint.position
    return position.shards if position.made_with.get("device") == device.type else None


def differences(
    checkpoint: Checkpoint, config: RunConfig, made_with: dict[str, str]
) -> dict[str, str]:
    """What would make the run go on otherwise than it began: {name: "before, now after"}."""
    # A setting that the checkpoint does not know yet had its default.
    before = flatten(RunConfig()) | checkpoint.state.settings | checkpoint.position.made_with
    now = flatten(config) | made_with
    return {
        name: f"{before.get(name)}, now {value}"
        for name, value in now.items()
        if name not in FREE and before.get(name) != value
    }


def resume(
    run_dir: Path,
    config: RunConfig,
    components: Components,
    checkpoint: Checkpoint,
    *,
    anyway: bool,
) -> Session:
    """Go on from a checkpoint: exactly, or `anyway`.

    Raises UserError, with the run's folder untouched, when the run is over or would not go on
    as it was.
    """
    position = checkpoint.position
    changed = differences(checkpoint, config, run_environment(config, components))
    _check(config, position, changed, anyway)
    with _fitting(checkpoint.folder):
        components.learner.load_state(checkpoint.tensors)
    try:
        session = _exactly(run_dir, config, components, checkpoint, changed)
    except (BadLog, LogMismatch) as error:
        if not anyway:
            raise UserError(
                f"the replay memory cannot be filled again: {error}; --resume-anyway fills it "
                f"with {config.warmup:,} new steps"
            ) from None
        session = _with_empty_memory(config, components, checkpoint, str(error))
    journals, best = _cut_back(run_dir, checkpoint), position.best_score
    if best is not None and not (run_dir / "best").exists():
        warn(f"{run_dir / 'best'} is gone: the best agent from here on is kept instead")
        best = None
    return replace(session, since=replace(position, journals=journals, best_score=best))


@contextmanager
def _fitting(folder: Path) -> Iterator[None]:
    """Raise UserError where tensors of a checkpoint are missing or have other shapes."""
    try:
        yield
    except (RuntimeError, KeyError):
        raise UserError(f"{folder} does not fit the run's network and optimizer") from None


def _check(config: RunConfig, position: RunState, changed: dict[str, str], anyway: bool) -> None:
    """Raise UserError for a run that is over, or changed and not to go on `anyway`."""
    named = "; ".join(f"{name} was {values}" for name, values in changed.items())
    if changed and not anyway:
        raise UserError(
            f"the run would not go on as it began ({named}): --resume-anyway goes on all the same"
        )
    steps = position.counters.steps
    if steps >= config.steps and position.evaluated:
        raise UserError(f"the run has {steps:,} steps already: give --steps above that")
    if changed:
        warn(f"from here on the run is not what it would have been: {named}")


def _exactly(
    run_dir: Path,
    config: RunConfig,
    components: Components,
    checkpoint: Checkpoint,
    changed: dict[str, str],
) -> Session:
    """The course as it was. Raises BadLog or LogMismatch."""
    if hindrance := sorted(changed.keys() & OF_THE_LOG):
        raise BadLog(f"{', '.join(hindrance)} changed")
    position, blocks = checkpoint.position, turns_until(run_dir, config, checkpoint)
    stream, random_streams = prepare(config, components, position.start)
    refill(config, checkpoint, blocks, stream, components.ring)
    if not changed.keys() & {"device", "replay device"}:  # others draw other numbers
        with _fitting(checkpoint.folder):
            random_streams.load_state(below("random.", checkpoint.tensors))
    return Session(replace(position.counters), stream, random_streams, position, checkpoint.tail())


def _with_empty_memory(
    config: RunConfig, components: Components, checkpoint: Checkpoint, why: str
) -> Session:
    """A new beginning with the learner as it is."""
    steps = checkpoint.state.steps
    learn_from = steps + config.warmup
    if learn_from >= config.steps:
        raise UserError(
            f"the run has {steps:,} of {config.steps:,} steps and refills its replay memory for "
            f"{config.warmup:,}: give --steps above {learn_from}"
        )
    warn(f"the replay memory is lost and filled with {config.warmup:,} new steps: {why}")
    return begin(config, components, checkpoint.position, checkpoint.tail())


def turns_until(
    run_dir: Path, config: RunConfig, checkpoint: Checkpoint
) -> list[tuple[int, Turns]]:
    """Pairs of a first row and the turns from there that are left of the current log, up to the
    checkpoint's row. Raises BadLog."""
    position = checkpoint.position
    whole = position.rows // CHUNK_ROWS * CHUNK_ROWS
    try:
        log = LogFile(run_dir / position.log)
        if (log.header.protocol, log.header.start) != (config.emulators, position.start):
            raise BadLog(f"{log.path} is the log of another run")
        blocks = [(begin, turns) for begin, turns in log.chunks() if begin < whole]
    except OSError as error:
        raise BadLog(f"cannot read {run_dir / position.log}: {error.strerror}") from None
    return [*blocks, (whole, checkpoint.tail())]


def refill(
    config: RunConfig,
    checkpoint: Checkpoint,
    blocks: list[tuple[int, Turns]],
    stream: Stream,
    ring: Ring,
) -> None:
    """Play the run's last turns again, so that replay memory and emulators are what they were.

    Raises LogMismatch where the log does not lead there.
    """
    rows = checkpoint.position.rows
    oldest = max(0, rows + 1 - ring.rows)
    count = rows - int(keyframes_before(blocks, oldest, stream.num_envs).min())
    console = Console()
    console.print(f"replay memory: playing {count * stream.num_envs:,} steps again to fill it")
    turns = stream.follow(blocks, rows, oldest)
    for row, frames, turn in track(turns, "filling the replay memory", count + 1, console):
        if row == oldest:
            ring.start(torch.from_numpy(frames))
        elif row > oldest and turn:
            store(config, ring, turn)


def _cut_back(run_dir: Path, checkpoint: Checkpoint) -> dict[str, Mark]:
    """Make the run's folder what it was at the checkpoint: that one in its place, and files that
    grow end where they did. Where these end now. Raises UserError."""
    # In frames/ older runs have their scores over frames.
    names = rf"metrics\.jsonl|{LOG_NAME}|(frames/)?{EVENT_FILE_NAME}"
    files = [*run_dir.iterdir(), *run_dir.glob("frames/*")]
    ours = sorted(f for f in files if re.fullmatch(names, str(f.relative_to(run_dir))))
    try:
        put_in_place(checkpoint.folder, run_dir / "last")
        marks, problems = rewind(run_dir, ours, checkpoint.position.journals)
    except OSError as error:
        raise UserError(f"cannot go on in {run_dir}: {error}") from None
    for line in problems:
        warn(line)
    return marks

"""Resume a run: choose a checkpoint, compare settings, and fill the replay memory again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from agent.learner import without_prefix
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

CHANGEABLE = {"steps", "eval_every", "eval_episodes", "eval_stuck_after", "log_every"}
"""Settings that may change on a resume, because they do not affect learning."""
FIXED_BY_LOG = {"ale-py", "cartridge", "num_envs", "keyframe_period"}
"""If one of these changed, the run can neither continue its action log nor replay it."""


class Checkpoint(NamedTuple):
    """A complete checkpoint from which a run can resume."""

    folder: Path
    state: CheckpointState
    tensors: dict[str, Tensor]

    @property
    def run_state(self) -> RunState:
        """Where the run was, beside its tensors."""
        assert self.state.position
        return self.state.position

    def tail(self) -> Turns:
        """The turns since the last full chunk of the action log. Raises UserError when the
        checkpoint lacks them."""
        with _fitting(self.folder):
            return Turns(*(self.tensors[f"log.{name}"].numpy() for name in Turns._fields))


def newest_checkpoint(run_dir: Path) -> Checkpoint:
    """The newest complete checkpoint of a run. Warns on standard error about damaged ones.

    Raises UserError when there is none.
    """
    candidates, problems = checkpoints(run_dir)
    if not candidates:
        reason = f": {problems[0]}" if problems else " (no last/)"
        raise UserError(f"{run_dir} has no checkpoint to resume from{reason}")
    newest = max(
        candidates, key=lambda checkpoint: (checkpoint.state.steps, checkpoint.run_state.evaluated)
    )
    if newest.folder.name == "last.old" and not (run_dir / "last").exists():
        problems.append(f"{run_dir / 'last'} is gone")
    if problems:
        problems.append(f"going on from {newest.folder} at {newest.state.steps:,} steps")
    for line in problems:
        warn(line)
    return newest


def checkpoints(run_dir: Path) -> tuple[list[Checkpoint], list[str]]:
    """The complete checkpoints from which a run can resume, and a message for each damaged one."""
    complete, problems = [], []
    for name in ("last", "last.new", "last.old"):
        try:
            if (run_dir / name).is_dir():
                complete.append(read_whole(run_dir / name, _checkpoint, find=Path))
        except UserError as error:
            # last.new/ is incomplete whenever the process died while writing: no message for it.
            problems += [str(error)] if name != "last.new" else []
    return complete, problems


def _checkpoint(folder: Path) -> Checkpoint:
    state = read_state(folder)
    run_state = state.position
    if run_state is None:
        raise UserError(f"{folder} is a checkpoint to play with, not to resume from")
    if not re.fullmatch(LOG_NAME, run_state.log):
        raise UserError(f"{folder} names an impossible action log: {run_state.log!r}")
    if not 0 < run_state.shards <= CREDIBLE_SHARDS:
        raise UserError(f"{folder} names an impossible number of cores: {run_state.shards}")
    network = read_tensors(folder, "network", state)
    tensors = {f"online.{name}": tensor for name, tensor in network.items()}
    return Checkpoint(folder, state, tensors | read_tensors(folder, "learner", state))


def shards_of(checkpoint: Checkpoint, device: torch.device) -> int | None:
    """Cores that shared each update when the run began; None if `device` is of another type."""
    run_state = checkpoint.run_state
    return run_state.shards if run_state.made_with.get("device") == device.type else None


def differences(
    checkpoint: Checkpoint, config: RunConfig, made_with: dict[str, str]
) -> dict[str, str]:
    """Settings and environment that affect the run and differ now: {name: "before, now after"}."""
    # A setting that is newer than the checkpoint had its default.
    before = flatten(RunConfig()) | checkpoint.state.settings | checkpoint.run_state.made_with
    now = flatten(config) | made_with
    return {
        name: f"{before.get(name)}, now {value}"
        for name, value in now.items()
        if name not in CHANGEABLE and before.get(name) != value
    }


def resume(
    run_dir: Path,
    config: RunConfig,
    components: Components,
    checkpoint: Checkpoint,
    *,
    anyway: bool,
) -> Session:
    """Resume from a checkpoint, exactly as the run would have gone on. With `anyway`, resume also
    when settings differ or the action log is damaged.

    Raises UserError, and leaves the run's folder unchanged, when the run is finished, or when it
    would not go on exactly and `anyway` is false.
    """
    run_state = checkpoint.run_state
    changed = differences(checkpoint, config, run_environment(config, components))
    _check(config, run_state, changed, anyway)
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
    journals, best = _cut_back(run_dir, checkpoint), run_state.best_score
    if best is not None and not (run_dir / "best").exists():
        warn(f"{run_dir / 'best'} is gone: the best agent from here on is kept instead")
        best = None
    return replace(session, resumed_from=replace(run_state, journals=journals, best_score=best))


@contextmanager
def _fitting(folder: Path) -> Iterator[None]:
    """Raise UserError when tensors of a checkpoint are missing or have other shapes."""
    try:
        yield
    except (RuntimeError, KeyError):
        raise UserError(f"{folder} does not fit the run's network and optimizer") from None


def _check(config: RunConfig, run_state: RunState, changed: dict[str, str], anyway: bool) -> None:
    """Raise UserError for a finished run, and for a changed one unless `anyway`."""
    changes = "; ".join(f"{name} was {values}" for name, values in changed.items())
    if changed and not anyway:
        raise UserError(
            f"the run would not go on as it began ({changes}): --resume-anyway goes on all the same"
        )
    steps = run_state.counters.steps
    if steps >= config.steps and run_state.evaluated:
        raise UserError(f"the run has {steps:,} steps already: give --steps above that")
    if changed:
        warn(f"from here on the run is not what it would have been: {changes}")


def _exactly(
    run_dir: Path,
    config: RunConfig,
    components: Components,
    checkpoint: Checkpoint,
    changed: dict[str, str],
) -> Session:
    """The session as it was at the checkpoint. Raises BadLog or LogMismatch."""
    if unfit := sorted(changed.keys() & FIXED_BY_LOG):
        raise BadLog(f"{', '.join(unfit)} changed")
    run_state, blocks = checkpoint.run_state, turns_until(run_dir, config, checkpoint)
    stream, random_streams = prepare(config, components, run_state.start)
    refill(config, checkpoint, blocks, stream, components.ring)
    if not changed.keys() & {"device", "replay device"}:  # other devices draw other numbers
        with _fitting(checkpoint.folder):
            random_streams.load_state(without_prefix("random.", checkpoint.tensors))
    return Session(
        replace(run_state.counters), stream, random_streams, run_state, checkpoint.tail()
    )


def _with_empty_memory(
    config: RunConfig, components: Components, checkpoint: Checkpoint, why: str
) -> Session:
    """A session with the checkpoint's learner and an empty replay memory. Raises UserError when no
    steps are left after the warm-up."""
    steps = checkpoint.state.steps
    learn_from = steps + config.warmup
    if learn_from >= config.steps:
        raise UserError(
            f"the run has {steps:,} of {config.steps:,} steps and refills its replay memory for "
            f"{config.warmup:,}: give --steps above {learn_from}"
        )
    warn(f"the replay memory is lost and filled with {config.warmup:,} new steps: {why}")
    return begin(config, components, checkpoint.run_state, checkpoint.tail())


def turns_until(
    run_dir: Path, config: RunConfig, checkpoint: Checkpoint
) -> list[tuple[int, Turns]]:
    """The turns of the current log up to the checkpoint's row, as pairs of a first row and the
    turns from there; damaged chunks are left out. Raises BadLog."""
    run_state = checkpoint.run_state
    full_chunks = run_state.rows // CHUNK_ROWS * CHUNK_ROWS
    try:
        log = LogFile(run_dir / run_state.log)
        if (log.header.protocol, log.header.start) != (config.emulators, run_state.start):
            raise BadLog(f"{log.path} is the log of another run")
        blocks = [(begin, turns) for begin, turns in log.chunks() if begin < full_chunks]
    except OSError as error:
        raise BadLog(f"cannot read {run_dir / run_state.log}: {error.strerror}") from None
    return [*blocks, (full_chunks, checkpoint.tail())]


def refill(
    config: RunConfig,
    checkpoint: Checkpoint,
    blocks: list[tuple[int, Turns]],
    stream: Stream,
    ring: Ring,
) -> None:
    """Simulate the run's last turns again, so that replay memory and emulators are as they were.

    Raises LogMismatch when turns are missing or the emulators answer differently.
    """
    rows = checkpoint.run_state.rows
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
    """Make the run's folder as it was at the checkpoint: the checkpoint becomes last/, and growing
    files are cut to their length then. Returns where they end now. Raises UserError."""
    # Runs of older versions have scores over frames in frames/.
    names = rf"metrics\.jsonl|{LOG_NAME}|(frames/)?{EVENT_FILE_NAME}"
    files = [*run_dir.iterdir(), *run_dir.glob("frames/*")]
    growing = sorted(file for file in files if re.fullmatch(names, str(file.relative_to(run_dir))))
    try:
        put_in_place(checkpoint.folder, run_dir / "last")
        marks, problems = rewind(run_dir, growing, checkpoint.run_state.journals)
    except OSError as error:
        raise UserError(f"cannot go on in {run_dir}: {error}") from None
    for line in problems:
        warn(line)
    return marks

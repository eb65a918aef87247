"""The command line of train.py: a preset, settings that differ from it, and the run's folder."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast, get_args

import tyro

from agent.execution import ExecutionName
from envs.games import departs_from_id
from harness.cli.groups import grouped, values
from harness.cli.parser import option, parse, path
from harness.errors import UserError
from harness.evaluation.agents import refuse_foreign_code
from harness.evaluation.origin import Weights, find_origin
from harness.run.config import PresetName, RunConfig, flatten, unflatten
from harness.run.folder import Origin, Run, read_run
from harness.run.hardware import DeviceName
from harness.run.presets import PRESETS, decay_note

GROUPS = {
    "run": ("preset", "run_dir", "resume", "resume_anyway", "weights", "run_dir_file", "quiet"),
    "essentials": ("game", "network", "steps", "seed"),
    "DQN": (
        *("warmup", "update_period", "target_period", "replay_size", "batch_size", "gamma"),
        *("n_step", "double", "clip_rewards", "life_loss_ends", "loss", "optimizer"),
        *("learning_rate", "optimizer_epsilon", "max_grad_norm", "init", "scale_match"),
        *("epsilon_start", "epsilon_final", "epsilon_decay", "epsilon_decay_from"),
    ),
    "environment": (
        *("num_envs", "sticky_actions", "noop_max", "fire_on_reset", "full_action_space"),
        *("max_episode_frames", "keyframe_period"),
    ),
    "evaluation": ("eval_every", "eval_episodes", "eval_epsilon", "eval_stuck_after", "log_every"),
    "machine": ("device", "precision", "execution", "deterministic", "checkpoint_interval"),
}
"""The options as the help shows them."""


@dataclass(frozen=True)
class TrainCommand:
    """Train a DQN agent on an Atari game.

    Settings start from --preset (or, with --resume, from the run's own); options change them.
    Units: a step is one action of one emulator and lasts 4 frames.
    """

    preset: PresetName = "quick"
    """Settings to start from; every default below is the preset's."""
    device: DeviceName = "auto"
    """Where the networks run; auto takes CUDA, then MPS, then the CPU."""
    execution: ExecutionName = "auto"
    """How operations are launched: eager one by one, graph as recorded CUDA graphs, compile
    through torch.compile (slower than eager on a CPU); auto takes graph where the replay memory
    fits on a CUDA device, else eager."""
    run_dir: Annotated[
        Path | None, option("DIR", "checkpoints/<game>/<network>-<preset>-s<seed>-<time>")
    ] = None
    """Folder of the run."""
    resume: Annotated[Path | None, option("RUN", "a new run")] = None
    """Continue the run in this folder from its last checkpoint."""
    resume_anyway: bool = False
    """Continue even if something differs from when the run began, or its log is damaged."""
    weights: Annotated[
        Path | None, option("RUN_OR_CHECKPOINT", "weights are drawn", name="from")
    ] = None
    """Begin with the weights of a trained agent (a run's best/, else its last/), in the network and
    game it was trained in. Everything else is as in any new run."""
    run_dir_file: Annotated[Path | None, option("FILE", "no file")] = None
    """Write the name of the run's folder into this file, for scripts."""
    checkpoint_interval: float = 45.0
    """Time between two checkpoints; they change nothing about the run (seconds)."""
    deterministic: bool = False
    """On a CUDA device: the same numbers every time, at some cost. A CPU gives them anyway."""
    quiet: bool = False
    """Print warnings and errors only, on standard error."""
    config: RunConfig = PRESETS["quick"]


def parse_command(arguments: list[str]) -> TrainCommand:
    """The command in `arguments`. Its defaults depend on --preset and --resume, so these are parsed
    first. Raises UserError for impossible values, or for options that exclude each other."""
    early = _early_options(arguments)
    try:
        default = _starting_point(
            early.preset, path(early.resume) if early.resume else None, early.network
        )
        options = grouped(default, GROUPS)
        given = values(parse(options, arguments, "train.py", config=(tyro.conf.OmitArgPrefixes,)))
        config = unflatten({name: given.pop(name) for name in flatten(default.config)})
    except ValueError as error:
        raise UserError(error) from None
    command = TrainCommand(**given, config=config)
    if command.resume and command.weights:
        raise UserError("--resume goes on with a run's own weights: leave --from out")
    if command.resume and command.run_dir:
        raise UserError("--resume goes on in the run's own folder: leave --run-dir out")
    if command.resume_anyway and not command.resume:
        raise UserError("--resume-anyway needs --resume RUN")
    if not command.checkpoint_interval >= 0:  # nan, too
        raise UserError(
            f"--checkpoint-interval must be 0 or more seconds, not {command.checkpoint_interval:g}"
        )
    return command


def check_run_dir_file(file: Path) -> None:
    """Raise UserError for a file that cannot be written, or whose content is not the name of a
    run's folder."""
    try:
        with file.open("a+b") as stream:
            stream.seek(0)
            content = stream.read(1 << 16)
    except OSError as error:
        raise UserError(
            f"cannot write to {file}: {error.strerror or error}; choose another --run-dir-file"
        ) from None
    names_run = False
    with suppress(OSError):  # what is too long for a name is none
        names_run = (Path(os.fsdecode(content).strip("\n")) / "config.json").is_file()
    if content and not names_run:
        raise UserError(f"{file} holds something else: choose another --run-dir-file")


def origin_of(command: TrainCommand) -> tuple[Origin | None, Weights | None]:
    """The trained agent with whose weights the run begins or began, and for a new run the weights.
    Raises UserError when they do not fit."""
    if command.resume:
        return read_run(command.resume).origin, None
    return find_origin(command.weights, command.config) if command.weights else (None, None)


def notes(arguments: list[str], command: TrainCommand, run: Run) -> list[str]:
    """Notes on what a run with these arguments does and a user may not expect."""
    lines = []
    if run.origin:
        lines.append(
            f"begins with the weights of {run.origin.checkpoint}, trained for {run.origin.steps:,} "
            "steps; all else is as in a new run"
        )
    if not command.resume:
        typed_game = _early_options(arguments).game or ""
        lines.append(departs_from_id(typed_game, run.config.emulators.sticky_actions))
        lines.append(decay_note(run.config, run.preset))
    return [f"note: {line}" for line in lines if line]


def _early_options(arguments: list[str]) -> argparse.Namespace:
    """The options that are needed before all others, as they were typed."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--preset", "--resume", "--network", "--game"):
        finder.add_argument(name, nargs="?")  # a missing value is an error later
    return finder.parse_known_args(arguments)[0]


def _starting_point(preset: str | None, resume: Path | None, network: str | None) -> TrainCommand:
    if resume is not None:
        run = read_run(resume)
        if preset not in (None, run.preset):
            raise UserError(
                f"{resume} is a {run.preset} run: leave --preset out and change settings by name"
            )
        refuse_foreign_code(run.config.learner.network, network, resume)
        return TrainCommand(run.preset, resume=resume, config=run.config)
    name = cast(PresetName, preset if preset in get_args(PresetName) else "quick")
    return TrainCommand(name, config=PRESETS[name])

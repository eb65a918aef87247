"""The command line of train.py: a preset, what departs from it, and where the run goes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast, get_args

from agent.execution import ExecutionName
from harness.agents import refuse_foreign_code
from harness.command_line import parse
from harness.commands.options import option
from harness.config import Flat, PresetName, RunConfig, flatten, unflatten
from harness.device import DeviceName
from harness.errors import UserError
from harness.presets import PRESETS
from harness.rundir import read_run

ELSEWHERE = {
    "--total-timesteps": "--steps",
    "--env-id": "--game",
    "--env": "--game",
    "--n-envs": "--num-envs",
    "--learning-starts": "--warmup",
    "--buffer-size": "--replay-size",
    "--train-frequency": "--update-period",
    "--train-freq": "--update-period (steps of all emulators together)",
    "--target-network-frequency": "--target-period",
    "--target-update-interval": "--target-period",
    "--start-e": "--epsilon-start",
    "--end-e": "--epsilon-final",
    "--exploration-initial-eps": "--epsilon-start",
    "--exploration-final-eps": "--epsilon-final",
    "--exploration-fraction": "--epsilon-decay (in steps)",
    "--lr": "--learning-rate",
}
"""What CleanRL and Stable-Baselines3 call the same settings."""


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
    """Continue although something differs from when the run began, or its log is damaged."""
    checkpoint_interval: float = 45.0
    """Time between two checkpoints; they change nothing about the run (seconds)."""
    deterministic: bool = False
    """On a CUDA device: the same numbers every time, at some cost. A CPU gives them anyway."""
    quiet: bool = False
    """Print warnings and errors only, on standard error."""
    config: Annotated[RunConfig, Flat] = PRESETS["quick"]


def parse_command(arguments: list[str]) -> TrainCommand:
    """The command in `arguments`. Its defaults depend on two of its own options, so those are
    looked up first. Raises UserError for values that cannot be."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--preset", "--resume", "--network"):
        early.add_argument(name, nargs="?")  # without a value they are refused below
    found, _ = early.parse_known_args(arguments)
    try:
        default = _starting_point(
            found.preset, Path(found.resume) if found.resume else None, found.network
        )
        command = parse(TrainCommand, arguments, "train.py", ELSEWHERE, default=default)
        unflatten(flatten(command.config))  # refuses what a resume would
    except ValueError as error:
        raise UserError(error) from None
    if command.resume and command.run_dir:
        raise UserError("--resume goes on in the run's own folder: leave --run-dir out")
    if command.resume_anyway and not command.resume:
        raise UserError("--resume-anyway needs --resume RUN")
    if not command.checkpoint_interval >= 0:
        raise UserError("--checkpoint-interval must not be negative")
    return command


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

"""A run's folder and its config.json.

config.json      preset, every setting, departures from the preset, versions, machine
metrics.jsonl    the curves, an object a line
events.out.*     the same for TensorBoard
*.actions        the action log
episodes/        recorded evaluation episodes
best/  last/     checkpoints; last.old/ is the one before
lock             held by the process that writes here
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast, get_args

import torch

from envs.games import game_title
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.files.outputs import new_folder
from harness.run.config import PresetName, RunConfig, flatten, unflatten
from harness.run.hardware import CoreAllocation
from harness.run.places import hint_for
from harness.run.presets import PUBLISHED, departures
from harness.run.provenance import provenance
from harness.text import shell_line

FORMAT = 1
UNCHANGEABLE = (
    *("seed", "network", "init", "scale_match", "optimizer"),
    *("game", "sticky_actions", "noop_max", "fire_on_reset", "full_action_space"),
    "max_episode_frames",
)
"""Settings that would make it another run: what is learned, and under which protocol."""


@dataclass(frozen=True)
class Origin:
    """The trained agent with whose weights a run begins."""

    checkpoint: str
    """Absolute path of its folder."""
    steps: int
    """How long it was trained (agent steps)."""
    sha256: str
    """Of its network.safetensors."""


@dataclass(frozen=True)
class Run:
    """The content of config.json."""

    preset: PresetName
    config: RunConfig
    origin: Origin | None = None


def new_run_dir(run: Run) -> Path:
    """Make checkpoints/<game>/<network>-<preset>-s<seed>-<time>, with a number if another run has
    that name. Raises UserError if it cannot be made."""
    config = run.config
    network = config.learner.network.replace(":", ".")
    name = f"{network}-{run.preset}-s{config.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    return new_folder(Path("checkpoints") / game_title(config.emulators.game) / name)


def has_begun(run_dir: Path) -> bool:
    """Whether a folder holds anything of a run that could be lost."""
    metrics = run_dir / "metrics.jsonl"
    kept = any((run_dir / name).exists() for name in ("last", "last.old", "best"))
    return kept or (metrics.exists() and metrics.stat().st_size > 0)


def check_new(run_dir: Path, *, again: bool = False) -> None:
    """Raise UserError if a folder holds a run; with `again` it may hold one that died before its
    first checkpoint."""
    if has_begun(run_dir) or ((run_dir / "config.json").exists() and not again):
        raise UserError(
            f"{run_dir} already holds a run: choose another --run-dir, or continue it with "
            f"{shell_line('train.py', '--resume', run_dir)}"
        )


def create_run_dir(
    run_dir: Path,
    run: Run,
    device: torch.device,
    allocation: CoreAllocation,
    *,
    again: bool = False,
) -> None:
    """Make the folder and write config.json. Raises UserError as `check_new` does."""
    check_new(run_dir, again=again)
    _write_config(run_dir, _description(run, device, allocation) | {"resumed": []})


def refuse_another_run(run_dir: Path, run: Run) -> None:
    """Raise UserError if a changed setting would make the run in a folder another run."""
    before, now = flatten(read_run(run_dir).config), flatten(run.config)
    for name in UNCHANGEABLE:
        if before[name] != now[name]:
            option = "--" + name.replace("_", "-")
            raise UserError(
                f"a run's {option} cannot change ({before[name]} to {now[name]}): start a new run"
            )


def note_resume(run_dir: Path, run: Run, device: torch.device, allocation: CoreAllocation) -> None:
    """Note in config.json that a run was resumed, and with which settings."""
    before = _read_config(run_dir)
    history = before.pop("resumed")
    description = _description(run, device, allocation)
    _write_config(run_dir, description | {"resumed": [*history, before]})


def _write_config(run_dir: Path, content: dict[str, Any]) -> None:
    try:
        (run_dir / "episodes").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write to {run_dir} ({error.strerror}): choose another --run-dir"
        ) from None
    write_json(run_dir / "config.json", content)


def _read_config(run_dir: Path) -> dict[str, Any]:
    file = run_dir / "config.json"
    try:
        content = json.loads(file.read_text())
        if content["format"] > FORMAT:
            raise UserError(
                f"{file} has format {content['format']}, newer than this program's {FORMAT}: "
                "update unpooled"
            )
        if content["preset"] not in get_args(PresetName):
            raise ValueError(f"unknown preset {content['preset']!r}")
        if not isinstance(content["settings"], dict) or not isinstance(content["resumed"], list):
            raise ValueError("settings or resumed have the wrong form")
        return cast(dict[str, Any], content)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{run_dir} is not a run folder{hint_for(run_dir) or ': it has no config.json'}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{file} is not a run's config: {error}") from None


def read_run(run_dir: Path) -> Run:
    """The run in a folder. Raises UserError if config.json is missing, broken or too new."""
    content = _read_config(run_dir)
    try:
        origin = Origin(**content["from"]) if content.get("from") else None
        return Run(content["preset"], unflatten(content["settings"]), origin)
    except (ValueError, TypeError) as error:
        raise UserError(f"{run_dir / 'config.json'}: {error}") from None


def _description(run: Run, device: torch.device, allocation: CoreAllocation) -> dict[str, Any]:
    changed = departures(run.config, run.preset)
    return {
        "format": FORMAT,
        "preset": run.preset,
        "from": asdict(run.origin) if run.origin else None,
        "settings": flatten(run.config),
        "departures": {name: {"preset": a, "here": b} for name, (a, b) in changed.items()},
        **asdict(provenance(device, allocation)),
    }


def settings_lines(run: Run) -> list[str]:
    """A line a setting, `name value`, with the preset's or the published value if it differs."""
    changed = departures(run.config, run.preset)

    def line(name: str, value: Any) -> str:
        note = f" (preset {changed[name][0]})" if name in changed else ""
        if run.preset != "quick" and value != PUBLISHED.get(name, value):
            note += f" (published {PUBLISHED[name]})"
        return f"{name} {value}{note}"

    return [f"preset {run.preset}", *(line(n, v) for n, v in flatten(run.config).items())]

"""Checkpoints: tensors in safetensors, the rest in JSON. Nothing is ever unpickled.

last/network.safetensors    the online network: all that acting needs
last/learner.safetensors    target network, optimizer: what learning on needs beside it
last/state.json             counters, score, and the settings, so that the folder stands alone
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.errors import UserError

FORMAT = 1


@dataclass(frozen=True)
class CheckpointState:
    """What a checkpoint says of itself."""

    settings: dict[str, Any]
    """Every setting of the run by name."""
    num_actions: int
    steps: int
    updates: int
    score: float | None = None
    """Mean return of the evaluation it was written after, if any."""

    def __post_init__(self) -> None:
        for name in ("num_actions", "steps", "updates"):
            if type(getattr(self, name)) is not int:
                raise TypeError(f"{name} must be a whole number, not {getattr(self, name)!r}")
        if not isinstance(self.score, int | float | None):
            raise TypeError(f"score must be a number, not {self.score!r}")


def save_checkpoint(folder: Path, tensors: dict[str, Tensor], state: CheckpointState) -> None:
    """Write the checkpoint beside `folder`, then put it in its place."""
    settle(folder)
    fresh, old = _beside(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    network = {k.removeprefix("online."): v for k, v in tensors.items() if k.startswith("online.")}
    rest = {k: v for k, v in tensors.items() if not k.startswith("online.")}
    for name, part in (("network", network), ("learner", rest)):
        save_file(
            {k: v.detach().cpu().contiguous().clone() for k, v in part.items()},
            fresh / f"{name}.safetensors",
        )
    (fresh / "state.json").write_text(json.dumps({"format": FORMAT, **asdict(state)}, indent=1))
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def settle(folder: Path) -> None:
    """Finish a replacement that a crash cut in two.

    `folder` is missing only between two renames, and then what was to replace it is whole.
    """
    fresh, old = _beside(folder)
    if not folder.exists() and old.exists():
        (fresh if (fresh / "state.json").is_file() else old).rename(folder)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")


def find_checkpoint(path: Path) -> Path:
    """The checkpoint folder that `path` means: itself, or a run's best/, else its last/.

    Raises UserError when there is none.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; give a run folder or a checkpoint folder")
    for name in ("best", "last"):
        with suppress(OSError):  # a read-only run is not mended
            settle(path / name)
    for folder in (path, path / "best", path / "last"):
        if (folder / "network.safetensors").is_file():
            return folder
    raise UserError(
        f"{path} holds no checkpoint (no network.safetensors in it, in best/ or in last/)"
    )


def read_state(folder: Path) -> CheckpointState:
    """state.json of a checkpoint folder. Raises UserError when it is missing, broken or too new."""
    file = folder / "state.json"
    try:
        content = json.loads(file.read_text())
        version = content.pop("format")
        if version > FORMAT:
            raise UserError(
                f"{file} has format {version}, newer than this program's {FORMAT}: update unpooled"
            )
        return CheckpointState(**content)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: {folder} is not a whole checkpoint") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{file} is not a checkpoint's state: {error}") from None


def read_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """The tensors of `network` or `learner` in a checkpoint folder. Raises UserError."""
    file = folder / f"{name}.safetensors"
    try:
        return load_file(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: {folder} is not a whole checkpoint") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file} cannot be read ({error}): the file is damaged") from None

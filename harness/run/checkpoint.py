"""Checkpoints: tensors in safetensors, the rest in JSON. Nothing is ever unpickled.

last/network.safetensors    the online network: all that acting needs
last/learner.safetensors    what a resumed run needs beside it (not in best/)
last/state.json             counters, score, and the settings, so that the folder stands alone;
                            SHA-256 of the other files and of itself

A checkpoint is written as last.new/, synced to the device, and then renamed; the one before it
stays as last.old/.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from agent.learner import without_prefix
from envs.fields import parse
from harness.errors import UserError
from harness.files.atomic import sync, write_synced
from harness.run.places import hint_for
from harness.run.state import RunState

FORMAT = 2
T = TypeVar("T")


@dataclass(frozen=True)
class CheckpointState:
    """The content of state.json."""

    settings: dict[str, Any]
    """Every setting of the run by name."""
    num_actions: int
    steps: int
    updates: int
    score: float | None = None
    """Mean return of the evaluation before it, if there was one."""
    position: RunState | None = None
    """How far the run was; None in a checkpoint that cannot be resumed."""
    sha256: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the checkpoint's other files."""
    seal: str = ""
    """SHA-256 of all of the above."""

    def sealed(self) -> CheckpointState:
        """The same state with its seal."""
        return replace(self, seal=seal_of(asdict(self)))


def seal_of(content: dict[str, Any]) -> str:
    """SHA-256 of state.json without its seal and its format, in hexadecimal."""
    sealed = {name: value for name, value in content.items() if name not in ("seal", "format")}
    return hashlib.sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()


def save_checkpoint(
    folder: Path, tensors: dict[str, Tensor], state: CheckpointState, *, keep_old: bool = False
) -> None:
    """Write a checkpoint beside `folder`, then rename it. With `keep_old` the one before it
    stays as `<folder>.old`. Raises OSError."""
    settle(folder)
    fresh, old = _beside(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    network = without_prefix("online.", tensors)
    rest = {k: v for k, v in tensors.items() if not k.startswith("online.")}
    sha256 = {}
    for name, part in (("network", network), ("learner", rest)):
        if part:
            content = save({k: v.detach().cpu().contiguous().clone() for k, v in part.items()})
            sha256[name] = hashlib.sha256(content).hexdigest()
            write_synced(fresh / f"{name}.safetensors", content)
    described = asdict(replace(state, sha256=sha256).sealed())
    write_synced(
        fresh / "state.json", json.dumps({"format": FORMAT, **described}, indent=1).encode()
    )
    sync(fresh)
    if old.exists():
        shutil.rmtree(old)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    sync(folder.parent)
    if not keep_old:
        shutil.rmtree(old, ignore_errors=True)


def put_in_place(chosen: Path, folder: Path) -> None:
    """Replace the checkpoint in `folder`, if any, by the one in `chosen`. Raises OSError."""
    if chosen != folder:
        if folder.exists():
            shutil.rmtree(folder)
        chosen.rename(folder)
        sync(folder.parent)


def settle(folder: Path) -> None:
    """Finish a replacement that a crash cut in two.

    `folder` is missing only between two renames, when its replacement is already whole.
    """
    fresh, old = _beside(folder)
    if not folder.exists() and old.exists():
        (fresh if (fresh / "state.json").is_file() else old).rename(folder)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")


def find_checkpoint(path: Path) -> Path:
    """The checkpoint folder that `path` means: itself, or a run's best/, else its last/.

    Raises UserError if there is none.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist{hint_for(path) or ': give the folder of a run'}")
    # An old one is alone only while a run replaces it; a moment later the new one is there.
    names = ("best", "best.old", "best", "last", "last.old", "last")
    for folder in (path, *(path / name for name in names)):
        if (folder / "network.safetensors").is_file():
            return folder
    raise UserError(
        f"{path} holds no checkpoint (no network.safetensors in it, in best/ or in last/)"
        f"{hint_for(path)}"
    )


def read_whole(
    path: Path, read: Callable[[Path], T], find: Callable[[Path], Path] = find_checkpoint
) -> T:
    """The result of `read` for the checkpoint folder that `path` means.

    If a run replaces the checkpoint meanwhile, it is read again, so that all files belong
    together. Raises the UserError of `read` if the checkpoint has not changed.
    """
    folder = find(path)
    while True:
        state = _content(folder / "state.json")
        try:
            return read(folder)
        except UserError:
            before, folder = folder, find(path)
            if folder == before and _content(folder / "state.json") == state:
                raise


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def read_state(folder: Path) -> CheckpointState:
    """state.json of a checkpoint folder. Raises UserError if it is missing, broken or too new."""
    file = folder / "state.json"
    try:
        state = parse(CheckpointState, file.read_text(), FORMAT)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: {folder} is not a whole checkpoint") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is not a checkpoint's state: {error}") from None
    if state.sealed() != state:
        raise UserError(f"{file} was changed since it was written: the file is damaged")
    return state


def read_tensors(folder: Path, name: str, state: CheckpointState) -> dict[str, Tensor]:
    """The tensors of `network` or `learner` in a checkpoint folder whose state is `state`. Raises
    UserError."""
    file = folder / f"{name}.safetensors"
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != state.sha256.get(name):
            raise UserError(f"{file} was changed since it was written: the file is damaged")
        return load(content)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: {folder} is not a whole checkpoint") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file} cannot be read ({error}): the file is damaged") from None

"""An agent for tests of what is done with one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from agent.exploration import ExplorationConfig
from agent.learner import Learner
from envs.emulators import EmulatorConfig
from harness.run.checkpoint import CheckpointState, save_checkpoint, seal_of
from harness.run.config import RunConfig, flatten

# Under random play some of these games of Breakout are over before 160 steps, some are not.
CUT_OFF = EmulatorConfig(game="breakout", max_episode_frames=640)


def untrained(folder: Path) -> Path:
    """The checkpoint of an untrained network that plays CUT_OFF, in a folder that is made."""
    config = RunConfig(emulators=CUT_OFF, exploration=ExplorationConfig(eval_epsilon=0.5))
    torch.manual_seed(0)
    learner = Learner(config.learner, 4, "cpu")
    save_checkpoint(folder, learner.state(), CheckpointState(flatten(config), 4, 1_234, 300))
    return folder


def copy_of(checkpoint: Path, tmp_path: Path) -> Path:
    """The same checkpoint where it may be damaged."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def edit_state(checkpoint: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change what state.json of a checkpoint says, and its seal with it."""
    content = json.loads((checkpoint / "state.json").read_text())
    edit(content)
    content["seal"] = seal_of(content)
    (checkpoint / "state.json").write_text(json.dumps(content))

"""A run that was interrupted ends as one that was not: weights, curves, action log, games."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parent.parent
SMALL = (
    "--game Breakout --steps 2600 --warmup 200 --update-period 8 --num-envs 2 --replay-size 600 "
    "--eval-every 800 --eval-episodes 1 --log-every 100 --max-episode-frames 600 --batch-size 8 "
    "--target-period 80 --keyframe-period 60 --seed 3 --precision fp32"
).split()
"""The replay memory wraps several times, the action log has one whole chunk, every emulator has
a dozen keyframes."""
KILLS = 26
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"}


def program(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, env=ENVIRONMENT)


def curves(run_dir: Path) -> list[dict[str, float]]:
    """metrics.jsonl without what the clock says."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k != "seconds" and not k.startswith("speed/")}
        for line in lines
    ]


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of all event files together, without what the clock says."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith("speed/")]
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}


def outcome(run_dir: Path) -> dict[str, Any]:
    """All that a run leaves behind, the clock's doings left out."""
    state = json.loads((run_dir / "last" / "state.json").read_text())
    for name in ("journals", "seconds"):
        del state["position"][name]
    return {
        "state": {name: value for name, value in state.items() if name != "seal"},
        "curves": curves(run_dir),
        "scalars": (scalars(run_dir), scalars(run_dir / "frames")),
        "log": (run_dir / "000000000000.actions").read_bytes(),
        "games": {f.name: f.read_bytes() for f in (run_dir / "episodes").iterdir()},
        "best": (run_dir / "best" / "network.safetensors").read_bytes(),
    }


def tensors(run_dir: Path) -> dict[str, torch.Tensor]:
    files = ("network", "learner")
    return {
        f"{name}.{key}": tensor
        for name in files
        for key, tensor in load_file(run_dir / "last" / f"{name}.safetensors").items()
    }


def assert_same(run_dir: Path, other: Path) -> None:
    one, two = outcome(run_dir), outcome(other)
    for name in one:
        assert one[name] == two[name], name
    theirs = tensors(other)
    assert tensors(run_dir).keys() == theirs.keys()
    for name, tensor in tensors(run_dir).items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run without interruption."""
    run_dir = tmp_path_factory.mktemp("unbroken") / "run"
    done = program("train.py", *SMALL, "--run-dir", run_dir)
    assert done.returncode == 0, done.stderr
    return run_dir


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, killed after its action log's first whole chunk."""
    run_dir = tmp_path_factory.mktemp("halfway") / "run"
    done = program("train.py", *SMALL, "--run-dir", run_dir, "--steps", 2300)
    assert done.returncode == 0, done.stderr
    return run_dir


@pytest.fixture
def stopped(halfway: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(halfway, tmp_path / "run")
    return tmp_path / "run"


def resume(run_dir: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return program("train.py", "--resume", run_dir, "--steps", 2600, *options)


def test_killed_again_and_again(unbroken: Path, tmp_path: Path) -> None:
    """SIGKILL at random points of the program, between turns, inside an update, inside the
    writing of a checkpoint, of the curves and of the log."""
    run_dir = tmp_path / "run"
    done = program("tests/torture.py", run_dir, KILLS, 1, *SMALL)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["exit"] == 0, done.stdout + done.stderr
    assert told["killed"] >= 25
    assert {"pwrite", "_write", "fsync"} <= told["at"].keys()
    assert_same(run_dir, unbroken)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)

"""A short run of the real programs, what is left of it, and what may befall its files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from support import programs
from support.agent_samples import edit_state

SMALL = (
    "--game Breakout --steps 2600 --warmup 200 --update-period 8 --num-envs 2 --replay-size 600 "
    "--eval-every 800 --eval-episodes 1 --log-every 100 --max-episode-frames 600 --batch-size 8 "
    "--target-period 80 --keyframe-period 60 --seed 3 --precision fp32"
).split()
"""The replay memory wraps several times, the action log has one whole chunk, every emulator has
a dozen keyframes."""
KILLS = 26


program, started = (partial(run, threads=2) for run in (programs.program, programs.started))


def curves(run_dir: Path) -> list[dict[str, float]]:
    """metrics.jsonl without what the clock says."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k != "seconds" and not k.startswith("speed/")}
        for line in lines
    ]


def drawn(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """What TensorBoard shows of all event files together, without what the clock says."""
    kinds = {"scalars": 0, "images": 0, "histograms": 0}
    events = EventAccumulator(str(folder), size_guidance=kinds)
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith("speed/")]
    points = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}
    for tag in events.Tags()["images"]:
        points[tag] = [(e.step, e.encoded_image_string) for e in events.Images(tag)]
    for tag in events.Tags()["histograms"]:
        points[tag] = [(e.step, e.histogram_value) for e in events.Histograms(tag)]
    return points


def outcome(run_dir: Path) -> dict[str, Any]:
    """All that a run leaves behind, the clock's doings left out."""
    state = json.loads((run_dir / "last" / "state.json").read_text())
    for name in ("journals", "seconds"):
        del state["position"][name]
    return {
        "state": {name: value for name, value in state.items() if name != "seal"},
        "curves": curves(run_dir),
        "drawn": drawn(run_dir),
        "log": log_of(run_dir).read_bytes(),
        "games": {f.name: f.read_bytes() for f in (run_dir / "episodes").iterdir()},
        "best": (run_dir / "best" / "network.safetensors").read_bytes(),
    }


def tensors(run_dir: Path) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": tensor
        for name in ("network", "learner")
        for key, tensor in load_file(run_dir / "last" / f"{name}.safetensors").items()
    }


def assert_same(run_dir: Path, other: Path) -> None:
    one, two = outcome(run_dir), outcome(other)
    for name in one:
        assert one[name] == two[name], name
    assert_same_weights(run_dir, other)


def resume(run_dir: Path, *options: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    return program("train.py", "--resume", run_dir, "--steps", 2600, *options, code=code)


def assert_same_weights(run_dir: Path, other: Path) -> None:
    one, two = tensors(run_dir), tensors(other)
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def assert_same_end(run_dir: Path, unbroken: Path) -> None:
    """The run had an evaluation of its own at 2,300 steps; all else is as without a stop."""
    assert_same_weights(run_dir, unbroken)
    assert log_of(run_dir).read_bytes() == log_of(unbroken).read_bytes()
    one, two = (
        [line for line in curves(folder) if line["steps"] != 2300] for folder in (run_dir, unbroken)
    )
    assert one == two


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def edit_states(run_dir: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    for name in ("last", "last.old"):
        edit_state(run_dir / name, edit)


def log_of(run_dir: Path) -> Path:
    return run_dir / "000000000000.actions"


def listing(run_dir: Path) -> dict[str, bytes]:
    files = [f for f in run_dir.rglob("*") if f.is_file() and f.name != "lock"]
    return {str(f.relative_to(run_dir)): f.read_bytes() for f in files}

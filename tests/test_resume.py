"""A run that was interrupted ends as one that was not: weights, curves, action log, games."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from harness.checkpoint import seal_of
from harness.errors import UserError
from harness.lock import writing
from harness.resuming import Standing

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
        "drawn": (drawn(run_dir), drawn(run_dir / "frames")),
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
    """The same run, ended after its action log's first whole chunk."""
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
    assert {"pwrite", "write_synced", "fsync"} <= told["at"].keys()
    assert_same(run_dir, unbroken)


def test_stopped_within_an_evaluation(unbroken: Path, tmp_path: Path) -> None:
    """The games are cut off, and played again on the resume."""
    run_dir = tmp_path / "run"
    command = [sys.executable, str(ROOT / "train.py"), *SMALL, "--run-dir", str(run_dir)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("1,600 steps: playing"):
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert "stopped after 1,600 steps" in rest
    assert "evaluation score" not in rest
    done = program("train.py", "--resume", run_dir)
    assert done.returncode == 0, done.stderr
    assert_same(run_dir, unbroken)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (flip, "state.json"),
        (flip, "network.safetensors"),
        (flip, "learner.safetensors"),
        (cut, "learner.safetensors"),
        (Path.unlink, "network.safetensors"),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    damage: Callable[[Path], None], name: str, stopped: Path, unbroken: Path
) -> None:
    """The steps since then are taken again, and the run ends the same."""
    damage(stopped / "last" / name)
    done = resume(stopped)
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert f"going on from {stopped}/last.old" in done.stderr
    assert_same_end(stopped, unbroken)


def test_a_lost_checkpoint_falls_back_too(stopped: Path, unbroken: Path) -> None:
    shutil.rmtree(stopped / "last")
    done = resume(stopped)
    assert done.returncode == 0, done.stderr
    assert_same_end(stopped, unbroken)


def assert_same_end(run_dir: Path, unbroken: Path) -> None:
    """The run had an evaluation of its own at 2,300 steps; all else is as without a stop."""
    theirs = tensors(unbroken)
    for name, tensor in tensors(run_dir).items():
        assert torch.equal(tensor, theirs[name]), name
    log = "000000000000.actions"
    assert (run_dir / log).read_bytes() == (unbroken / log).read_bytes()
    one, two = (
        [line for line in curves(folder) if line["steps"] != 2300] for folder in (run_dir, unbroken)
    )
    assert one == two


def state(run_dir: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run_dir / name / "state.json").read_text())
    return content


def edit_state(run_dir: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    for name in ("last", "last.old"):
        content = state(run_dir, name)
        edit(content)
        content["seal"] = seal_of(content)
        (run_dir / name / "state.json").write_text(json.dumps(content))


def other_emulator(content: dict[str, Any]) -> None:
    content["position"]["made_with"]["ale-py"] = "0.1"


def other_torch(content: dict[str, Any]) -> None:
    content["position"]["made_with"]["torch"] = "2.0"


def other_rate(content: dict[str, Any]) -> None:
    content["settings"]["learning_rate"] = 0.125


def log_of(run_dir: Path) -> Path:
    return run_dir / "000000000000.actions"


def listing(run_dir: Path) -> dict[str, bytes]:
    files = [f for f in run_dir.rglob("*") if f.is_file() and f.name != "lock"]
    return {str(f.relative_to(run_dir)): f.read_bytes() for f in files}


@pytest.mark.parametrize(
    ("damage", "says", "lost"),
    [
        (lambda run: edit_state(run, other_emulator), "ale-py was 0.1, now", True),
        (lambda run: edit_state(run, other_torch), "torch was 2.0, now", False),
        (lambda run: edit_state(run, other_rate), "learning_rate was 0.125, now", False),
        (lambda run: flip(log_of(run)), "memory cannot be filled again", True),
        (lambda run: cut(log_of(run)), "memory cannot be filled again", True),
        (lambda run: log_of(run).unlink(), "memory cannot be filled again", True),
    ],
    ids=["ale-py", "torch", "setting", "log flipped", "log torn", "log gone"],
)
def test_what_breaks_exactness_is_refused_and_goes_on_anyway(
    damage: Callable[[Path], None], says: str, lost: bool, stopped: Path
) -> None:
    damage(stopped)
    before = listing(stopped)
    refused = resume(stopped)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert "--resume-anyway" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert listing(stopped) == before
    done = resume(stopped, "--resume-anyway")
    assert done.returncode == 0, done.stderr
    assert ("the replay memory is lost" in done.stderr) == lost
    steps = [line["steps"] for line in curves(stopped)]
    assert steps == sorted(steps)
    assert steps[-1] == 2600
    logs = sorted(file.name for file in stopped.glob("*.actions"))
    assert ("000000002300.actions" in logs) == lost


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (flip, "metrics.jsonl"),
        (cut, "events.out.tfevents.000000000000"),
        (Path.unlink, "metrics.jsonl"),
    ],
)
def test_damaged_curves_do_not_stop_a_run(
    damage: Callable[[Path], None], name: str, stopped: Path, unbroken: Path
) -> None:
    damage(stopped / name)
    done = resume(stopped)
    assert done.returncode == 0, done.stderr
    assert f"{stopped / name}" in done.stderr
    theirs = tensors(unbroken)
    assert all(torch.equal(t, theirs[name]) for name, t in tensors(stopped).items())


def test_names_in_a_checkpoint_lead_nowhere(stopped: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.jsonl"
    precious.write_text("mine")

    def outside(content: dict[str, Any]) -> None:
        content["position"]["journals"]["../precious.jsonl"] = [0, 0]
        content["position"]["log"] = "../precious.jsonl"

    edit_state(stopped, outside)
    refused = resume(stopped)
    assert refused.returncode == 2
    assert "names an action log that cannot be" in refused.stderr
    assert precious.read_text() == "mine"


def test_two_processes_never_write_one_run(stopped: Path) -> None:
    with writing(stopped):
        refused = resume(stopped)
    assert refused.returncode == 2
    assert f"another process is writing {stopped}" in refused.stderr
    assert resume(stopped).returncode == 0


def test_a_finished_run_says_so(unbroken: Path) -> None:
    before = listing(unbroken)
    again = program("train.py", "--resume", unbroken)
    assert again.returncode == 2
    assert "give --steps above" in again.stderr
    assert listing(unbroken) == before


def test_every_training_episode_is_listed_and_replayed(unbroken: Path, tmp_path: Path) -> None:
    """As many as the curves have, with their scores; each is played again as it was."""
    file = tmp_path / "episodes.json"
    done = program("evaluate.py", "episodes", unbroken, "--json", file)
    assert done.returncode == 0, done.stderr
    listed = json.loads(file.read_text())["episodes"]
    theirs = [line for line in curves(unbroken) if "episode/return" in line]
    assert [(one["steps"], one["score"], one["length"]) for one in listed] == [
        (line["steps"], line["episode/return"], line["episode/length"]) for line in theirs
    ]
    for number in (1, len(listed) // 2, len(listed)):
        shown = program("evaluate.py", "replay", unbroken, "--episode", number, "--verify")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert f"the score {listed[number - 1]['score']:,}" in shown.stdout
    best = program("evaluate.py", "episodes", unbroken, "--best", 1).stdout
    assert str(max(one["score"] for one in listed)) in best


def test_a_disk_that_takes_nothing_stops_nothing(unbroken: Path, tmp_path: Path) -> None:
    """No file may grow beyond a megabyte: the run warns, goes on, and waits at its end until its
    checkpoints can be written."""
    run_dir = tmp_path / "run"
    command = [sys.executable, str(ROOT / "train.py"), *SMALL, "--run-dir", str(run_dir)]
    process = subprocess.Popen(
        [*command, "--checkpoint-interval", "0.5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, -1)),
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("warning: waiting until"):
            break
    assert sum(line.startswith("warning: cannot write to") for line in printed) == 1
    assert any(line.startswith("2,600 steps: evaluation") for line in printed)
    assert not (run_dir / "last").exists()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (-1, -1))
    rest = process.stdout.read()
    assert process.wait(timeout=60) == 0
    assert "finished" in rest
    assert "waiting" not in rest, "it is said once"
    assert_same(run_dir, unbroken)


@pytest.mark.gpu
def test_on_a_cuda_device_with_deterministic(tmp_path: Path) -> None:
    """The same bits there too, recorded graphs and all; the replay memory lies on the device."""
    options = [*SMALL, "--device", "cuda", "--deterministic"]
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for run_dir, steps in ((whole, 2600), (parted, 1500)):
        done = program("train.py", *options, "--run-dir", run_dir, "--steps", steps)
        assert done.returncode == 0, done.stderr
    again = ("--device", "cuda", "--deterministic", "--steps", 2600)
    done = program("train.py", "--resume", parted, *again)
    assert done.returncode == 0, done.stderr
    theirs = tensors(whole)
    for name, tensor in tensors(parted).items():
        assert torch.equal(tensor, theirs[name]), name


def test_a_checkpoint_without_its_turns_is_named() -> None:
    standing = Standing(Path("run/last"), cast(Any, None), {})
    with pytest.raises(UserError, match="run/last does not fit"):
        standing.tail()

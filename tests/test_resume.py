"""A run that was interrupted ends as one that was not: weights, curves, action log, games."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from harness.errors import UserError
from harness.files.lock import writing
from harness.training.resume import Checkpoint
from support.resume_samples import (
    KILLS,
    SMALL,
    assert_same,
    assert_same_end,
    assert_same_weights,
    curves,
    cut,
    edit_states,
    flip,
    listing,
    log_of,
    program,
    resume,
    started,
)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run without interruption."""
    run_dir = tmp_path_factory.mktemp("unbroken") / "run"
    program("train.py", *SMALL, "--run-dir", run_dir)
    return run_dir


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, ended after its action log's first whole chunk."""
    run_dir = tmp_path_factory.mktemp("halfway") / "run"
    program("train.py", *SMALL, "--run-dir", run_dir, "--steps", 2300)
    return run_dir


@pytest.fixture
def stopped(halfway: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(halfway, tmp_path / "run")
    return tmp_path / "run"


def test_killed_again_and_again(unbroken: Path, tmp_path: Path) -> None:
    """SIGKILL at random points of the program, between turns, inside an update, inside the
    writing of a checkpoint, of the curves and of the log."""
    run_dir = tmp_path / "run"
    done = program("tests/support/torture.py", run_dir, KILLS, 1, *SMALL)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["exit"] == 0, done.stdout + done.stderr
    assert told["killed"] >= 25
    assert {"pwrite", "write_synced", "fsync"} <= told["at"].keys()
    assert_same(run_dir, unbroken)


def test_stopped_within_an_evaluation(unbroken: Path, tmp_path: Path) -> None:
    """The games are cut off, and played again on the resume."""
    run_dir = tmp_path / "run"
    process = started("train.py", *SMALL, "--run-dir", run_dir)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("1,600 steps: playing"):
            process.send_signal(signal.SIGHUP)
            break
    rest = process.stdout.read()
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert "stopped after 1,600 steps" in rest
    assert "evaluation score" not in rest
    program("train.py", "--resume", run_dir)
    assert_same(run_dir, unbroken)


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
    assert "warning: " in done.stderr
    assert f"going on from {stopped}/last.old" in done.stderr
    assert_same_end(stopped, unbroken)


def test_a_lost_checkpoint_falls_back_too(stopped: Path, unbroken: Path) -> None:
    shutil.rmtree(stopped / "last")
    resume(stopped)
    assert_same_end(stopped, unbroken)


def changed(name: str, value: object) -> Callable[[Path], None]:
    """A checkpoint that says something else of what it was made with, or of a setting."""

    def change(content: dict[str, Any]) -> None:
        known = content["position"]["made_with"]
        (known if name in known else content["settings"])[name] = value

    return lambda run_dir: edit_states(run_dir, change)


@pytest.mark.parametrize(
    ("damage", "says", "lost"),
    [
        (changed("ale-py", "0.1"), "ale-py was 0.1, now", True),
        (changed("torch", "2.0"), "torch was 2.0, now", False),
        (changed("learning_rate", 0.125), "learning_rate was 0.125, now", False),
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
    refused = resume(stopped, code=2)
    assert says in refused.stderr
    assert "--resume-anyway" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert listing(stopped) == before
    done = resume(stopped, "--resume-anyway")
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
    assert f"{stopped / name}" in done.stderr
    assert_same_weights(stopped, unbroken)


def test_names_in_a_checkpoint_lead_nowhere(stopped: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.jsonl"
    precious.write_text("mine")

    def outside(content: dict[str, Any]) -> None:
        content["position"]["journals"]["../precious.jsonl"] = [0, 0]
        content["position"]["log"] = "../precious.jsonl"

    edit_states(stopped, outside)
    refused = resume(stopped, code=2)
    assert "names an impossible action log" in refused.stderr
    assert precious.read_text() == "mine"


def test_two_processes_never_write_one_run(stopped: Path) -> None:
    with writing(stopped):
        refused = resume(stopped, code=2)
    assert f"another process is writing {stopped}" in refused.stderr
    resume(stopped)


def test_a_finished_run_says_so(unbroken: Path) -> None:
    before = listing(unbroken)
    again = program("train.py", "--resume", unbroken, code=2)
    assert "give --steps above" in again.stderr
    assert listing(unbroken) == before


def test_every_training_episode_is_listed_and_replayed(unbroken: Path, tmp_path: Path) -> None:
    """As many as the curves have, with their scores; each is played again as it was."""
    file = tmp_path / "episodes.json"
    program("evaluate.py", "episodes", unbroken, "--json", file)
    listed = json.loads(file.read_text())["episodes"]
    theirs = [line for line in curves(unbroken) if "episode/return" in line]
    assert [(one["steps"], one["score"], one["length"]) for one in listed] == [
        (line["steps"], line["episode/return"], line["episode/length"]) for line in theirs
    ]
    for number in (1, len(listed) // 2, len(listed)):
        shown = program("evaluate.py", "replay", unbroken, "--episode", number, "--verify")
        assert f"the score {listed[number - 1]['score']:,}" in shown.stdout
    best = program("evaluate.py", "episodes", unbroken, "--best", 1).stdout
    assert str(max(one["score"] for one in listed)) in best


def test_a_disk_that_takes_nothing_stops_nothing(unbroken: Path, tmp_path: Path) -> None:
    """No file may grow beyond a megabyte: the run warns, goes on, and waits at its end until its
    checkpoints can be written."""
    run_dir = tmp_path / "run"
    process = started(
        *("train.py", *SMALL, "--run-dir", run_dir, "--checkpoint-interval", 0.5),
        stderr=subprocess.STDOUT,
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
        program("train.py", *options, "--run-dir", run_dir, "--steps", steps)
        program("train.py", "--resume", parted, *options[-3:], "--steps", 2600)
    assert_same_weights(parted, whole)


def test_a_checkpoint_without_its_turns_is_named() -> None:
    checkpoint = Checkpoint(Path("run/last"), cast(Any, None), {})
    with pytest.raises(UserError, match="run/last does not fit"):
        checkpoint.tail()

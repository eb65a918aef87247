"""The whole path as a user walks it: train, score, record, replay, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from types import FunctionType

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from evaluate import COMMANDS
from harness.commands.gallery import GalleryCommand
from harness.commands.train import check_run_dir_file
from harness.errors import UserError
from harness.run.checkpoint import find_checkpoint
from support.programs import TINY_RUN, Refused, program, started

SMALL = (
    "--game Pong --steps 2000 --warmup 400 --update-period 4 --num-envs 4 --replay-size 4000 "
    "--eval-every 1000 --eval-episodes 1 --log-every 400 --max-episode-frames 1200 "
    "--target-period 400 --seed 3"
).split()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A finished 2,000-step run and what it printed."""
    run_dir = tmp_path_factory.mktemp("runs") / "pong"
    done = program(
        "train.py", *SMALL, "--run-dir", run_dir, "--run-dir-file", run_dir.parent / "where"
    )
    assert (run_dir.parent / "where").read_text() == f"{run_dir}\n"
    return run_dir, done.stdout


def metrics(run_dir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_run_folder_is_complete(finished: tuple[Path, str]) -> None:
    run_dir, printed = finished
    names = {path.name for path in run_dir.iterdir()}
    assert {"config.json", "metrics.jsonl", "episodes", "last", "best"} <= names
    for checkpoint in ("last", "best"):
        assert (run_dir / checkpoint / "network.safetensors").is_file()
    config = json.loads((run_dir / "config.json").read_text())
    assert config["settings"]["steps"] == 2000
    assert config["departures"]["steps"]["here"] == 2000
    assert config["versions"]["ale-py"]
    assert "replay memory: 4,000 transitions" in printed
    assert re.search(r"2,000 steps: evaluation score", printed)


def test_updates_are_a_quarter_of_the_steps_after_the_warm_up(finished: tuple[Path, str]) -> None:
    counts = [
        (m["steps"], m["learner/updates"]) for m in metrics(finished[0]) if "learner/updates" in m
    ]
    assert counts[-1] == (2000, 400)
    assert all(updates == max(0, steps - 400) // 4 for steps, updates in counts)


def test_tensorboard_holds_the_same_numbers(finished: tuple[Path, str]) -> None:
    events = EventAccumulator(str(finished[0]), size_guidance={"scalars": 0})
    events.Reload()
    written: dict[str, list[tuple[int, float]]] = {}
    for line in metrics(finished[0]):
        for tag, value in line.items():
            if tag not in ("steps", "seconds") and value is not None:
                written.setdefault(tag, []).append((int(line["steps"]), value))
    assert {"episode/return", "evaluation/return", "learner/loss", "exploration/epsilon"} <= set(
        written
    )
    for tag, points in written.items():
        drawn = [(event.step, event.value) for event in events.Scalars(tag)]
        assert drawn == [(steps, pytest.approx(value, rel=1e-6)) for steps, value in points]
    assert "settings/text_summary" in events.Tags()["tensors"]


def test_score_record_replay(finished: tuple[Path, str], tmp_path: Path) -> None:
    run_dir, _ = finished
    program("evaluate.py", "score", run_dir, "--episodes", 2, "--json", tmp_path / "s.json")
    assert len(json.loads((tmp_path / "s.json").read_text())["episodes"]) == 2
    program("evaluate.py", "record", run_dir, "--episodes", 1, "--out", tmp_path / "e")
    (episode,) = (tmp_path / "e").glob("*.episode")
    for file in (episode, *(run_dir / "episodes").glob("*.episode")):
        program("evaluate.py", "replay", file, "--verify")


def test_a_run_without_evaluations(tmp_path: Path) -> None:
    """Its last checkpoint is the agent; it resumes exactly."""
    options = (*TINY_RUN, "--eval-every", 150, "--eval-episodes", 0)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = program("train.py", *options, "--steps", 400, "--run-dir", whole)
    assert not re.search("evaluation score|to evaluate", done.stdout)
    assert "finished: 400 steps" in done.stdout
    for more in (["--run-dir", parts, "--steps", 200], ["--resume", parts, "--steps", 400]):
        program("train.py", *options, *more)
    networks = [(run / "last/network.safetensors").read_bytes() for run in (whole, parts)]
    assert networks[0] == networks[1]
    assert not (whole / "best").exists()
    assert find_checkpoint(whole) == whole / "last"
    assert not list((whole / "episodes").iterdir())
    assert GalleryCommand(whole, tmp_path / "x.html").run() == 0
    state = json.loads((whole / "last/state.json").read_text())
    assert state["position"]["evaluated"], "the run is over"


def test_resume_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    process = started("train.py", *SMALL, "--steps", 1_000_000, "--run-dir", run_dir)
    assert process.stdout is not None
    for line in process.stdout:
        if "evaluation score" in line:
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert f"--resume {run_dir}" in rest
    stopped = json.loads((run_dir / "last" / "state.json").read_text())
    assert stopped["steps"] >= 1000

    steps = stopped["steps"] + 1200
    program("train.py", "--resume", run_dir, "--steps", steps)
    lines = metrics(run_dir)
    assert [m["steps"] for m in lines] == sorted(m["steps"] for m in lines)
    assert [m["seconds"] for m in lines] == sorted(m["seconds"] for m in lines)
    updates = [m["learner/updates"] for m in lines if "learner/updates" in m]
    assert updates[-1] == (steps - 400) // 4
    config = json.loads((run_dir / "config.json").read_text())
    assert len(config["resumed"]) == 1

    assert "--steps" in program("train.py", "--resume", run_dir, code=2).stderr


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    (tmp_path / "broken.py").write_text(
        "import agent.networks as n\n"
        "class Broken(n.QNetwork):\n"
        "    calls = 0\n"
        "    def __init__(self, actions):\n"
        "        super().__init__(actions, n.NETWORKS['stride'])\n"
        "    def forward(self, states):\n"
        "        q = super().forward(states)\n"
        "        Broken.calls += q.requires_grad\n"
        "        return q * float('nan') if Broken.calls > 200 else q\n"
    )
    options = (*SMALL, "--network", "broken:Broken", "--run-dir", run_dir)
    done = program("train.py", *options, code=1, cwd=tmp_path)
    assert len(done.stderr.strip().splitlines()) == 1
    assert "no longer a finite number" in done.stderr
    state = json.loads((run_dir / "last" / "state.json").read_text())
    assert state["updates"] <= 200


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--game Pnog", "did you mean Pong"),
        ("--network nosuch", "stride"),
        ("--network nosuch:Class", "cannot import"),
        ("--preset fast", "quick"),
        ("--steps -5", "at least 1"),
        ("--steps many", "--steps"),
        ("--warmup 3", "warmup must be at least"),
        ("--replay-size 10", "replay-size must be at least"),
        ("--batch-size 100000000", "batch-size (100000000) must be at most replay-size"),
        ("--checkpoint-interval nan", "--checkpoint-interval must be 0 or more seconds, not nan"),
        ("--replay-size 900000000000", "would fit"),
        ("--learning-rate 0", "must be positive"),
        ("--gmae Pong", "--game"),
        ("--device cuda", "--device cpu"),
        ("--resume nowhere", "not a run folder"),
        ("--gamma 1.5", "gamma"),
        ("--steps 5000", "nothing is learned"),
    ],
)
def test_bad_input_is_refused(arguments: str, says: str, refused: Refused, here: Path) -> None:
    if arguments == "--device cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    assert says in refused(*arguments.split())
    assert not (here / "checkpoints").exists()


def test_a_failing_compiler_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    def fail() -> None:
        raise OSError("no g++\n\nSet TORCH_LOGS")

    broken = FunctionType(fail.__code__, {"__name__": "torch._inductor.x", "OSError": OSError})
    monkeypatch.setattr(torch, "compile", lambda _: lambda _: broken())
    words = "--execution compile --device cpu --replay-size 1000 --run-dir".split()
    assert refused(*words, str(tmp_path / "run")) == (
        "error: torch.compile does not work here: use --execution eager (no g++)\n"
    )
    assert not (tmp_path / "run" / "config.json").exists()


def test_bad_input_to_the_real_program_is_one_line(tmp_path: Path) -> None:
    done = program("train.py", "--game", "Pnog", code=2, cwd=tmp_path)
    assert done.stderr == "error: unknown game 'Pnog': did you mean Pong, UpNDown?\n"


def test_a_run_is_never_overwritten(finished: tuple[Path, str]) -> None:
    assert "--resume" in program("train.py", *SMALL, "--run-dir", finished[0], code=2).stderr


def test_a_resumed_run_keeps_its_game(finished: tuple[Path, str]) -> None:
    options = ("--resume", finished[0], "--game", "Breakout", "--steps", 9000)
    assert "start a new run" in program("train.py", *options, code=2).stderr


def test_a_refused_resume_leaves_the_run_alone(finished: tuple[Path, str]) -> None:
    before = (finished[0] / "config.json").read_bytes()
    for wrong in (["--steps", 500], ["--steps", 9000, "--preset", "dopamine"]):
        program("train.py", "--resume", finished[0], *wrong, code=2)
    assert (finished[0] / "config.json").read_bytes() == before


def test_help_fits_a_reader() -> None:
    page = program("train.py", "--help").stdout
    for option in "--game --network --preset --steps --n-step --double --target-period".split():
        assert option in page
    assert "(steps" in page
    boxes = re.findall(r"─ (.+) options ─", page)
    assert boxes == ["run", "essentials", "DQN", "environment", "evaluation", "machine"]


def test_help_names_every_command() -> None:
    shown = program("evaluate.py", "--help")
    assert all(f"• {name} " in shown.stdout for name in COMMANDS)


def test_a_file_for_the_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "name"
    with pytest.raises(UserError, match="No such file or directory; choose another --run-dir-file"):
        check_run_dir_file(file)


def test_a_file_with_anything_but_a_folder_of_a_run_is_left_alone(tmp_path: Path) -> None:
    file, run = tmp_path / "thesis.tex", tmp_path / os.fsdecode(b"run \xff")
    file.write_text("my thesis " * 500)
    with pytest.raises(UserError, match="holds something else: choose another --run-dir-file"):
        check_run_dir_file(file)
    assert file.read_text() == "my thesis " * 500
    run.mkdir()
    (run / "config.json").touch()
    file.write_bytes(os.fsencode(f"{run}\n"))
    check_run_dir_file(file)

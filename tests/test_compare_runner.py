"""Programs side by side: states, failures, signals, cores. The programs are one-line scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.compare.design import Job
from harness.compare.runner import Runner, Stage, last_error, log_of, on_cores, shared_cores
from harness.compare.status import Status, Watch, progress
from harness.files.lock import wait_for_writers, writing
from harness.metrics.reader import read_figures
from harness.process.signals import Interrupted, _suspend, exit_code, suspended_along

STOPPABLE = (
    "import signal, sys\n"
    "def stop(*_):\n"
    "    open({file!r}, 'w').close()\n"
    "    sys.exit(143)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
)


class Scripts:
    """Jobs that run these scripts one after another, each until the files that it makes exist."""

    def __init__(self, folder: Path, jobs: dict[str, list[str]]) -> None:
        self.folder, self.scripts = folder, jobs
        self.statuses = [Status(Job("pong", name, 0), folder / name) for name in jobs]

    def file(self, job: str, stage: int) -> Path:
        return self.folder / f"{job}-{stage}"

    def __call__(self, job: Job) -> Stage | None:
        for at, script in enumerate(self.scripts[job.network]):
            if not self.file(job.network, at).exists():
                made = script.replace("DONE", f"open({str(self.file(job.network, at))!r}, 'w')")
                return Stage(f"stage {at}", [sys.executable, "-c", made])
        return None

    def run(self, at_once: int = 2) -> None:
        Runner(at_once, Watch(100)).run(self.statuses, self)

    def states(self) -> dict[str, str]:
        return {status.job.network: status.state for status in self.statuses}

    def problem(self, job: str) -> str:
        return next(status.problem for status in self.statuses if status.job.network == job)


def test_jobs_go_through_their_stages(tmp_path):
    scripts = Scripts(tmp_path, {"a": ["DONE", "DONE"], "b": ["DONE"], "c": []})
    scripts.run()
    assert set(scripts.states().values()) == {"finished"}
    assert scripts.file("a", 1).exists()


def test_a_failed_job_says_why_and_the_others_go_on(tmp_path):
    scripts = Scripts(
        tmp_path,
        {
            "bad": ["import sys; print('working'); sys.exit('error: no room')"],
            "odd": ["raise ValueError('broken')"],
            "dead": ["import os; print('learning', flush=True); os.kill(os.getpid(), 9)"],
            "idle": ["pass"],
            "good": ["DONE", "DONE"],
        },
    )
    scripts.run(1)
    failed = dict.fromkeys(("bad", "odd", "dead", "idle"), "failed")
    assert scripts.states() == {**failed, "good": "finished"}
    assert scripts.problem("bad") == "no room"
    assert scripts.problem("odd") == "ValueError: broken"
    assert scripts.problem("dead") == "stage 0 was killed by SIGKILL (no memory left?)"
    assert scripts.problem("idle") == "stage 0 ended without a result"
    assert "working" in log_of(tmp_path / "bad").read_text()


def test_what_is_finished_or_failed_before_is_left_alone(tmp_path):
    scripts = Scripts(tmp_path, {"a": ["DONE"], "b": ["DONE"]})
    scripts.statuses[0].state = "failed"
    scripts.run()
    assert scripts.states() == {"a": "failed", "b": "finished"}
    assert not scripts.file("a", 0).exists()


def test_ctrl_z_suspends_the_programs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    program = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
    states = []

    def suspended(_: int) -> None:  # what this process gets instead
        states.append(os.waitpid(program.pid, os.WUNTRACED)[1])

    monkeypatch.setattr(signal, "raise_signal", suspended)
    with suspended_along(lambda: [program.pid]):
        _suspend()
    assert os.WSTOPSIG(states[0]) == signal.SIGSTOP
    program.communicate(b"")  # it goes on, and ends
    assert program.returncode == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_stops_the_programs_once_and_the_next_call_goes_on(tmp_path, name):
    told = str(tmp_path / "told")
    # The second asks for the stop as soon as it runs; the third never begins.
    asks = f"import os\nos.kill(os.getppid(), signal.{name})\nsignal.pause()\n"
    scripts = Scripts(tmp_path, {"a": [STOPPABLE.format(file=told) + asks], "b": ["DONE"]})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted) as stop:
        scripts.run(1)
    assert exit_code(stop.value) == 128 + signal.Signals[name]
    assert Path(told).exists()
    assert scripts.states() == {"a": "waiting", "b": "waiting"}
    assert signal.getsignal(signal.SIGINT) is before

    scripts.scripts["a"] = ["DONE"]
    scripts.run(1)
    assert set(scripts.states().values()) == {"finished"}


def test_an_error_here_leaves_no_program_behind(tmp_path, monkeypatch):
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    scripts = Scripts(tmp_path, {"a": ["import signal\nsignal.pause()"], "b": []})

    def next_stage(job):
        if job.network == "b":
            raise RuntimeError
        return scripts(job)

    with pytest.raises(RuntimeError):
        Runner(2, Watch(100)).run(scripts.statuses, next_stage)
    assert len(started) == 1
    assert started[0].poll() is not None


STARTED = """
from test_compare_runner import *
script = (
    "import pathlib, signal\\n"
    "from harness.files.lock import writing\\n"
    "from harness.process.signals import end_at_once\\n"
    "end_at_once()\\n"
    f"with writing(pathlib.Path({folder!r}) / 'x' / 'run'):\\n"
    f"    open({folder!r} + '/begun', 'w').close()\\n"
    "    signal.alarm(60)\\n"
    "    signal.pause()"
)
Scripts(Path(folder), {"a": [script]}).run(1)
"""


def test_programs_end_with_the_one_that_started_them(tmp_path):
    """It is killed; who comes next waits for what it has left running."""
    code = f"folder = {str(tmp_path)!r}\n{STARTED}"
    runner = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent)
    while not (tmp_path / "begun").exists():
        assert runner.poll() is None
        time.sleep(0.01)
    runner.kill()
    runner.wait()
    said: list[str] = []
    wait_for_writers(tmp_path, said.append)
    assert said == [f"waiting for the process that still writes {tmp_path / 'x' / 'run'}"]
    with writing(tmp_path / "x" / "run"):
        pass
    assert log_of(tmp_path / "a").read_text() == "stopped\n"


# Cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="nothing is pinned here")
def test_programs_share_the_cores_out(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5, 7})
    for jobs in (1, 2, 3, 5):
        parts = shared_cores(jobs)
        assert sorted(core for part in parts for core in part) == [0, 1, 2, 5, 7]
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    crowded = shared_cores(7)
    assert len(crowded) == 7
    assert all(len(part) == 1 for part in crowded)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="nothing is pinned here")
def test_a_program_runs_on_its_cores_and_this_process_where_it_was(tmp_path):
    own = os.sched_getaffinity(0)
    last = frozenset([max(own)])
    with on_cores(last):
        assert os.sched_getaffinity(0) == last
    assert os.sched_getaffinity(0) == own
    script = "import os; DONE.write(str(len(os.sched_getaffinity(0))))"
    scripts = Scripts(tmp_path, {"a": [script]})
    scripts.run(len(own))
    assert scripts.file("a", 0).read_text() == "1"


# What is read of running jobs


def test_the_last_error_line_is_found(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"error: old\nnow\nerror: new one\nand more\n\xff\n")
    assert last_error(log, 0) == "new one"
    assert last_error(log, len("error: old\nnow\nerror: new one\n")) == ""
    log.write_bytes(b"now\nTraceback (most recent call last):\n  x\nValueError: \xff\n")
    assert last_error(log, 0) == "ValueError: \ufffd"
    assert last_error(log, 10**6) == ""


def test_progress_is_read_from_the_newest_figures(tmp_path):
    assert progress(tmp_path) == (0, None)
    lines = [{"steps": s, "seconds": s / 9, "episode/return": s % 7} for s in range(0, 5_000, 2)]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"steps": 99999'
    (tmp_path / "metrics.jsonl").write_text(text + "\nnull\n[]\n{}\n")
    steps, score = progress(tmp_path)
    assert steps == 4_998
    assert score == pytest.approx(sum(line["episode/return"] for line in lines[-20:]) / 20)
    assert len(read_figures(tmp_path / "metrics.jsonl")) == 2_500

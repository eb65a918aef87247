"""Many programs, a few at a time: the jobs of a comparison, each on cores of its own.

waiting -> running -> finished
                   -> failed     says why; the others go on
                   -> waiting    stopped by a signal; a later call goes on
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.compare.design import Job
from harness.compare.status import Status, Watch
from harness.process.signals import Interrupted, child_environment, received_by, suspended_along
from harness.text import ROOT

POLL_INTERVAL = 0.1
"""Seconds between two looks at the running programs."""


class Stage(NamedTuple):
    """A program that brings a job on."""

    name: str
    """What it is doing, for people: `training`."""
    command: list[str]
    result: Path | None = None
    """File that it makes anew."""


Next = Callable[[Job], Stage | None]
"""The next stage of a job, as its files are now; None for a finished one."""


@dataclass
class _Slot:
    """Cores, and what runs on them."""

    cores: frozenset[int]
    status: Status | None = None
    process: subprocess.Popen[bytes] | None = None
    log_from: int = field(default=0)
    """Bytes that the log had before this program."""
    signals_sent: int = 0
    """To this program (count)."""


class Runner:
    """Brings jobs to their end, `jobs_at_once` at a time."""

    def __init__(self, jobs_at_once: int, watch: Watch) -> None:
        self._slots = [_Slot(cores) for cores in shared_cores(jobs_at_once)]
        self._watch = watch
        self._signals: list[int] = []

    def run(
        self, statuses: Sequence[Status], next_stage: Next, of_all: Sequence[Status] = ()
    ) -> None:
        """Run what is not finished; the states tell what happened. What is shown is that of
        `of_all`, if these are only some. Raises Interrupted after a signal, when all programs have
        ended."""
        waiting = iter([status for status in statuses if status.state == "waiting"])
        with received_by(self._receive), suspended_along(self._groups), self._ending_all():
            while True:
                for slot in self._slots:
                    self._tend(slot, next_stage)
                    while slot.process is None and not self._signals:
                        if (status := next(waiting, None)) is None:
                            break
                        self._begin(slot, status, next_stage)
                    self._tell(slot)
                if not any(slot.process for slot in self._slots):
                    break
                self._watch.look(of_all or statuses)
                time.sleep(POLL_INTERVAL)
        if self._signals:
            raise Interrupted(self._signals[0])

    def _begin(self, slot: _Slot, status: Status, next_stage: Next) -> None:
        """Start the next stage of a job on a slot, unless there is none."""
        stage = next_stage(status.job)
        if stage is None:
            status.state, status.stage = "finished", ""
            self._watch.over(status)
            return
        if status.state == "running" and stage.name == status.stage:
            self._fail(status, f"{stage.name} ended without a result")
            return
        status.state, status.stage = "running", stage.name
        if stage.result:
            stage.result.unlink(missing_ok=True)
        log = log_of(status.run_dir)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, on_cores(slot.cores):
            slot.log_from = output.tell()
            slot.status, slot.signals_sent = status, 0
            slot.process = subprocess.Popen(
                stage.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(slot.cores),
                # Signals reach this process alone, which hands them on.
                start_new_session=True,
            )
        self._watch.begins(status)

    def _tend(self, slot: _Slot, next_stage: Next) -> None:
        """Look whether a slot's program has ended, and go on with its job."""
        if slot.process is None or slot.process.poll() is None:
            return
        assert slot.status
        status, code = slot.status, slot.process.returncode
        slot.status = slot.process = None
        if self._signals:
            status.state = "waiting"
        elif code:
            line = last_error(log_of(status.run_dir), slot.log_from)
            self._fail(status, line or f"{status.stage} {how_it_ended(code)}")
        else:
            self._begin(slot, status, next_stage)

    def _fail(self, status: Status, problem: str) -> None:
        status.state, status.problem = "failed", problem
        self._watch.over(status)

    @contextmanager
    def _ending_all(self) -> Iterator[None]:
        """Whatever happens, no program is left behind."""
        try:
            yield
        finally:
            for process in [slot.process for slot in self._slots if slot.process]:
                process.terminate()  # only after an error here
                process.wait()

    def _groups(self) -> list[int]:
        """Of the programs that run, each in a session of its own."""
        return [slot.process.pid for slot in self._slots if slot.process]

    def _receive(self, number: int) -> None:
        self._signals.append(number)
        if len(self._signals) == 1:
            self._watch.say("stopping: runs that train write a checkpoint")

    def _tell(self, slot: _Slot) -> None:
        """Hand on the signals that came, also to a program that was being started then."""
        if slot.process and slot.signals_sent < len(self._signals):
            slot.signals_sent = len(self._signals)
            slot.process.terminate()


def shared_cores(jobs: int) -> list[frozenset[int]]:
    """The cores of each of `jobs` programs: those of this process in equal parts; with more jobs
    than cores several share one. Empty sets where the system pins nothing."""
    if not hasattr(os, "sched_getaffinity"):
        return [frozenset()] * jobs
    cores = sorted(os.sched_getaffinity(0))
    return [frozenset(cores[i % len(cores) :: jobs]) for i in range(jobs)]


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """What is started meanwhile runs on these cores, all its threads too."""
    if not cores:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _environment(cores: frozenset[int]) -> dict[str, str]:
    """Of a program: output as it comes, the project's own modules, an end with this process, and no
    core that is another's where cores cannot be pinned."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    limits = {} if cores else {"OMP_NUM_THREADS": "1"}
    common = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": path}
    return os.environ | common | child_environment() | limits


def script(name: str, *arguments: object) -> list[str]:
    """Command line of a script of the project."""
    return [sys.executable, str(ROOT / name), *map(str, arguments)]


def module(name: str, *arguments: object) -> list[str]:
    """Command line of a module of the project."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def log_of(run_dir: Path) -> Path:
    """What the programs of a run print."""
    return run_dir.with_name(run_dir.name + ".log")


def last_error(log: Path, begin: int) -> str:
    """The last line that begins with `error:` behind byte `begin` of a log, without that word, or
    the last line of a traceback; empty where there is none."""
    text = log.read_bytes()[begin:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
    crashed = any(line.startswith("Traceback (most recent call last)") for line in lines)
    return (errors or (lines if crashed else []) or [""])[-1]


def how_it_ended(code: int) -> str:
    """What the exit code of a program tells."""
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"was killed by {name}{' (no memory left?)' if name == 'SIGKILL' else ''}"

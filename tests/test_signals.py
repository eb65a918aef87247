"""Signals, sent to this process and to real ones: one line, the right exit code, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from harness.process.signals import ENDING, Interrupted, exit_code, interrupt, received_by
from train import StopSignal

ROOT = Path(__file__).resolve().parent.parent
SHOWN = "\x1b[?25h"
"""What lets a terminal show its cursor."""


def test_one_request_is_received_once() -> None:
    """However many signals it is sent as, and each exactly so often as it is asked."""
    for number in ENDING:
        heard: list[int] = []
        before = signal.getsignal(number)
        with received_by(heard.append):
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
        assert heard == [number]
        assert signal.getsignal(number) is before


def test_what_was_ignored_stays_ignored_but_for_ctrl_c() -> None:
    heard: list[int] = []
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        with received_by(heard.append):
            for number in ENDING:
                os.kill(os.getpid(), number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert heard == [signal.SIGINT]


def test_exit_codes_are_those_of_a_shell() -> None:
    with pytest.raises(Interrupted) as stop:
        interrupt(signal.SIGHUP)
    assert exit_code(stop.value) == 129
    assert exit_code(KeyboardInterrupt()) == 130


def test_a_second_request_ends_training_without_waiting_for_its_step() -> None:
    stop = StopSignal()
    stop(signal.SIGUSR1)
    assert stop.received == signal.SIGUSR1
    with pytest.raises(Interrupted):
        stop(signal.SIGINT)


@pytest.mark.parametrize(
    ("script", "module"), [("train.py", "torch._utils"), ("evaluate.py", "tyro._singleton")]
)
def test_ctrl_c_while_it_imports_is_one_line(script: str, module: str) -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / script), "score", "--help"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any(line.endswith(f" {module}\n") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    said = [line for line in process.stderr if not line.startswith("import time:")]
    assert process.wait(timeout=60) == 130
    assert said == ["stopped\n"]


@pytest.mark.parametrize(
    ("options", "begun", "number"),
    [
        (("--in", "page"), "writing", signal.SIGINT),
        (("--in", "terminal"), "space pause", signal.SIGTERM),
        (("--in", "terminal"), "space pause", signal.SIGHUP),
    ],
)
def test_a_terminal_is_given_back_and_no_file_left(
    file: Path, options: tuple[str, ...], begun: str, number: signal.Signals
) -> None:
    """Also in the background of a script, whose shell has Ctrl-C ignored."""
    command = [sys.executable, str(ROOT / "evaluate.py"), "replay", str(file), *options]
    far, near = os.openpty()
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$0" "$@"', *command],
        stdin=near, stdout=near, stderr=near, env=os.environ | {"TERM": "xterm", "COLUMNS": "90"},
    )  # fmt: skip
    os.close(near)
    said = ""
    with os.fdopen(far, "rb", 0) as terminal:
        while begun not in said:
            said += terminal.read(4096).decode(errors="replace")
        process.send_signal(signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        process.send_signal(signal.SIGCONT)
        while SHOWN not in said:
            said += terminal.read(4096).decode(errors="replace")
        process.send_signal(number)
        with suppress(OSError):  # told where the other side has closed it
            while more := terminal.read(4096):
                said += more.decode(errors="replace")
        assert process.wait(timeout=60) == 128 + number, said
    assert said.rindex("\x1b[?25l") < said.rindex(SHOWN)
    assert said.count("stopped") == 1
    assert "Traceback" not in said
    assert [one.name for one in file.parent.iterdir()] == [file.name]

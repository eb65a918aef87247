"""Whatever becomes of standard output, the program goes on and its exit code is its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import pytest

import evaluate
from harness.process import streams
from harness.process.streams import refused

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "import sys; from harness.process.streams import *; install_streams();"
WORK = f"{BEGIN} [print('line', i) for i in range(20000)]; open('done', 'w'); sys.exit(3)"


def started(script: str, folder: Path, stdout: int, **variables: str) -> subprocess.Popen[bytes]:
    """A program, in a folder; its standard error is a pipe."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", script]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=stdout, stderr=subprocess.PIPE, bufsize=0
    )


def ended(program: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    """What it said on standard error, and its exit code."""
    assert program.stderr
    with program.stderr as errors:
        return errors.read(), program.wait()


def test_a_reader_that_has_seen_enough_ends_nothing(tmp_path: Path) -> None:
    program = started(WORK, tmp_path, subprocess.PIPE)
    assert program.stdout
    assert program.stdout.read(1) == b"l"
    program.stdout.close()
    assert ended(program) == (b"", 3)
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("place", ["terminal", "/dev/full"])
def test_nor_does_a_terminal_that_hung_up_or_a_full_disk(place: str, tmp_path: Path) -> None:
    far, near = os.openpty() if place == "terminal" else (None, os.open(place, os.O_WRONLY))
    if far:
        os.close(far)
    program = started(WORK, tmp_path, near)
    os.close(near)
    assert ended(program) == (b"", 3)
    assert (tmp_path / "done").exists()


def test_a_terminal_that_stands_still_holds_nothing_up(tmp_path: Path) -> None:
    """Ctrl-S stops it, Ctrl-Q lets it go on."""
    script = f"import harness.process.streams as s; s._MAX_WAIT = 0; s.never_wait_long(); {WORK}"
    far, near = os.openpty()
    termios.tcflow(near, termios.TCOOFF)
    program = started(script, tmp_path, near)
    assert ended(program) == (b"", 3)
    assert (tmp_path / "done").exists()
    termios.tcflow(near, termios.TCOON)
    os.close(near)
    os.close(far)


def test_what_comes_after_it_goes_on_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = os.openpty()
    stream = streams._SafeStream(near, "w", closefd=False)
    monkeypatch.setattr(stream, "max_wait", 0)
    termios.tcflow(near, termios.TCOOFF)
    stream.write(b"lost")
    termios.tcflow(near, termios.TCOON)
    stream.write(b"seen")
    assert os.read(far, 100) == b"seen"
    os.close(near)
    os.close(far)


def test_closed_descriptors_are_no_other_files(tmp_path: Path) -> None:
    """The first file to be opened gets the least number that is free."""
    script = f"{BEGIN} f = open('file', 'w'); print('x'); print('x', file=sys.stderr)"
    script += "; sys.exit(f.fileno())"
    command = f"{shlex.join([sys.executable, '-c', script])} <&- >&- 2>&-"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, shell=True, cwd=tmp_path, env=environment).returncode == 3
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", b"a?[b] ?\xff"),
        ("latin-1", b"a\xe9[b] ?\xff"),
        ("utf-8", b"a\xc3\xa9[b] \xe2\x96\x88\xff"),
    ],
)
def test_characters_that_an_encoding_lacks_are_replaced(
    encoding: str, printed: bytes, tmp_path: Path
) -> None:
    """Bytes of a file's name stay: it can be copied."""
    script = f"{BEGIN} [print('a\\xe9[b] \\u2588', '\\udcff', sep='', file=f, end='')"
    script += " for f in (sys.stdout, sys.stderr)]"
    program = started(script, tmp_path, subprocess.PIPE, PYTHONIOENCODING=encoding)
    assert program.communicate() == (printed, printed)


def test_a_reader_that_is_slow_gets_all(tmp_path: Path) -> None:
    """Also where the descriptor does not wait for it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    program = started(WORK, tmp_path, writing)
    os.close(writing)
    with open(reading, "rb") as lines:
        assert len(lines.readlines()) == 20_000
    assert ended(program) == (b"", 3)


def test_a_signal_handler_can_print_while_the_program_prints(tmp_path: Path) -> None:
    """With Python's own buffers the rest of what was being printed is lost."""
    script = (
        f"{BEGIN} import signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('signal', flush=True))\n"
        "print('x' * 10_000_000, flush=True)"
    )
    program = started(script, tmp_path, subprocess.PIPE)
    assert program.stdout
    program.stdout.read(1)  # more than fits a pipe is left
    program.send_signal(signal.SIGUSR1)
    printed, said = program.communicate()
    assert said == b""
    assert printed.count(b"x") == 9_999_999
    assert b"signal\n" in printed


def test_a_result_that_was_printed_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It may be all that a command makes; a reader that has seen enough is no loss."""
    stream = SimpleNamespace(flush=lambda: None, buffer=SimpleNamespace(refused="disk full"))
    monkeypatch.setattr(evaluate, "parse", lambda _: SimpleNamespace(run=lambda: 0))
    assert (evaluate.main(), refused()) == (0, "")
    monkeypatch.setattr(sys, "stdout", stream)
    assert evaluate.main() == 1
    assert capfd.readouterr().err == "error: standard output was not written: disk full\n"

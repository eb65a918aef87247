"""What a user can mend is one line and exit code 2; what is our fault is not hidden."""

from __future__ import annotations

import errno
import os
import signal
import threading
from typing import NoReturn

import pytest

from harness.cli.program import run_cli
from harness.errors import UserError
from harness.process.signals import Interrupted


def ended(error: BaseException) -> object:
    def main() -> NoReturn:
        raise error

    with pytest.raises(SystemExit) as stop:
        run_cli(main)
    return stop.value.code


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("give\na name"), "give a name"),
        (MemoryError(), "there is not enough memory for this: ask for less"),
        (RuntimeError("[enforce] DefaultCPUAllocator: can't allocate memory: x"), "there is not e"),
        (UserError("a\x1b[31m\tname"), r"a\x1b[31m\tname"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: make room"),
        (PermissionError(errno.EACCES, "Permission denied", "d/x"), "d/x: Permission denied: get"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "x/y"), "x/y: Not a directory: cho"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "xxx"), "xxx: File name too long: cho"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {line}")
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        RuntimeError("x"),
        OSError(errno.EIO, os.strerror(errno.EIO), "file"),
        PermissionError(errno.EPERM, "Operation not permitted"),
        BrokenPipeError(),
    ],
)
def test_what_nobody_foresaw_keeps_its_traceback(error: Exception) -> None:
    def main() -> NoReturn:
        raise error

    with pytest.raises(type(error)):
        run_cli(main)


def test_an_error_that_a_signal_led_to_is_that_signal(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> NoReturn:
        try:
            raise Interrupted(signal.SIGTERM)
        finally:
            threading.Lock().release()

    with pytest.raises(SystemExit) as stop:
        run_cli(main)
    assert stop.value.code == 143
    assert capsys.readouterr().err == "stopped\n"


def test_a_stopped_program_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "stopped\n"

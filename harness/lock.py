"""One process at a time writes a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UserError


@contextmanager
def writing(run_dir: Path) -> Iterator[None]:
    """Hold a run's folder. The operating system lets it go with the process, however it ends.

    Raises UserError when another process holds it, or the folder cannot be written to.
    """
    file = run_dir / "lock"
    lock = FileLock(file)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"another process{_holder(file)} is writing {run_dir}: stop it first, or choose "
            "another --run-dir"
        ) from None
    except OSError as error:
        raise UserError(
            f"cannot write to {run_dir} ({error.strerror}): choose another --run-dir"
        ) from None
    try:
        with suppress(OSError):  # a full disk: the lock holds all the same
            file.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()


def _holder(file: Path) -> str:
    with suppress(OSError, ValueError):
        return f" ({int(file.read_text())})"
    return ""

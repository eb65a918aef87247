"""One process at a time writes a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UserError


@contextmanager
def writing(run_dir: Path) -> Iterator[None]:
    """Lock a run's folder. The operating system unlocks it when the process ends, however it does.

    Raises UserError if another process holds it, or the folder cannot be written to.
    """
    lock = FileLock(run_dir / "lock")
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"another process is writing {run_dir}: wait until it ends, or stop it first"
        ) from None
    except OSError as error:
        raise UserError(
            f"cannot write to {run_dir}: {error.strerror}; choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def wait_for_writers(folder: Path, say: Callable[[str], object]) -> None:
    """Wait until no process writes a run below `folder`; `say` names the run. Processes that a
    killed program has started soon end, with a checkpoint."""
    for file in sorted(folder.glob("*/**/lock")):
        lock = FileLock(file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            say(f"waiting for the process that still writes {file.parent}")
            lock.acquire(poll_interval=0.1)
        lock.release()

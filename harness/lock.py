"""One process at a time writes a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UserError


@contextmanager
def writing(run_dir: Path) -> Iterator[None]:
    """Hold a run's folder. The operating system lets it go with the process, however it ends.

    Raises UserError when another process holds it, or the folder cannot be written to.
    """
    lock = FileLock(run_dir / "lock")
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(f"another process is writing {run_dir}: stop that one first") from None
    except OSError as error:
        raise UserError(
            f"cannot write to {run_dir}: {error.strerror}; choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()

"""Run train.py and kill it, over and over, each time at another point of the program.

    python tests/support/torture.py RUN KILLS SEED [options of train.py]

Points are counted calls of what changes the run or its folder, in whatever thread. At the one
drawn the process gets SIGKILL; a write that it hits has happened by half. After so many kills the
run is left alone. Every other time the point is of a kind that writes. Prints at which kinds of
points it died, and the last exit code.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import harness.run.checkpoint  # noqa: E402
import train  # noqa: E402
from agent.learner import Learner  # noqa: E402
from envs.stream import Stream  # noqa: E402
from harness.cli.program import run_cli  # noqa: E402

POINTS: list[tuple[Any, str]] = [
    (os, "pwrite"),
    (os, "fsync"),
    (os, "ftruncate"),
    (os, "truncate"),
    (Path, "replace"),
    (Path, "rename"),
    (Path, "mkdir"),
    (Path, "unlink"),
    (Path, "write_text"),
    (shutil, "rmtree"),
    (harness.run.checkpoint, "write_synced"),
    (Stream, "recv"),
    (Learner, "update"),
]


class Death:
    """Counts points, all or those of one kind, and kills at number `limit`."""

    def __init__(self, limit: int, kind: str | None, note: Path) -> None:
        self.limit, self.kind, self.note, self.count = limit, kind, note, 0

    def watch(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.count += self.kind in (None, name)
            if self.count == self.limit and self.kind in (None, name):
                self._kill(name, original, args)
            return original(*args, **kwargs)

        setattr(owner, name, watched)

    def _kill(self, name: str, original: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with self.note.open("a") as file:
            file.write(name + "\n")
        if name == "pwrite":
            original(args[0], args[1][: len(args[1]) // 2], args[2])
        elif name == "write_synced":
            args[0].write_bytes(args[1][: len(args[1]) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


def attempt(
    run_dir: Path, options: list[str], limit: int | None, kind: str | None, note: Path
) -> int:
    """Start or resume the run in a process of its own; its status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    resume = (run_dir / "config.json").exists()
    where = ["--resume", str(run_dir)] if resume else ["--run-dir", str(run_dir), *options]
    sys.argv = ["train.py", *where, "--checkpoint-interval", "0"]
    if limit:
        death = Death(limit, kind, note)
        for owner, name in POINTS:
            death.watch(owner, name)
    try:
        run_cli(train.main)
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))
    finally:
        os._exit(99)


def main() -> None:
    run_dir, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    options, note, drawn = sys.argv[4:], run_dir.with_suffix(".deaths"), random.Random(seed)
    note.touch()
    kinds = cycle((None, "pwrite", None, "write_synced", None, "fsync"))
    statuses = []
    for kind in islice(kinds, kills):
        limit = drawn.randint(1, 20 if kind else 200)
        statuses.append(attempt(run_dir, options, limit, kind, note))
    last = attempt(run_dir, options, None, None, note)
    print(
        json.dumps(
            {
                "killed": sum(status == signal.SIGKILL for status in statuses),
                "at": Counter(note.read_text().split()),
                "others": [status for status in statuses if status != signal.SIGKILL],
                "exit": os.waitstatus_to_exitcode(last),
            }
        )
    )


if __name__ == "__main__":
    main()

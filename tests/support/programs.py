"""The real programs, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
TINY_RUN = (
    "--warmup 100 --num-envs 2 --replay-size 400 --batch-size 4 --precision fp32 "
    "--update-period 50 --eval-every 300 --eval-episodes 1 --max-episode-frames 400"
).split()
"""Options of a run of some hundred steps."""


class Refused(Protocol):
    """What train.py says on standard error of words that it refuses with exit code 2."""

    def __call__(self, *words: str) -> str: ...


def environment(threads: int = 1) -> dict[str, str]:
    """Few threads: several spinning on a busy machine take minutes for what one does in seconds."""
    return os.environ | {"OMP_NUM_THREADS": f"{threads}", "PYTHONUNBUFFERED": "1"}


def program(
    script: str, *arguments: object, code: int = 0, threads: int = 1, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a script of the project to its end, which has to be with this exit code."""
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=900, env=environment(threads)
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def started(
    script: str, *arguments: object, threads: int = 1, **options: Any
) -> subprocess.Popen[str]:
    """A script of the project that runs; its standard output is a pipe if nothing is said."""
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "text": True, "env": environment(threads)} | options
    return subprocess.Popen(command, **options)

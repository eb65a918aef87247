"""Which command, machine and versions produced a result."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from harness.run.hardware import CoreAllocation
from harness.text import ROOT


def versions() -> dict[str, str]:
    """Versions of the libraries that decide a run's numbers."""
    names = ("torch", "numpy", "gymnasium", "ale-py")
    return {
        "python": platform.python_version(),
        **{n: importlib.metadata.version(n) for n in names},
    }


def machine(device: torch.device, allocation: CoreAllocation) -> dict[str, Any]:
    """Processor, use of its cores, and the device that learns."""
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "arrangement": allocation._asdict(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def provenance(device: torch.device, allocation: CoreAllocation) -> dict[str, Any]:
    """Command, date, commit, versions and machine of a result, for JSON."""
    return {
        "command": sys.argv,
        "date": time.strftime("%Y-%m-%d"),
        "git_commit": git_commit(),
        "versions": versions(),
        "machine": machine(device, allocation),
    }


def git_commit() -> str | None:
    """Commit of the working tree, with `+changes` when files differ from it."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + (
            "+changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

"""Which command, machine and versions produced a result."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.run.hardware import CoreAllocation
from harness.text import ROOT


@dataclass(frozen=True)
class Machine:
    """What computed a result."""

    platform: str
    processor: str
    arrangement: dict[str, int]
    """What its cores did, as `CoreAllocation` names it."""
    device: str
    """The one that learned."""


@dataclass(frozen=True)
class Provenance:
    """Where, when and with what a result was made, as JSON files hold it."""

    command: tuple[str, ...]
    date: str
    git_commit: str | None
    versions: dict[str, str]
    machine: Machine

    def pairs(self) -> dict[str, str | dict[str, str]]:
        """What a report says of it, by name."""
        machine, cores = self.machine, self.machine.arrangement.items()
        return {
            "command": shlex.join(self.command),
            "date": self.date,
            "commit": self.git_commit or "unknown",
            "versions": self.versions,
            "machine": {
                "platform": machine.platform,
                "processor": machine.processor,
                **{name: str(count) for name, count in cores},
                "device": machine.device,
            },
        }


def versions() -> dict[str, str]:
    """Versions of the libraries that decide a run's numbers."""
    names = ("torch", "numpy", "gymnasium", "ale-py")
    return {
        "python": platform.python_version(),
        **{n: importlib.metadata.version(n) for n in names},
    }


def machine(device: torch.device, allocation: CoreAllocation) -> Machine:
    """This machine, with what its cores do and the device that learns."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return Machine(platform.platform(), _processor(), allocation._asdict(), name)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def provenance(device: torch.device, allocation: CoreAllocation) -> Provenance:
    """That of what this process makes."""
    here, today = machine(device, allocation), time.strftime("%Y-%m-%d")
    return Provenance(tuple(sys.argv), today, git_commit(), versions(), here)


def git_commit() -> str | None:
    """Commit of the working tree, with `+changes` when files differ from it."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return f"{commit}+changes" if changed else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

"""Where the networks run: the device, and what each usable core does."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Literal, NamedTuple, cast

import torch

from agent.precision import allow_tf32
from harness.errors import UserError
from replay.control_groups import OWN, ROOT, control_groups

MOST_SHARDS = 4
"""Most cores for one update: a quarter of a batch of 32 is small. More were never measured."""

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class CoreAllocation(NamedTuple):
    """What the cores do."""

    cores: int
    """Usable cores."""
    shards: int
    """Cores that share each update."""
    emulator_threads: int
    """Threads that run emulators while the learner learns."""

    def __str__(self) -> str:
        sharing = "one learns" if self.shards == 1 else f"{self.shards} share each update"
        return (
            f"cores: {self.cores} usable; {sharing}, "
            f"emulator threads beside it: {self.emulator_threads}"
        )


def allocate_cores(device: torch.device, num_envs: int) -> CoreAllocation:
    """How a run on `device` with `num_envs` emulators shares the cores."""
    cores = usable_cores()
    shards = min(cores, MOST_SHARDS) if device.type == "cpu" else 1
    return CoreAllocation(cores, shards, min(cores, num_envs))


def prepare_process() -> None:
    """Set up the process, before it starts threads or builds networks."""
    # The program's own threads share an update instead: see agent/core_pool.py and splitting.py.
    torch.set_num_threads(1)
    # Activations far below one slow a CPU down tenfold when they become denormal.
    torch.set_flush_denormal(True)
    # fp32 is fp32 on a CUDA device too, unless tf32 is asked for.
    allow_tf32(False)
    # Sums of bf16 products are fp32 there, too, as they are on a CPU.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let the C library keep freed memory, up to 1 GiB, instead of giving it back.

    Every update takes and frees the same megabytes. If they are given back, each page faults when
    it is used again: a tenth of an update's time on a virtual machine. Only glibc can be told so.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(trim_threshold, 2**30)
        mallopt(mmap_threshold, 2**25)  # the largest it takes


def usable_cores() -> int:
    """Cores of this machine within affinity, container limit and OMP_NUM_THREADS; at least 1."""
    return max(1, min(_affinity(), _cgroup_cores(), _omp_num_threads()))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _omp_num_threads() -> int:
    """The usual limit of torch; none if it is unset or not a number."""
    value = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(value) if value.isdecimal() and int(value) else _affinity()


def _cgroup_cores(root: Path = ROOT, own: Path = OWN) -> int:
    """Cores that the tightest of this process's control groups allows, rounded up."""
    limits = [_affinity()]
    for group in control_groups("cpu", root, own):
        for quota_file, period_file in (
            ("cpu.max", None),
            ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
        ):
            try:
                text = (group / quota_file).read_text()
                text += " " + (group / period_file).read_text() if period_file else ""
                quota, period = (int(number) for number in text.split())
            except (OSError, ValueError):  # "max", or no such file: no limit
                continue
            if quota > 0 and period > 0:
                limits.append(-(-quota // period))
    return min(limits)


def be_deterministic() -> None:
    """Make a CUDA device give the same numbers every time; before it is first used."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def pick_device(name: DeviceName) -> torch.device:
    """The torch device for --device; also calls `prepare_process`.

    Raises UserError if this machine has no such device.
    """
    prepare_process()
    usable = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(cast(DeviceName, device) for device, there in usable.items() if there)
    if not usable[name]:
        raise UserError(f"--device {name}: torch finds no such device here; use --device cpu")
    return torch.device(name)

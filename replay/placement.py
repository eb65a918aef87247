"""Where the replay memory is placed: on the learner's device if it fits, else in main memory."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from replay.control_groups import OWN, ROOT, control_groups
from replay.errors import ReplayTooLarge
from replay.ring import SLOT_BYTES

MARGIN = 0.9
"""Share of the free memory that the replay memory may take."""


def place_replay(slots: int, device: torch.device) -> tuple[torch.device, str]:
    """The device for `slots` transitions, and a line that explains the choice.

    Allocates nothing. Raises ReplayTooLarge when neither `device` nor main memory has room.
    """
    needed = slots * SLOT_BYTES
    # MPS shares main memory, and its index_select is wrong beyond 2^31 elements (pytorch 188756).
    cpu = torch.device("cpu")
    places = [device, cpu] if device.type == "cuda" else [cpu]
    usable = {place: int(free_bytes(place) * MARGIN) for place in places}
    for place, free in usable.items():
        if needed <= free:
            return place, (
                f"replay memory: {slots:,} transitions, {_gb(needed)} on {place} "
                f"({_gb(free)} usable there)"
            )
    largest = max(usable.values()) // SLOT_BYTES
    raise ReplayTooLarge(
        f"a replay memory of {slots:,} transitions needs {_gb(needed)} and "
        f"{_gb(max(usable.values()))} are usable: --replay-size {largest // 1000 * 1000} would fit"
    )


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def free_bytes(device: torch.device) -> int:
    """Free memory of a device within container limits and `ulimit -v` (bytes)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_system_free(), _cgroup_free(), _address_space())


def room_for(size: int, device: torch.device) -> int:
    """How many objects of `size` bytes fit into a device's free memory (count)."""
    return int(free_bytes(device) * MARGIN) // size


def _system_free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cgroup_free(root: Path = ROOT, own: Path = OWN) -> int:
    """Memory left to this process in the tightest of its control groups (bytes). Page cache that
    can be dropped counts as free."""
    free = [2**63]
    for group in control_groups("memory", root, own):
        for limit_file, used_file, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.high", "memory.current", "inactive_file"),  # beyond it Linux throttles
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            try:
                limit = int((group / limit_file).read_text())
                used = int((group / used_file).read_text())
                lines = (group / "memory.stat").read_text().splitlines()
                stat = dict(line.split() for line in lines)
                free.append(max(limit - used + int(stat.get(cache, 0)), 0))
            except (OSError, ValueError):  # "max", or no such file: no limit
                continue
    return min(free)


def _address_space() -> int:
    """Address space left to this process under `ulimit -v` (bytes)."""
    try:
        import resource  # not there on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return 2**63
    return 2**63 if limit == resource.RLIM_INFINITY else max(limit - used, 0)

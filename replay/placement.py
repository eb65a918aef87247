"""Where the replay memory goes: on the learner's device if it fits, else in main memory."""

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
    """The device for `slots` transitions, and a line that says why.

    Nothing is allocated. Raises ReplayTooLarge when neither `device` nor main memory has room.
    """
    need = slots * SLOT_BYTES
    # MPS shares main memory, and its index_select is wrong beyond 2^31 elements (pytorch 188756).
    cpu = torch.device("cpu")
    places = [device, cpu] if device.type == "cuda" else [cpu]
    room = {place: int(free_bytes(place) * MARGIN) for place in places}
    for place, free in room.items():
        if need <= free:
            return place, (
                f"replay memory: {slots:,} transitions, {_gb(need)} on {place} "
                f"({_gb(free)} usable there)"
            )
    largest = max(room.values()) // SLOT_BYTES
    raise ReplayTooLarge(
        f"a replay memory of {slots:,} transitions needs {_gb(need)} and "
        f"{_gb(max(room.values()))} are usable: --replay-size {largest // 1000 * 1000} would fit"
    )


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def free_bytes(device: torch.device) -> int:
    """Memory that a device still has to give, within container limits and `ulimit -v` (bytes)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_system_free(), _cgroup_free(), _address_space())


def room_for(size: int, device: torch.device) -> int:
    """How many things of so many bytes a device has memory for."""
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
    """What the tightest of this process's control groups lets it still take; page cache that can
    be dropped counts as free."""
    free = [2**63]
    for group in control_groups("memory", root, own):
        for limit_file, used_file, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.high", "memory.current", "inactive_file"),  # beyond it all is slowed down
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
    """What `ulimit -v` lets this process still take."""
    try:
        import resource  # not there on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return 2**63
    return 2**63 if limit == resource.RLIM_INFINITY else max(limit - used, 0)

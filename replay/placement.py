"""Where the replay memory goes: on the learner's device if it fits, else in main memory."""

from __future__ import annotations

import os
from pathlib import Path

import torch

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
    """Memory that can still be taken on a device, container limits included (bytes)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_system_free(), _cgroup_free())


def _system_free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cgroup_free(root: Path = Path("/sys/fs/cgroup")) -> int:
    """What the container may still take; page cache that it can drop counts as free."""
    try:
        limit = (root / "memory.max").read_text().strip()
        if limit == "max":
            return 2**63
        used = int((root / "memory.current").read_text())
        stat = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
        return int(limit) - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        return 2**63

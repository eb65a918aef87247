"""The control groups of this process: where Linux keeps the limits of services and containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def control_groups(controller: str, root: Path = ROOT, own: Path = OWN) -> Iterator[Path]:
    """Folders of the groups that may limit this process's `cpu` or `memory`: its own and all above
    them, since the tightest limit counts.

    Lines of /proc/self/cgroup are `0::/path` in version 2 and `4:cpu,cpuacct:/path` in version 1.
    """
    try:
        lines = os.fsdecode(own.read_bytes()).splitlines()
    except OSError:
        lines = []
    # A container may see its own group as the root, under a path that is the host's.
    for line in [*lines, "0::/", f"1:{controller}:/"]:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        here = Path(path.lstrip("/"))
        yield from (top / folder for folder in (here, *here.parents))

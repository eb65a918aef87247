"""Control groups (cgroups) of this process, by which Linux limits services and containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def control_groups(controller: str, root: Path = ROOT, own: Path = OWN) -> Iterator[Path]:
    """Folders of the groups that may limit this process's `cpu` or `memory`: its own groups and all
    their parents. The tightest limit counts.

    Lines of /proc/self/cgroup are `0::/path` in version 2 and `4:cpu,cpuacct:/path` in version 1.
    """
    try:
        lines = os.fsdecode(own.read_bytes()).splitlines()
    except OSError:
        lines = []
    # A container may see its own group as the root, while /proc names it by the host's path.
    for line in [*lines, "0::/", f"1:{controller}:/"]:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        group = Path(path.lstrip("/"))
        yield from (top / folder for folder in (group, *group.parents))

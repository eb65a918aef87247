"""Which cores a run may use, and what it makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.run import hardware
from harness.run.hardware import CoreAllocation, allocate_cores, usable_cores

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def machine(
    monkeypatch: pytest.MonkeyPatch, affinity: int, container: int = 99, omp: str | None = None
) -> None:
    """Pretend to run on a machine."""
    monkeypatch.setattr(hardware, "_affinity", lambda: affinity)
    monkeypatch.setattr(hardware, "_cgroup_cores", lambda: container)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if omp is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", omp)


@pytest.mark.parametrize(
    ("affinity", "container", "omp", "usable"),
    [
        (8, 99, None, 8),
        (8, 2, None, 2),
        (8, 99, "3", 3),
        (2, 99, "16", 2),
        (8, 99, "4,2", 4),
        (8, 99, "0", 8),
        (8, 99, "many", 8),
        (8, 0, None, 1),
    ],
)
def test_the_tightest_limit_counts(
    monkeypatch: pytest.MonkeyPatch, affinity: int, container: int, omp: str | None, usable: int
) -> None:
    machine(monkeypatch, affinity, container, omp)
    assert usable_cores() == usable


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "nonsense\n"}, 64),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
        ({}, 64),
    ],
)
def test_a_containers_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], limit: int
) -> None:
    """In whole cores, rounded up; none where the files say nothing."""
    monkeypatch.setattr(hardware, "_affinity", lambda: 64)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert hardware._cgroup_cores(tmp_path, tmp_path / "no such file") == limit


def test_the_tightest_control_group_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service's own group, and every one above it; groups of other controllers do not."""
    monkeypatch.setattr(hardware, "_affinity", lambda: 64)
    proc = tmp_path / "cgroup"
    proc.write_text("0::/user.slice/mine.service\n7:memory:/tight\n")
    for name, quota in (("user.slice/mine.service", 8), ("user.slice", 5), ("tight", 1)):
        (tmp_path / name).mkdir(exist_ok=True, parents=True)
        (tmp_path / name / "cpu.max").write_text(f"{quota}00000 100000\n")
    assert hardware._cgroup_cores(tmp_path, proc) == 5


@pytest.mark.parametrize(
    ("device", "usable", "num_envs", "expected"),
    [
        (CPU, 1, 8, CoreAllocation(1, 1, 1)),
        (CPU, 2, 8, CoreAllocation(2, 2, 2)),
        (CPU, 64, 8, CoreAllocation(64, 4, 8)),
        (CUDA, 16, 64, CoreAllocation(16, 1, 16)),
    ],
)
def test_arrangements(
    monkeypatch: pytest.MonkeyPatch,
    device: torch.device,
    usable: int,
    num_envs: int,
    expected: CoreAllocation,
) -> None:
    machine(monkeypatch, usable)
    assert allocate_cores(device, num_envs) == expected


def test_the_decision_in_words() -> None:
    assert str(CoreAllocation(2, 2, 2)) == (
        "cores: 2 usable; 2 share each update, emulator threads beside it: 2"
    )
    assert "one learns," in str(CoreAllocation(1, 1, 1))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_pinned_process_uses_its_core_alone() -> None:
    """As a real process sees it, `taskset` included; torch's own threads stay out of it."""
    code = (
        "import os, torch; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from harness.run.hardware import prepare_process, usable_cores; prepare_process();"
        "print(usable_cores(), torch.get_num_threads())"
    )
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert found.stdout.split() == ["1", "1"], found.stderr

"""Where the replay memory goes, and what is said when it fits nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import train
from replay import placement
from replay.errors import ReplayTooLarge
from replay.placement import MARGIN, place_replay
from replay.ring import SLOT_BYTES
from support.programs import Refused

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
GB = 10**9


def free(monkeypatch: pytest.MonkeyPatch, **by_type: float) -> None:
    """Pretend that devices have so many bytes left."""
    monkeypatch.setattr(placement, "free_bytes", lambda device: int(by_type[device.type]))


def test_a_million_transitions_fit_in_7_2_gb() -> None:
    """28 to 56 GB in peers."""
    assert SLOT_BYTES <= 7_200
    assert SLOT_BYTES == 84 * 84 + 1 + 4 + 1


def test_it_goes_beside_the_learner_when_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, cuda=8 * GB, cpu=100 * GB)
    device, line = place_replay(1_000_000, CUDA)
    assert device == CUDA
    assert line == "replay memory: 1,000,000 transitions, 7.06 GB on cuda (7.20 GB usable there)"


def test_it_falls_back_to_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, cuda=4 * GB, cpu=100 * GB)
    device, line = place_replay(1_000_000, CUDA)
    assert device == CPU
    assert "on cpu" in line


def test_mps_shares_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring stays with the CPU: MPS cannot index that far."""
    free(monkeypatch, mps=100 * GB, cpu=100 * GB)
    assert place_replay(1_000_000, MPS)[0] == torch.device("cpu")


def test_some_memory_is_left_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine tenths may be taken, to the byte."""
    slots = 1000
    just_enough = int(slots * SLOT_BYTES / MARGIN) + 1
    free(monkeypatch, cpu=just_enough)
    assert place_replay(slots, CPU)[0] == CPU
    free(monkeypatch, cpu=just_enough - 2)
    with pytest.raises(ReplayTooLarge):
        place_replay(slots, CPU)


def test_the_size_in_the_message_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, cuda=3 * GB, cpu=5 * GB)
    with pytest.raises(ReplayTooLarge, match=r"1,000,000 transitions needs 7\.06 GB") as caught:
        place_replay(1_000_000, CUDA)
    found = re.search(r"--replay-size (\d+) would fit", str(caught.value))
    assert found
    assert "\n" not in str(caught.value)
    size = int(found[1])
    assert place_replay(size, CUDA)[0] == CPU
    with pytest.raises(ReplayTooLarge):
        place_replay(size + 1000, CUDA)


def test_a_run_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    """One line and exit code 2; no tensor, no emulator and no folder before it."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("made before the memory was checked")

    free(monkeypatch, cpu=GB, cuda=GB, mps=GB)
    monkeypatch.setattr(torch, "set_flush_denormal", lambda _: True)
    for name in ("assemble", "writing", "create_run_dir"):
        monkeypatch.setattr(train, name, forbidden)
    message = refused("--replay-size", "1000000", "--run-dir", str(tmp_path / "run"))
    assert message.startswith("error: a replay memory of 1,000,000 transitions needs")
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


NAMES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def cgroup(group: Path, limit: object, used: int = 0, cache: int = 0, version: int = 2) -> Path:
    """Write the files of a control group; its folder."""
    limit_file, used_file, cached = NAMES[version]
    group.mkdir(parents=True, exist_ok=True)
    (group / limit_file).write_text(f"{limit}\n")
    (group / used_file).write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 12345\nfile 999\n{cached} {cache}\nslab 7\n")
    return group


def limit_of(root: Path, *lines: str) -> int:
    """Bytes left to a process whose /proc/self/cgroup has these lines."""
    (root / "own").write_text("\n".join(lines))
    return placement._cgroup_free(root, root / "own")


@pytest.mark.parametrize(("version", "top"), [(2, "."), (1, "memory")])
def test_a_containers_limit_counts(tmp_path: Path, version: int, top: str) -> None:
    """Page cache that can be dropped is free: 8 - 3 + 1 GB."""
    cgroup(tmp_path / top, 8 * GB, used=3 * GB, cache=GB, version=version)
    assert limit_of(tmp_path) == 6 * GB


@pytest.mark.parametrize(
    ("version", "top", "line"),
    [(2, ".", "0::/user.slice/mine.service"), (1, "memory", "9:memory:/user.slice/mine.service")],
)
@pytest.mark.parametrize(("outer", "inner"), [(5, 8), (8, 5)])
def test_the_tightest_group_counts(
    tmp_path: Path, version: int, top: str, line: str, outer: int, inner: int
) -> None:
    """A service's own group and those above it; a group of another controller does not."""
    user = tmp_path / top / "user.slice"
    cgroup(user / "mine.service", inner * GB, used=GB, version=version)
    cgroup(user, outer * GB, used=GB, version=version)
    cgroup(tmp_path / top / "other", GB, version=version)
    assert limit_of(tmp_path, "4:cpu,cpuacct:/other", line) == 4 * GB


def test_a_limit_that_slows_down_counts(tmp_path: Path) -> None:
    (cgroup(tmp_path, "max", used=GB) / "memory.high").write_text(f"{3 * GB}\n")
    assert limit_of(tmp_path) == 2 * GB


def test_a_group_beyond_its_limit_has_nothing_left(tmp_path: Path) -> None:
    cgroup(tmp_path, GB, used=2 * GB)
    assert limit_of(tmp_path) == 0


@pytest.mark.parametrize("limit", ["max", "lots", 2**63 - 4096])
def test_no_limit(tmp_path: Path, limit: object) -> None:
    """Nor where there is no group at all."""
    cgroup(tmp_path / "memory", limit, version=1)
    assert limit_of(cgroup(tmp_path, limit)) > 2**60
    assert limit_of(tmp_path / "memory") > 2**60


def test_a_limit_of_the_address_space_counts() -> None:
    """`ulimit -v` in kB; a new process, since the limit cannot be lifted again."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32));"
        "from replay.placement import free_bytes; import torch;"
        "print(free_bytes(torch.device('cpu')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 0 < int(result.stdout) < 2**32, result.stderr


def test_the_smaller_of_system_and_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for system, container in ((3, 5), (5, 3)):
        monkeypatch.setattr(placement, "_system_free", lambda system=system: system)
        monkeypatch.setattr(placement, "_cgroup_free", lambda container=container: container)
        assert placement.free_bytes(CPU) == 3


def test_this_machines_memory_is_plausible() -> None:
    assert 10**8 < placement.free_bytes(CPU) < 10**14

"""Where the replay memory goes, and what is said when it fits nowhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

import train
from harness.errors import run_cli
from replay import placement
from replay.errors import ReplayTooLarge
from replay.placement import MARGIN, place_replay
from replay.ring import SLOT_BYTES

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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit code 2; no tensor, no emulator and no folder before it."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("made before the memory was checked")

    free(monkeypatch, cpu=GB, cuda=GB, mps=GB)
    monkeypatch.setattr(torch, "set_flush_denormal", lambda _: True)
    for name in ("assemble", "writing", "create_run_dir"):
        monkeypatch.setattr(train, name, forbidden)
    run_dir = tmp_path / "run"
    monkeypatch.setattr(
        sys, "argv", ["train.py", "--replay-size", "1000000", "--run-dir", str(run_dir)]
    )
    with pytest.raises(SystemExit) as exit_:
        run_cli(train.main)
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: a replay memory of 1,000,000 transitions needs")
    assert said.count("\n") == 1
    assert not run_dir.exists()


def cgroup(root: Path, limit: str, current: int = 0, inactive_file: int = 0) -> Path:
    (root / "memory.max").write_text(f"{limit}\n")
    (root / "memory.current").write_text(f"{current}\n")
    stat = f"anon 12345\nfile 999\ninactive_file {inactive_file}\nslab 7\n"
    (root / "memory.stat").write_text(stat)
    return root


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    """Page cache that can be dropped is free: 8 - 3 + 1 GB."""
    root = cgroup(tmp_path, str(8 * GB), current=3 * GB, inactive_file=GB)
    assert placement._cgroup_free(root) == 6 * GB


def test_a_container_without_a_limit(tmp_path: Path) -> None:
    assert placement._cgroup_free(cgroup(tmp_path, "max")) > 2**60


def test_no_container_at_all(tmp_path: Path) -> None:
    assert placement._cgroup_free(tmp_path / "nothing") > 2**60


def test_unreadable_limits_are_no_limit(tmp_path: Path) -> None:
    assert placement._cgroup_free(cgroup(tmp_path, "lots")) > 2**60


def test_the_smaller_of_system_and_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for system, container in ((3, 5), (5, 3)):
        monkeypatch.setattr(placement, "_system_free", lambda system=system: system)
        monkeypatch.setattr(placement, "_cgroup_free", lambda container=container: container)
        assert placement.free_bytes(CPU) == 3


def test_this_machines_memory_is_plausible() -> None:
    assert 10**8 < placement.free_bytes(CPU) < 10**14

"""Checkpoints survive a crash at any point of their writing, and damaged ones are refused."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.errors import UserError
from harness.files.atomic import write_synced
from harness.run import checkpoint
from harness.run.checkpoint import (
    CheckpointState,
    find_checkpoint,
    read_state,
    read_tensors,
    read_whole,
    save_checkpoint,
)

STATE = CheckpointState(settings={}, num_actions=3, steps=100, updates=10, score=None)


def weights(value: float) -> dict[str, Tensor]:
    return {"online.w": torch.full((2, 3), value), "target.w": torch.zeros(2, 3)}


def save(folder: Path, value: int) -> None:
    save_checkpoint(folder, weights(value), replace(STATE, steps=value))


def held(folder: Path) -> tuple[int, float]:
    """Steps and weight of a checkpoint: both of one writing."""
    state = read_state(folder)
    return state.steps, float(read_tensors(folder, "network", state)["w"][0, 0])


@pytest.mark.parametrize("crash_at", range(1, 10))
def test_a_crash_while_writing_leaves_a_whole_checkpoint(
    crash_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before its n-th change of the folder; the next start finds the old
    checkpoint or the new one, and can write again."""
    last = tmp_path / "last"
    save(last, 1)
    calls = 0

    def dying(original):  # type: ignore[no-untyped-def]
        def call(*arguments, **options):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls == crash_at:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dying(Path.rename))
        patched.setattr(Path, "mkdir", dying(Path.mkdir))
        patched.setattr("harness.run.checkpoint.write_synced", dying(write_synced))
        patched.setattr("harness.run.checkpoint.shutil.rmtree", dying(shutil.rmtree))
        try:
            save(last, 2)
        except KeyboardInterrupt:
            pass
        else:
            assert calls < crash_at
    assert held(find_checkpoint(tmp_path)) in ((1, 1.0), (2, 2.0))
    save(last, 3)
    assert held(find_checkpoint(tmp_path)) == (3, 3.0)
    assert {path.name for path in tmp_path.iterdir()} == {"last"}


class Writing(threading.Thread):
    """A run that writes one checkpoint after the other, as fast as it can, until it is told."""

    def __init__(self, folder: Path, *, keep_old: bool) -> None:
        super().__init__(daemon=True)
        self._folder, self._keep_old, self.over = folder, keep_old, threading.Event()
        self.written = 1

    def run(self) -> None:
        while not self.over.is_set():
            self.written += 1
            state = replace(STATE, steps=self.written)
            save_checkpoint(self._folder, weights(self.written), state, keep_old=self._keep_old)


@pytest.mark.parametrize(("name", "keep_old"), [("best", False), ("last", True)])
def test_a_reader_beside_a_writer_sees_one_checkpoint(
    name: str, keep_old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever moment it comes in: never files of two, and never one that is not the newest kind
    there is."""
    monkeypatch.setattr(checkpoint, "sync", lambda path: None)
    monkeypatch.setattr(checkpoint, "write_synced", lambda file, data: file.write_bytes(data))
    save(tmp_path / "last", 1_000_000)
    save(tmp_path / name, 1)
    writing = Writing(tmp_path / name, keep_old=keep_old)
    writing.start()
    try:
        seen = [read_whole(tmp_path, held) for _ in range(300)]
        alive = writing.is_alive()
    finally:
        writing.over.set()
        writing.join()
    assert alive, "the writer failed"
    assert all(steps == weight for steps, weight in seen), "files of two checkpoints"
    assert seen == sorted(seen)
    assert seen[-1][0] > 1, "it saw none that was written meanwhile"


def test_a_damaged_checkpoint_is_not_read_for_ever(tmp_path: Path) -> None:
    save(tmp_path / "last", 1)
    (tmp_path / "last/network.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match="damaged"):
        read_whole(tmp_path, held)


def test_tied_weights_can_be_saved(tmp_path: Path) -> None:
    shared = torch.ones(2, 2)
    save_checkpoint(tmp_path / "last", {"online.a": shared, "online.b": shared}, STATE)
    tensors = read_tensors(tmp_path / "last", "network", read_state(tmp_path / "last"))
    assert tensors.keys() == {"a", "b"}

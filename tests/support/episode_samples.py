"""Episodes to test with, and ways to damage their files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.emulators import EmulatorConfig
from envs.trace import EpisodeTrace

PONG = EmulatorConfig(game="Pong", num_envs=1)
ALL_ACTIONS = replace(PONG, full_action_space=True)
BREAKOUT = EmulatorConfig(game="Breakout", num_envs=2)


def made_up(steps: int, protocol: EmulatorConfig = PONG, seed: int = 0) -> EpisodeTrace:
    """An episode nobody played."""
    rng = np.random.default_rng(seed)
    num_actions = 18 if protocol.full_action_space else 6
    return EpisodeTrace(
        protocol=protocol,
        seed=seed,
        actions=rng.integers(num_actions, size=steps).astype(np.uint8),
        rewards=rng.integers(-1, 2, size=steps).astype(np.int32),
        q_values=rng.normal(size=(steps, num_actions)).astype(np.float32),
        digests=rng.integers(2**32, size=steps + 1).astype(np.uint32),
        truncated=bool(seed % 2),
    )


def rewrite(path: Path, changed: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    """Put other contents into some members of a zip."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()} | changed
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def edit_json(path: Path, **values: object) -> None:
    with zipfile.ZipFile(path) as archive:
        content = json.loads(archive.read("episode.json"))
    rewrite(path, {"episode.json": json.dumps(content | values).encode()})


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def pickled(shape: tuple[int, ...], folder: Path) -> bytes:
    """A .npy file of objects that makes `folder` when it is unpickled."""
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + f"cos\nmkdir\n(V{folder}\ntR.".encode()


def same(one: EpisodeTrace, other: EpisodeTrace) -> bool:
    """Whether all that is kept exactly is equal."""
    return (
        (one.protocol, one.seed, one.truncated) == (other.protocol, other.seed, other.truncated)
        and np.array_equal(one.actions, other.actions)
        and np.array_equal(one.rewards, other.rewards)
        and np.array_equal(one.digests, other.digests)
    )

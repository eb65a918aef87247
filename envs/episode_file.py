"""Recorded episodes on disk: small files from which every frame can be simulated again.

A `.episode` file is a zip (`numpy.load` opens it) of

    episode.json   how it was played and by whom: see EpisodeHeader
    actions.npy    uint8 [T]         index into the header's action names
    rewards.npy    int32 [T]         raw score points
    digests.npy    uint32 [T + 1]    CRC-32 of each frame, the final one included
    q.npy          uint8 [2, A + 1, T]   Q-values, rounded: see envs/q_planes.py

Actions, rewards and digests are exact. Nothing is unpickled (envs/episode_zip.py).
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ale_py
import numpy as np
from pydantic import FiniteFloat

from envs.emulators import FRAMES_PER_STEP, MOST_EPISODE_FRAMES, EmulatorConfig, vector_env
from envs.episode_zip import BadEpisode, array, member, reading
from envs.fields import check_versions, parse
from envs.games import rom_digest
from envs.q_planes import LEVELS, Planes, decode, encode
from envs.trace import EpisodeTrace

FORMAT = 2
"""The newest. Format 2 is an episode cut off as stuck; all others have format 1."""
SUFFIX = ".episode"
MAX_STEPS = MOST_EPISODE_FRAMES // FRAMES_PER_STEP
"""Longest episode a file may hold (steps)."""
MAX_ACTIONS = 18
MAX_JSON = 65_536
"""Largest episode.json (bytes)."""
FIXED_BYTES, BYTES_PER_STEP = 1_500, 19
"""Most bytes of a file are FIXED_BYTES + T * BYTES_PER_STEP, 39.5 kB at 2,000 steps: Q-values are
made coarser until they fit."""


@dataclass(frozen=True)
class EpisodeHeader:
    """The content of episode.json: how to play the episode again, and its outcome."""

    protocol: EmulatorConfig
    """The game and how it was played; `num_envs` is 1."""
    seed: int
    rom_sha256: str
    """SHA-256 of the cartridge file."""
    ale_py: str
    """Version of ale-py that played it."""
    action_names: tuple[str, ...]
    """Name of each action in ALE's words, in the order of the Q-values."""
    score: int
    """Raw, unclipped return."""
    steps: int
    """Length (agent steps)."""
    truncated: bool
    """Whether the frame cap ended it, not the game."""
    top_step: FiniteFloat
    """The largest Q-value of a step is rounded to a multiple of this."""
    gap_step: FiniteFloat
    """How far each Q-value lies below it is rounded to a multiple of this."""
    epsilon: FiniteFloat | None = None
    """Probability of a random action."""
    agent: str | None = None
    """Name of the agent that played."""
    agent_steps: int | None = None
    """How long that agent had been trained (steps)."""
    stuck: bool = False
    """Whether it was cut off because nothing happened any more; only in files of format 2."""


def save_episode(path: Path, trace: EpisodeTrace, **of: Any) -> None:
    """Write an episode, described as `pack_episode` does; the file appears whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(pack_episode(trace, **of))
    os.replace(part, path)


def pack_episode(
    trace: EpisodeTrace,
    *,
    epsilon: float | None = None,
    agent: str | None = None,
    agent_steps: int | None = None,
) -> bytes:
    """The content of an episode's file, the same for the same episode of the same agent.

    The Q-values get the finest resolution with which the file stays within 1.5 kB + 19 bytes a
    step. Raises BadEpisode for an episode of no steps or of more than MAX_STEPS, or one whose
    Q-values are not finite or do not match the game's actions.
    """
    names = action_names(trace.protocol)
    if not 0 < len(trace) <= MAX_STEPS:
        raise BadEpisode(f"an episode file holds 1 to {MAX_STEPS:,} steps, not {len(trace):,}")
    if trace.q_values.shape != (len(trace), len(names)):
        raise BadEpisode(
            f"Q-values of shape {list(trace.q_values.shape)} do not fit {len(trace)} steps "
            f"of {len(names)} actions"
        )
    if not np.isfinite(trace.q_values).all():
        raise BadEpisode("Q-values that are not finite cannot be recorded: the agent diverged")
    header = EpisodeHeader(
        protocol=trace.protocol,
        seed=trace.seed,
        rom_sha256=rom_digest(trace.protocol.game),
        ale_py=ale_py.__version__,
        action_names=names,
        score=trace.score,
        steps=len(trace),
        truncated=trace.truncated,
        top_step=0.0,
        gap_step=0.0,
        epsilon=epsilon,
        agent=agent and agent.encode(errors="replace").decode(),  # half characters are not JSON
        agent_steps=agent_steps,
        stuck=trace.stuck,
    )
    for levels in LEVELS:
        content = _packed(header, trace, encode(trace.q_values, levels))
        if len(content) <= FIXED_BYTES + BYTES_PER_STEP * len(trace):
            break
    return content


def read_header(path: Path) -> EpisodeHeader:
    """The header of an episode file. Raises BadEpisode."""
    with reading(path) as archive:
        return _header(archive)


def load_episode(path: Path) -> EpisodeTrace:
    """The episode in a file. Raises BadEpisode, whose one line names the file, if it is missing,
    damaged, something else, or of a newer format."""
    with reading(path) as archive:
        header = _header(archive)
        steps, num_actions = header.steps, len(header.action_names)
        actions = array(archive, "actions", np.dtype("<u1"), (steps,))
        if int(actions.max()) >= num_actions:
            raise ValueError(f"an action is not among the {num_actions} of the game")
        planes = array(archive, "q", np.dtype("<u1"), (2, num_actions + 1, steps))
        return EpisodeTrace(
            protocol=header.protocol,
            seed=header.seed,
            actions=actions,
            rewards=array(archive, "rewards", np.dtype("<i4"), (steps,)),
            q_values=decode(Planes(planes, header.top_step, header.gap_step)),
            digests=array(archive, "digests", np.dtype("<u4"), (steps + 1,)),
            truncated=header.truncated,
            stuck=header.stuck,
        )


@cache
def action_names(protocol: EmulatorConfig) -> tuple[str, ...]:
    """ALE's names of the actions [A] that `protocol` offers: NOOP, FIRE, UPRIGHT, ..."""
    env = vector_env(protocol, num_threads=1)
    try:
        return tuple(action.name for action in env.ale.get_action_set())
    finally:
        env.close()


def _packed(header: EpisodeHeader, trace: EpisodeTrace, q: Planes) -> bytes:
    described = {**asdict(header), "top_step": q.top_step, "gap_step": q.gap_step}
    if not header.stuck:  # older programs can read it
        del described["stuck"]
    version = FORMAT if header.stuck else 1
    members: dict[str, bytes] = {
        "episode.json": json.dumps({"format": version, **described}).encode()
    }
    arrays = {
        "actions": trace.actions.astype("<u1"),
        "rewards": trace.rewards.astype("<i4"),
        "digests": trace.digests.astype("<u4"),
        "q": q.planes,
    }
    for name, values in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, values, allow_pickle=False)
        members[f"{name}.npy"] = stream.getvalue()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            # A ZipInfo of its own carries no clock: the same episode is the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def _header(archive: zipfile.ZipFile) -> EpisodeHeader:
    text = member(archive, "episode.json", MAX_JSON)
    header = parse(EpisodeHeader, text, FORMAT, optional=("stuck",))
    if not 0 < len(header.action_names) <= MAX_ACTIONS:
        raise ValueError(f"action_names must be a list of 1 to {MAX_ACTIONS} names")
    if not (0 < header.steps <= MAX_STEPS and 0 <= header.seed < 2**31):
        raise ValueError(f"it claims {header.steps} steps from seed {header.seed}")
    check_versions(header.ale_py, header.rom_sha256)
    return header

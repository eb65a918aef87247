"""Whether an episode is the same when it is simulated again."""

from __future__ import annotations

from collections.abc import Iterable

import ale_py

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader, action_names
from envs.games import rom_digest
from envs.trace import EpisodeTrace, Moment, frame_digest
from harness.console import warn
from harness.errors import UserError


def check_emulator(header: EpisodeHeader | LogHeader, *, strict: bool) -> None:
    """Warn on standard error where another version of ale-py recorded the episode. Raises UserError
    as `check_cartridge`, and with `strict` instead of the warning."""
    check_cartridge(header)
    if header.ale_py != ale_py.__version__:
        versions = f"recorded with ale-py {header.ale_py}, here is {ale_py.__version__}"
        if strict:
            raise UserError(f"{versions}: install that one to verify the episode")
        warn(f"{versions}; the game may go another way")


def check_cartridge(header: EpisodeHeader | LogHeader) -> None:
    """Raises UserError where the game or its actions differ from the recorded ones."""
    game = header.protocol.game
    if isinstance(header, EpisodeHeader) and header.action_names != action_names(header.protocol):
        raise UserError(f"the episode's actions are not those of {game} here")
    if (here := rom_digest(game)) != header.rom_sha256:
        raise UserError(
            f"the episode was recorded with another cartridge of {game} (SHA-256 "
            f"{header.rom_sha256[:12]}..., here {here[:12]}...): install ale-py {header.ale_py}"
        )


def first_difference(trace: EpisodeTrace, score: int, moments: Iterable[Moment]) -> str | None:
    """Where and how a new simulation first departs from the recording; None if it never does.

    `moments` holds one for each of the T steps and one for the final frame.
    """
    simulated, ended = 0, False
    for step, moment in enumerate(moments):
        if len(trace.digests) and (digest := frame_digest(moment.frame)) != trace.digests[step]:
            return f"frame {step} has digest {digest:08x}, recorded {trace.digests[step]:08x}"
        ended = moment.ended
        if step == len(trace):
            break
        if moment.reward != trace.rewards[step]:
            return f"step {step} brings reward {moment.reward}, recorded {trace.rewards[step]}"
        simulated = step + 1
        if ended and simulated < len(trace):
            return f"the game is over after {simulated:,} steps, recorded {len(trace):,}"
    if not (ended or trace.stuck):
        return f"the game goes on after {simulated:,} steps, recorded as its end"
    if ended and trace.stuck:
        return f"the game is over after {simulated:,} steps, recorded as stuck"
    if score != trace.score:
        return f"the score is {trace.score:,}, recorded {score:,}"
    return None

"""Game names: what people write, and what the emulator calls it."""

from __future__ import annotations

import difflib
import hashlib
import re
from functools import cache
from pathlib import Path

from ale_py import roms

# ALE ships these cartridges for several human players only; they have no single-player mode.
MULTIPLAYER_ONLY = frozenset({"combat", "joust", "maze_craze", "warlords"})


class UnknownGame(ValueError):
    """A game name that no cartridge answers to; the message holds the closest matches."""


@cache
def all_games() -> tuple[str, ...]:
    """Every playable game in ALE's snake_case, sorted."""
    return tuple(sorted(set(roms.get_all_rom_ids()) - MULTIPLAYER_ONLY))


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _bare(name: str) -> str:
    """`ALE/Pong-v5`, `PongNoFrameskip-v4` and `PongDeterministic-v0` -> `Pong`."""
    name = name.strip().rpartition("/")[2]
    return re.sub(r"(NoFrameskip|Deterministic)?-v\d+$", "", name)


def game_id(name: str) -> str:
    """ALE's snake_case id of a game as people write it: `SpaceInvaders`, `space_invaders`,
    `space-invaders` and `ALE/SpaceInvaders-v5` are all `space_invaders`.

    Raises UnknownGame, with the closest matches, when no game has that name.
    """
    wanted = _squash(_bare(name))
    by_squashed = {_squash(game): game for game in all_games()}
    if wanted in by_squashed:
        return by_squashed[wanted]
    if wanted in map(_squash, MULTIPLAYER_ONLY):
        raise UnknownGame(f"ALE has no single-player mode of {name}: choose another game")
    close = difflib.get_close_matches(wanted, by_squashed, n=3, cutoff=0.5)
    hint = (
        f"did you mean {', '.join(game_title(by_squashed[c]) for c in close)}?"
        if close
        else f"choose from {', '.join(map(game_title, all_games()))}"
    )
    raise UnknownGame(f"unknown game {name!r}: {hint}")


def game_title(game: str) -> str:
    """`space_invaders` -> `SpaceInvaders`, the name used for folders and tables."""
    return game.title().replace("_", "")


def rom_path(game: str) -> Path:
    """File of the game's cartridge inside the installed ale-py."""
    path = roms.get_rom_path(game)
    if path is None:
        raise UnknownGame(f"ale-py has no cartridge for {game!r}")
    return Path(path)


@cache
def rom_digest(game: str) -> str:
    """SHA-256 of the installed cartridge of `game`, in hexadecimal."""
    return hashlib.sha256(rom_path(game).read_bytes()).hexdigest()

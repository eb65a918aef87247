"""Game names: what people write, and what the emulator calls it."""

from __future__ import annotations

import difflib
import hashlib
import re
from functools import cache
from pathlib import Path

from ale_py import roms
from gymnasium.envs.registration import registry

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


_ID = re.compile(
    r"(?:(?:ale_py:)?ALE/)?(.+?)(-ram)?(NoFrameskip|Deterministic)?(?:-v([045]))?", re.I
)
"""What gymnasium calls a game: ALE/Pong-v5, PongNoFrameskip-v4, Pong-ram-v0."""


def departs_from_id(name: str, sticky_actions: float) -> str:
    """What a game is played with instead of what its id in gymnasium promises; empty where that is
    the same, and for a name that is no such id."""
    found = _ID.fullmatch(name.strip())
    if not found or not found[4]:
        return ""
    said, version = [], int(found[4])
    promised = 0 if version == 4 else 0.25
    if promised != sticky_actions:
        said.append(
            f"sticky actions of {promised:g}, here they are {sticky_actions:g} "
            f"(a run with --sticky-actions {promised:g} plays it so)"
        )
    if version != 5 and not found[3]:
        said.append("actions that last 2 to 4 frames, here all last 4")
    return f"{name} promises {' and '.join(said)}" if said else ""


def game_id(name: str) -> str:
    """ALE's snake_case id of a game as people write it: `SpaceInvaders`, `space_invaders`,
    `space-invaders` and `ALE/SpaceInvaders-v5` are all `space_invaders`.

    Raises UnknownGame, with the closest matches, when no game has that name.
    """
    found = _ID.fullmatch(name.strip())
    wanted = _squash(found[1] if found else name)
    by_squashed = {_squash(game): game for game in all_games()}
    if found and found[2] and wanted in by_squashed:
        raise UnknownGame(
            f"{name} shows agents the console's memory, and here they see the screen: "
            f"give {game_title(by_squashed[wanted])}"
        )
    if wanted in by_squashed:
        return by_squashed[wanted]
    if wanted in map(_squash, MULTIPLAYER_ONLY):
        raise UnknownGame(f"ALE has no single-player mode of {name}: choose another game")
    others = {one.name.lower() for one in registry.values() if "ale_py" not in str(one.entry_point)}
    if re.sub(r"-v\d+$", "", name.strip().lower()) in others:
        raise UnknownGame(
            f"{name} is no Atari game, and only those of ALE are played here: try Pong"
        )
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

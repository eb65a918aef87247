"""Names of games: as people write them, as ALE knows them, as tables print them."""

from __future__ import annotations

import difflib
import hashlib
import re
from functools import cache
from pathlib import Path

from ale_py import roms
from gymnasium.envs.registration import registry

# ALE ships these cartridges, but they have no single-player mode.
MULTIPLAYER_ONLY = frozenset({"combat", "joust", "maze_craze", "warlords"})


class UnknownGame(ValueError):
    """No cartridge has this name. The message gives the closest matches."""


@cache
def all_games() -> tuple[str, ...]:
    """Every playable game in ALE's snake_case, sorted."""
    return tuple(sorted(set(roms.get_all_rom_ids()) - MULTIPLAYER_ONLY))


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_GYMNASIUM_ID = re.compile(
    r"(?:(?:ale_py:)?ALE/)?(.+?)(-ram)?(NoFrameskip|Deterministic)?(?:-v([045]))?", re.I
)
"""Ids of Atari games in gymnasium: ALE/Pong-v5, PongNoFrameskip-v4, Pong-ram-v0."""


def departs_from_id(name: str, sticky_actions: float) -> str:
    """How play here differs from what a game's id in gymnasium promises, in words. Empty without
    a difference, and for a name that is no such id."""
    match = _GYMNASIUM_ID.fullmatch(name.strip())
    if not match or not match[4]:
        return ""
    departures, version = [], int(match[4])
    promised = 0 if version == 4 else 0.25
    if promised != sticky_actions:
        departures.append(
            f"sticky actions of {promised:g}, here they are {sticky_actions:g} "
            f"(a run with --sticky-actions {promised:g} plays it so)"
        )
    if version != 5 and not match[3]:
        departures.append("actions that last 2 to 4 frames, here all last 4")
    return f"{name} promises {' and '.join(departures)}" if departures else ""


def game_id(name: str) -> str:
    """ALE's snake_case id of a game: `SpaceInvaders`, `space_invaders`, `space-invaders` and
    `ALE/SpaceInvaders-v5` all give `space_invaders`.

    Raises UnknownGame, with the closest matches, when no game has that name.
    """
    match = _GYMNASIUM_ID.fullmatch(name.strip())
    squashed = _squash(match[1] if match else name)
    by_squashed = {_squash(game): game for game in all_games()}
    if match and match[2] and squashed in by_squashed:
        raise UnknownGame(
            f"{name} shows agents the console's memory, and here they see the screen: "
            f"give {game_title(by_squashed[squashed])}"
        )
    if squashed in by_squashed:
        return by_squashed[squashed]
    if squashed in map(_squash, MULTIPLAYER_ONLY):
        raise UnknownGame(f"ALE has no single-player mode of {name}: choose another game")
    other_ids = {
        spec.name.lower() for spec in registry.values() if "ale_py" not in str(spec.entry_point)
    }
    if re.sub(r"-v\d+$", "", name.strip().lower()) in other_ids:
        raise UnknownGame(
            f"{name} is no Atari game, and only those of ALE are played here: try Pong"
        )
    matches = difflib.get_close_matches(squashed, by_squashed, n=3, cutoff=0.5)
    hint = (
        f"did you mean {', '.join(game_title(by_squashed[key]) for key in matches)}?"
        if matches
        else f"choose from {', '.join(map(game_title, all_games()))}"
    )
    raise UnknownGame(f"unknown game {name!r}: {hint}")


def game_title(game: str) -> str:
    """`space_invaders` -> `SpaceInvaders`, the name in folders and tables."""
    return game.title().replace("_", "")


def rom_path(game: str) -> Path:
    """The game's cartridge file in the installed ale-py. Raises UnknownGame."""
    path = roms.get_rom_path(game)
    if path is None:
        raise UnknownGame(f"ale-py has no cartridge for {game!r}")
    return Path(path)


@cache
def rom_digest(game: str) -> str:
    """SHA-256 of the installed cartridge of `game`, in hexadecimal."""
    return hashlib.sha256(rom_path(game).read_bytes()).hexdigest()

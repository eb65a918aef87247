"""States in which one object was put somewhere else: what a network knows about its place.

States of ordinary play are near-duplicates, and in them an object's place goes with everything
else's. Here its place is drawn at random and written into the console's memory in the middle of
a game; 16 frames later it has moved as the game moves it, through all four pictures of the
stack, and its label is read from memory:

    random steps | place written | 4 steps of NOOP: the stack | random steps | place written | ...
    of an episode                  label of the last frame      of the same episode

Neighbouring states of an episode still share much (the score, the bricks that are left), so each
knows its episode: split by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ale_py import ALEInterface

from envs import labels
from envs.console import STACK, Observed, console, observe, step
from envs.emulators import FRAME_SHAPE
from envs.labels import NoLabels, Sprite

STATES_PER_EPISODE = 10
"""Most states from one episode; `displaced` takes so many base states."""
WARM_UP = (10, 50)
"""Random steps before the first state of an episode: the least, and one above the most."""
GAP = (1, 3)
"""Random steps between states of an episode: the least, and one above the most."""
MOST_FRUITLESS_EPISODES = 200
"""So many episodes in a row without a state mean that there will be none."""

Offset = tuple[int, int]


class Intervened(NamedTuple):
    """N states of a game, one object of which was put at random places."""

    states: npt.NDArray[np.uint8]  # [N, 4, 84, 84] as the agent would see them
    positions: dict[str, npt.NDArray[np.float32]]
    # every object [N, 2] (x, y) in pixels of the 84x84 picture at the last frame; nan: not drawn
    counts: dict[str, npt.NDArray[np.int64]]  # [N] each, what the game counts
    episodes: npt.NDArray[np.int64]  # [N] number of the episode a state is from, ascending
    screens: npt.NDArray[np.uint8]  # [N, 210, 160, 3] the last frame in colour; 0.1 MB each
    put: npt.NDArray[np.float32]
    # [N, 2] where the object was put 16 frames earlier, in the same pixels; nan for an axis along
    # which it is not moved


class Displaced(NamedTuple):
    """N moments of a game, each with one object at 1 + K places and all else equal."""

    states: npt.NDArray[np.uint8]  # [N, 1 + K, 4, 84, 84] as the agent would see them
    positions: npt.NDArray[np.float32]
    # [N, 1 + K, 2] the object's (x, y) in pixels of the 84x84 picture, as measured at the end
    episodes: npt.NDArray[np.int64]  # [N] number of the episode a moment is from, ascending


def movable(game: str) -> tuple[str, ...]:
    """The game's objects that can be put elsewhere. Raises NoLabels, UnknownGame."""
    return tuple(name for name, it in labels.labels_of(game).sprites.items() if it.movable)


def intervened(game: str, obj: str, count: int, seed: int) -> Intervened:
    """`count` states of `game` with the object `obj` at places drawn uniformly from its reach.

    A function of its arguments alone. Raises NoLabels for an object that cannot be moved or is
    never seen, UnknownGame, and ValueError for a count below 1.
    """
    sprite, bases = _movable_sprite(game, obj, count, [])
    rng = np.random.default_rng(seed)
    states = np.empty((count, STACK, *FRAME_SHAPE), np.uint8)
    screens = np.empty((count, 210, 160, 3), np.uint8)
    rams = np.empty((2, count, 128), np.uint8)
    put = np.empty((count, 2), np.float32)
    episodes: list[int] = []
    for episode, ale in _moments(game, obj, sprite, rng, seed, episodes):
        spot = _one(bases, rng)
        _put(ale, sprite, spot)
        seen = observe(ale)
        if seen is None or not _visible(sprite, seen):
            continue
        done = len(episodes)
        states[done], screens[done] = seen.stack, seen.screen
        rams[0, done], rams[1, done] = seen.ram, seen.before
        put[done] = _in_pixels(sprite, spot)
        episodes.append(episode)
        if len(episodes) == count:
            break
    places = labels.where(game, rams[0], rams[1])
    small = {name: labels.in_small_pixels(place) for name, place in places.items()}
    return Intervened(states, small, labels.counts(game, rams[0]), np.array(episodes), screens, put)


def displaced(game: str, obj: str, count: int, seed: int, offsets: Sequence[Offset]) -> Displaced:
    """`count` moments of `game`, each with the object at a place and at that place plus each of
    the K `offsets` (x to the right, y down, in pixels of the 160 x 210 screen; one of them is
    .525 pixels of the 84x84 picture in x, .4 in y).

    Each time the emulator is set back to the same state first, so that only the object differs
    when the stack begins. It may bounce within the 16 frames: `positions` are measured, not
    intended. A function of its arguments alone. Raises as `intervened`, and ValueError for
    offsets that the object cannot be moved by.
    """
    sprite, bases = _movable_sprite(game, obj, count, offsets)
    places = [(0, 0), *(_in_bytes(sprite, offset) for offset in offsets)]
    rng = np.random.default_rng(seed)
    states = np.empty((count, len(places), STACK, *FRAME_SHAPE), np.uint8)
    positions = np.empty((count, len(places), 2), np.float32)
    episodes: list[int] = []
    for episode, ale in _moments(game, obj, sprite, rng, seed, episodes):
        x, y = _one(bases, rng)
        moment = ale.cloneState()
        for number, (dx, dy) in enumerate(places):
            ale.restoreState(moment)
            _put(ale, sprite, (x + dx, y + dy))
            seen = observe(ale)
            if seen is None or not _visible(sprite, seen):
                break
            states[len(episodes), number] = seen.stack
            positions[len(episodes), number] = labels.in_small_pixels(_place(sprite, seen))
        else:
            episodes.append(episode)
        ale.restoreState(moment)
        if len(episodes) == count:
            break
    return Displaced(states, positions, np.array(episodes))


def possible(game: str, obj: str, offset: Offset) -> bool:
    """Whether there are places between which the object can be displaced by `offset` (screen
    pixels): some are moved along one axis only, or by even numbers of pixels. Raises NoLabels,
    UnknownGame."""
    sprite = labels.sprite_of(game, obj)
    try:
        return sprite.movable and len(_bases(sprite, [_in_bytes(sprite, offset)])) > 0
    except ValueError:
        return False


def _movable_sprite(
    game: str, obj: str, count: int, offsets: Sequence[Offset]
) -> tuple[Sprite, npt.NDArray[np.intp]]:
    """The sprite, and [M, 2] the bytes (x, y) at which it and all its offsets can be."""
    sprite = labels.sprite_of(game, obj)
    if not sprite.movable:
        raise NoLabels(f"{obj} of {game} cannot be moved; try {', '.join(movable(game)) or '-'}")
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    bases = _bases(sprite, [(0, 0), *(_in_bytes(sprite, offset) for offset in offsets)])
    if not len(bases):
        raise ValueError(f"{obj} of {game} has no place from which it can be moved by {offsets}")
    return sprite, bases


def _moments(
    game: str,
    obj: str,
    sprite: Sprite,
    rng: np.random.Generator,
    seed: int,
    taken: list[int],
) -> Iterator[tuple[int, ALEInterface]]:
    """Random play without end: (number of the episode, the emulator) whenever the object is there.

    Episodes are numbered from 0; those that yield nothing have numbers too. `taken` are the
    caller's, in order: without one for long it raises NoLabels. Every episode begins from the same
    state of the emulator: seeding and resetting it takes longer than a state.
    """
    ale = console(game, seed)
    start, actions = ale.cloneState(), ale.getMinimalActionSet()
    for episode in itertools.count():
        if episode > MOST_FRUITLESS_EPISODES + (taken[-1] if taken else -1):
            raise NoLabels(f"{obj} of {game} was not seen in {MOST_FRUITLESS_EPISODES} episodes")
        ale.restoreState(start)
        for number in range(STATES_PER_EPISODE):
            for _ in range(rng.integers(*(GAP if number else WARM_UP))):
                step(ale, actions[rng.integers(len(actions))])
            if ale.game_over():
                break
            if sprite.is_drawn(ale.getRAM()[None])[0]:
                yield episode, ale


def _bases(sprite: Sprite, places: Sequence[Offset]) -> npt.NDArray[np.intp]:
    """[M, 2] bytes (x, y) from which all the places are spots of the sprite; M may be 0."""
    spots = sprite.spots()
    bases = spots.copy()
    for dx, dy in places:
        if max(abs(dx), abs(dy)) > 255:
            return np.empty((0, 2), np.intp)
        shifted = np.zeros_like(spots)
        shifted[max(-dx, 0) : 256 - max(dx, 0), max(-dy, 0) : 256 - max(dy, 0)] = spots[
            max(dx, 0) : 256 + min(dx, 0), max(dy, 0) : 256 + min(dy, 0)
        ]
        bases &= shifted
    return np.argwhere(bases)


def _one(bases: npt.NDArray[np.intp], rng: np.random.Generator) -> Offset:
    x, y = bases[rng.integers(len(bases))]
    return int(x), int(y)


def _in_bytes(sprite: Sprite, offset: Offset) -> Offset:
    """Screen pixels -> values of the bytes. Raises ValueError where there are none."""
    values = []
    for name, axis, pixels in zip("xy", (sprite.x, sprite.y), offset, strict=True):
        if pixels and axis.reach is None:
            raise ValueError(f"it cannot be moved along {name}")
        if pixels % axis.scale:
            raise ValueError(f"{pixels} along {name} is not a multiple of {abs(axis.scale):g}")
        values.append(int(pixels / axis.scale))
    return values[0], values[1]


def _in_pixels(sprite: Sprite, spot: Offset) -> npt.NDArray[np.float32]:
    """Values of the bytes -> (x, y) in pixels of the 84x84 picture; nan along a fixed axis."""
    place = [
        np.nan if axis.reach is None else axis.scale * value + axis.offset
        for axis, value in zip((sprite.x, sprite.y), spot, strict=True)
    ]
    return labels.in_small_pixels(np.array(place))


def _put(ale: ALEInterface, sprite: Sprite, place: Offset) -> None:
    """Write a place, in values of the bytes, into memory."""
    for axis, value in zip((sprite.x, sprite.y), place, strict=True):
        if axis.reach is not None and axis.byte is not None:
            for byte in (axis.byte, *axis.also):
                ale.setRAM(byte, value)


def _place(sprite: Sprite, seen: Observed) -> npt.NDArray[np.float32]:
    """(x, y) of the object at the last frame, in screen pixels."""
    ram = (seen.before if sprite.lag else seen.ram)[None]
    return np.array([sprite.x.read(ram)[0], sprite.y.read(ram)[0]], np.float32)


def _visible(sprite: Sprite, seen: Observed) -> bool:
    """Whether memory says that the object is drawn, and its colour is where it should be in one
    of the two frames that the last picture is made of (some are drawn in every other only)."""
    if not sprite.is_drawn((seen.before if sprite.lag else seen.ram)[None])[0]:
        return False
    x, y = (int(value) for value in _place(sprite, seen))
    width, height = sprite.size
    box = (slice(max(y, 0), max(y + height, 0)), slice(max(x, 0), max(x + width, 0)))
    return any(
        bool((screen[box] == np.array(colour, np.uint8)).all(axis=-1).any())
        for screen in (seen.screen, seen.screen_before)
        for colour in sprite.colours
    )

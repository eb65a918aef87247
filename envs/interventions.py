"""States in which one object was put at a random place, to test what a network knows about it.

States of ordinary play are near-duplicates, and in them an object's place correlates with
everything else. Here its place is drawn at random and written into the console's memory in the
middle of a game. The game then moves it for 16 frames, which fill all four frames of the state,
and its label is read from memory:

    random steps | place written | 4 steps of NOOP: the stack | random steps | place written | ...
    of an episode                  label of the last frame      of the same episode

Neighbouring states of an episode still share much (the score, the bricks that are left). Each
state therefore has the number of its episode: split data by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ale_py import ALEInterface

from envs import labels
from envs.console import STACK, Observation, console, observe, step
from envs.emulators import FRAME_SHAPE
from envs.labels import NoLabels, Sprite

STATES_PER_EPISODE = 10
"""Most states from one episode; of `displaced`, most moments."""
WARM_UP = (10, 50)
"""Random steps before the first state of an episode: from the first to one below the second."""
GAP = (1, 3)
"""Random steps between states of an episode: from the first to one below the second."""
MOST_FRUITLESS_EPISODES = 200
"""After this many episodes in a row without a state, the search gives up."""

Offset = tuple[int, int]


class Play(NamedTuple):
    """How a game is played between the moments at which an object is put elsewhere."""

    step: Callable[[ALEInterface, bool], None]
    """Plays one agent step; the flag is true for the first step of an episode."""
    warm_up: tuple[int, int]
    gap: tuple[int, int]
    """As WARM_UP and GAP, which random play has."""


class Intervened(NamedTuple):
    """N states of a game in which one object was put at random places."""

    states: npt.NDArray[np.uint8]  # [N, 4, 84, 84] as the agent would see them
    positions: dict[str, npt.NDArray[np.float32]]
    # [N, 2] for every object: (x, y) in pixels of the 84x84 frame at the end; nan: not drawn
    counts: dict[str, npt.NDArray[np.int64]]  # [N] each, what the game counts
    episodes: npt.NDArray[np.int64]  # [N] number of the episode a state is from, ascending
    screens: npt.NDArray[np.uint8]  # [N, 210, 160, 3] the last frame in colour; 0.1 MB each
    put: npt.NDArray[np.float32]
    # [N, 2] where the object was put 16 frames earlier, in the same pixels; nan along an axis on
    # which it cannot be moved


class Displaced(NamedTuple):
    """N moments of a game, each with one object at 1 + K places and all else equal."""

    states: npt.NDArray[np.uint8]  # [N, 1 + K, 4, 84, 84] as the agent would see them
    positions: npt.NDArray[np.float32]
    # [N, 1 + K, 2] the object's (x, y) in pixels of the 84x84 frame, as measured at the end
    episodes: npt.NDArray[np.int64]  # [N] number of the episode a moment is from, ascending


def movable(game: str) -> tuple[str, ...]:
    """Names of the game's objects that can be moved. Raises NoLabels, UnknownGame."""
    return tuple(name for name, sprite in labels.labels_of(game).sprites.items() if sprite.movable)


def intervened(game: str, obj: str, count: int, seed: int) -> Intervened:
    """`count` states of `game` with the object `obj` at places drawn uniformly from its reach.

    The same arguments give the same states. Raises NoLabels for an object that cannot be moved or
    is never seen, UnknownGame, and ValueError for a count below 1.
    """
    sprite, bases = _movable_sprite(game, obj, count, [])
    rng = np.random.default_rng(seed)
    states = np.empty((count, STACK, *FRAME_SHAPE), np.uint8)
    screens = np.empty((count, 210, 160, 3), np.uint8)
    rams = np.empty((2, count, 128), np.uint8)
    put = np.empty((count, 2), np.float32)
    episodes: list[int] = []
    for episode, ale in _moments(game, obj, sprite, rng, seed, episodes):
        spot = _draw_base(bases, rng)
        _write_place(ale, sprite, spot)
        observation = observe(ale)
        if observation is None or not _visible(sprite, observation):
            continue
        index = len(episodes)
        states[index], screens[index] = observation.stack, observation.screen
        rams[0, index], rams[1, index] = observation.ram, observation.before
        put[index] = _in_pixels(sprite, spot)
        episodes.append(episode)
        if len(episodes) == count:
            break
    places = labels.where(game, rams[0], rams[1])
    positions = {name: labels.in_small_pixels(position) for name, position in places.items()}
    return Intervened(
        states, positions, labels.counts(game, rams[0]), np.array(episodes), screens, put
    )


def displaced(
    game: str,
    obj: str,
    count: int,
    seed: int,
    offsets: Sequence[Offset],
    play: Play | None = None,
) -> Displaced:
    """`count` moments of `game`, played at random or as `play` does, each with the object at a
    random place and at that place plus each of the K `offsets` (x to the right, y down, in pixels
    of the 160 x 210 screen; one such pixel is .525 pixels of the 84x84 frame in x, .4 in y).

    Before each placement the emulator returns to the same state, so that only the object differs
    when the 16 frames begin. It may bounce during these, so `positions` are measured at their end.
    The same arguments give the same moments. Raises as `intervened`, and ValueError for offsets
    by which the object cannot be moved.
    """
    sprite, bases = _movable_sprite(game, obj, count, offsets)
    places = [(0, 0), *(_in_bytes(sprite, offset) for offset in offsets)]
    rng = np.random.default_rng(seed)
    states = np.empty((count, len(places), STACK, *FRAME_SHAPE), np.uint8)
    positions = np.empty((count, len(places), 2), np.float32)
    episodes: list[int] = []
    for episode, ale in _moments(game, obj, sprite, rng, seed, episodes, play):
        x, y = _draw_base(bases, rng)
        moment = ale.cloneState()
        for number, (dx, dy) in enumerate(places):
            ale.restoreState(moment)
            _write_place(ale, sprite, (x + dx, y + dy))
            observation = observe(ale)
            if observation is None or not _visible(sprite, observation):
                break
            states[len(episodes), number] = observation.stack
            positions[len(episodes), number] = labels.in_small_pixels(_place(sprite, observation))
        else:
            episodes.append(episode)
        ale.restoreState(moment)
        if len(episodes) == count:
            break
    return Displaced(states, positions, np.array(episodes))


def possible(game: str, obj: str, offset: Offset) -> bool:
    """Whether the object can be displaced by `offset` (screen pixels) anywhere. Some objects move
    along one axis only, or by even numbers of pixels. Raises NoLabels, UnknownGame."""
    sprite = labels.sprite_of(game, obj)
    try:
        return sprite.movable and len(_bases(sprite, [_in_bytes(sprite, offset)])) > 0
    except ValueError:
        return False


def _movable_sprite(
    game: str, obj: str, count: int, offsets: Sequence[Offset]
) -> tuple[Sprite, npt.NDArray[np.intp]]:
    """The sprite, and the bytes (x, y) [M, 2] from which all offsets stay within its reach."""
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
    taken_episodes: list[int],
    play: Play | None = None,
) -> Iterator[tuple[int, ALEInterface]]:
    """Endless play, by default random: (number of the episode, the emulator) whenever the object
    is drawn.

    Episodes are numbered from 0, including those that yield nothing. `taken_episodes` are those
    from which the caller took a state, in order. Raises NoLabels after MOST_FRUITLESS_EPISODES
    without one. Every episode begins by restoring the same state of the emulator, which is faster
    than seeding and resetting it.
    """
    ale = console(game, seed)
    start, actions = ale.cloneState(), ale.getMinimalActionSet()

    def random_step(ale: ALEInterface, first: bool) -> None:
        step(ale, actions[rng.integers(len(actions))])

    play = play or Play(random_step, WARM_UP, GAP)
    for episode in itertools.count():
        if episode > MOST_FRUITLESS_EPISODES + (taken_episodes[-1] if taken_episodes else -1):
            raise NoLabels(f"{obj} of {game} was not seen in {MOST_FRUITLESS_EPISODES} episodes")
        ale.restoreState(start)
        for number in range(STATES_PER_EPISODE):
            for played in range(rng.integers(*(play.gap if number else play.warm_up))):
                play.step(ale, number == played == 0)
            if ale.game_over():
                break
            if sprite.is_drawn(ale.getRAM()[None])[0]:
                yield episode, ale


def _bases(sprite: Sprite, places: Sequence[Offset]) -> npt.NDArray[np.intp]:
    """Bytes (x, y) [M, 2] from which all of `places` are spots of the sprite; M may be 0."""
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


def _draw_base(bases: npt.NDArray[np.intp], rng: np.random.Generator) -> Offset:
    x, y = bases[rng.integers(len(bases))]
    return int(x), int(y)


def _in_bytes(sprite: Sprite, offset: Offset) -> Offset:
    """Screen pixels -> values of the bytes. Raises ValueError where the object cannot be moved by
    that many."""
    values = []
    for name, axis, pixels in zip("xy", (sprite.x, sprite.y), offset, strict=True):
        if pixels and axis.reach is None:
            raise ValueError(f"it cannot be moved along {name}")
        if pixels % axis.scale:
            raise ValueError(f"{pixels} along {name} is not a multiple of {abs(axis.scale):g}")
        values.append(int(pixels / axis.scale))
    return values[0], values[1]


def _in_pixels(sprite: Sprite, spot: Offset) -> npt.NDArray[np.float32]:
    """Values of the bytes -> (x, y) in pixels of the 84x84 frame; nan along a fixed axis."""
    place = [
        np.nan if axis.reach is None else axis.scale * value + axis.offset
        for axis, value in zip((sprite.x, sprite.y), spot, strict=True)
    ]
    return labels.in_small_pixels(np.array(place))


def _write_place(ale: ALEInterface, sprite: Sprite, place: Offset) -> None:
    """Write a place, given as values of its bytes, into memory."""
    for axis, value in zip((sprite.x, sprite.y), place, strict=True):
        if axis.reach is not None and axis.byte is not None:
            for byte in (axis.byte, *axis.also):
                ale.setRAM(byte, value)


def _place(sprite: Sprite, observation: Observation) -> npt.NDArray[np.float32]:
    """(x, y) of the object at the last frame, in screen pixels."""
    ram = (observation.before if sprite.lag else observation.ram)[None]
    return np.array([sprite.x.read(ram)[0], sprite.y.read(ram)[0]], np.float32)


def _visible(sprite: Sprite, observation: Observation) -> bool:
    """Whether the object is drawn according to memory, and its colour is at its place in one of
    the last two emulator frames: some objects are drawn in every other frame only."""
    if not sprite.is_drawn((observation.before if sprite.lag else observation.ram)[None])[0]:
        return False
    x, y = (int(value) for value in _place(sprite, observation))
    width, height = sprite.size
    box = (slice(max(y, 0), max(y + height, 0)), slice(max(x, 0), max(x + width, 0)))
    return any(
        bool((screen[box] == np.array(colour, np.uint8)).all(axis=-1).any())
        for screen in (observation.screen, observation.screen_before)
        for colour in sprite.colours
    )

"""Where a game's objects are: read from the console's 128 bytes of memory, in one table.

A position is that of the upper left corner of the object's sprite in its most usual shape, in
pixels of the 160 x 210 screen (x to the right, y down). Every row was compared with the sprite's
colour on the screen; docs/labels.md gives the agreement and the command that measures it.

The bytes come from the game annotations of AtariARI (Anand et al. 2019, 1906.08226) and OCAtari
(Delfosse et al. 2023, 2306.08649). Offsets and lags were measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from envs.games import game_id, game_title

Rams = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

SCREEN_TO_SMALL: Final = np.array([84 / 160, 84 / 210], np.float32)
"""Pixels of the agent's 84x84 frame for one screen pixel: .525 in x, .4 in y."""


@dataclass(frozen=True)
class Axis:
    """A coordinate: scale * memory[byte] + offset (screen pixels); without a byte, `offset`."""

    offset: float
    byte: int | None = None
    scale: float = 1.0
    reach: tuple[int, int] | None = None
    """First and last value of the byte at which the object can be put; None: it cannot be moved."""
    also: tuple[int, ...] = ()
    """Further bytes that hold the same value and have to be written, too."""

    def read(self, rams: Rams) -> Positions:
        """[N, 128] -> float32 [N]."""
        if self.byte is None:
            return np.full(len(rams), self.offset, np.float32)
        return self.scale * rams[:, self.byte].astype(np.float32) + np.float32(self.offset)


@dataclass(frozen=True)
class Sprite:
    """An object of a game: how its place is read, how it looks, how it is moved."""

    x: Axis
    y: Axis
    size: tuple[int, int]
    """Width and height in its most usual shape (screen pixels)."""
    colours: tuple[Colour, ...]
    """Colours (red, green, blue) it is drawn in."""
    field: tuple[int, int, int, int]
    """Left, top, right, bottom (the last two exclusive) of the area where it is visible and known
    by its colour (screen pixels)."""
    drawn: tuple[tuple[int, int, int], ...] = ()
    """(byte, first, last): it is drawn while each byte is in its range."""
    lag: int = 0
    """Frames by which the screen is behind the memory (0 or 1)."""
    within: tuple[int, int] = (1, 1)
    """Tolerance in x and y (screen pixels): at least 95% of labels are this close to the sprite's
    edge."""
    paths: tuple[tuple[int, int, int, int], ...] = ()
    """Lines within its reach on which it can be put, if not everywhere: first x and y, last x and y
    of each, as values of the bytes."""

    @property
    def movable(self) -> bool:
        """Whether writing to memory moves it."""
        return self.x.reach is not None or self.y.reach is not None

    def spots(self) -> npt.NDArray[np.bool_]:
        """bool [256, 256]: the pairs of bytes (x, y) at which it can be put. An axis along which it
        cannot be moved has only the value 0."""
        spots = np.zeros((256, 256), np.bool_)
        (left, right), (top, bottom) = self.x.reach or (0, 0), self.y.reach or (0, 0)
        for x, y, last_x, last_y in self.paths or ((left, top, right, bottom),):
            spots[x : last_x + 1, y : last_y + 1] = True
        return spots

    def is_drawn(self, rams: Rams) -> npt.NDArray[np.bool_]:
        """[N, 128] -> bool [N]."""
        shown = np.ones(len(rams), np.bool_)
        for byte, first, last in self.drawn:
            shown &= (first <= rams[:, byte]) & (rams[:, byte] <= last)
        return shown


@dataclass(frozen=True)
class Count:
    """A number of things, encoded in the bits of some bytes or as one byte's value."""

    bytes: tuple[int, ...]
    masks: tuple[int, ...] = ()
    """The bits of each byte that count; without masks the first byte is the number."""
    bits_each: int = 1
    """Bits for each thing (count)."""

    def read(self, rams: Rams) -> npt.NDArray[np.int64]:
        """[N, 128] -> int64 [N]."""
        values = rams[:, list(self.bytes)]
        if not self.masks:
            return values[:, 0].astype(np.int64)
        ones = np.unpackbits(values & np.array(self.masks, np.uint8), axis=1)
        return np.asarray(ones.sum(axis=1, dtype=np.int64) // self.bits_each)


@dataclass(frozen=True)
class Labels:
    """A game's row of the table."""

    main: str
    """Name of the object that is moved by default."""
    sprites: dict[str, Sprite]
    counts: dict[str, Count] = field(default_factory=dict)


# fmt: off
WHITE: Final = (236, 236, 236)
GREY: Final = (142, 142, 142)
RED: Final = (200, 72, 72)
_CARS: Final = ( # colour of each lane's car, from the top; the byte counts down from 117
    (167, 26, 26), (180, 231, 117), (105, 105, 15), (228, 111, 111), (24, 26, 167),
    (162, 98, 33), (84, 92, 214), (184, 50, 50), (135, 183, 84), (210, 210, 64),
)
# A brick is two bits of the playfield registers, six rows of 36 bits in bytes 0 to 35. The low
# nibbles of bytes 12 to 17 and the high bits of the first and last registers are never shown.
_BRICK_MASKS: Final = (0x3F,) * 6 + (0xFF,) * 6 + (0xF0,) * 6 + (0xFF,) * 12 + (0xC0,) * 6

# Ms Pacman's corridors as far as random play got in 25 games.
_CORRIDORS: Final = (
    (59, 50, 134, 50), (26, 74, 66, 74), (42, 98, 134, 98), (18, 122, 42, 122),
    (74, 122, 102, 122), (134, 122, 158, 122), (58, 134, 74, 134), (102, 134, 118, 134),
    (18, 158, 158, 158), (18, 122, 18, 158), (26, 55, 26, 98), (42, 98, 42, 158),
    (58, 98, 58, 134), (66, 31, 66, 98), (74, 98, 74, 158), (102, 98, 102, 158),
    (110, 46, 110, 98), (118, 98, 118, 134), (134, 98, 134, 158), (158, 122, 158, 158),
)

GAMES: Final[dict[str, Labels]] = {
    "pong": Labels("ball", {
        "ball": Sprite(
            Axis(-49, 49, reach=(70, 190)), Axis(-14, 54, reach=(55, 190)), (2, 4), (WHITE,),
            field=(0, 34, 160, 194), drawn=((54, 45, 207),)),
        # The console reads the player's paddle from its controller anew in every frame.
        "player": Sprite(
            Axis(140), Axis(-13.5, 51), (4, 16), ((92, 186, 92),), field=(130, 34, 160, 194)),
        "enemy": Sprite(
            Axis(16), Axis(-15, 50, reach=(50, 190), also=(21,)), (4, 16), ((213, 130, 74),),
            field=(0, 34, 30, 194), drawn=((50, 34, 255),)),
    }),
    "breakout": Labels("ball", {
        # Among the bricks the ball has their colours, beside the paddle the paddle's.
        "ball": Sprite(
            Axis(-49, 99, reach=(60, 195)), Axis(9, 101, reach=(100, 170)), (2, 4), (RED,),
            field=(8, 93, 152, 189), drawn=((101, 1, 179),)),
        # Read from the controller anew in every frame. It shrinks once the ball was behind.
        "paddle": Sprite(
            Axis(-47, 72), Axis(189), (16, 4), (RED,), field=(8, 189, 152, 193)),
    }, {"bricks": Count(tuple(range(36)), _BRICK_MASKS, bits_each=2)}),
    "space_invaders": Labels("player", {
        "player": Sprite(
            Axis(-1, 28, reach=(36, 117)), Axis(185), (7, 10), ((50, 132, 50),),
            field=(0, 185, 160, 195), lag=1),
        # Drawn in every other frame, the bombs in those between; three shapes in turn. They are
        # put between the invaders' start and the shields.
        "bullet": Sprite(
            Axis(-2, 87, reach=(40, 120)), Axis(4, 85, scale=2, reach=(64, 74)), (1, 8), (GREY,),
            field=(0, 31, 160, 185), drawn=((85, 0, 90),)),
        "bomb": Sprite(
            Axis(-2, 83, reach=(40, 120)), Axis(4, 81, scale=2, reach=(40, 72)), (1, 8), (GREY,),
            field=(0, 31, 160, 185), drawn=((81, 0, 90),)),
        # The game soon moves what is written for this one elsewhere.
        "bomb_2": Sprite(
            Axis(-2, 84), Axis(4, 82, scale=2), (1, 8), (GREY,), field=(0, 31, 160, 185),
            drawn=((82, 0, 90),)),
        # The place of the upper left invader, whether it is alive or not.
        "invaders": Sprite(
            Axis(-1, 26, reach=(24, 40)), Axis(31, 16, scale=2, reach=(0, 10)), (88, 100),
            ((134, 134, 29),), field=(0, 25, 160, 185)),
    }, {"invaders": Count((17,))}),
    "boxing": Labels("player", {
        "player": Sprite(
            Axis(5, 32, reach=(30, 105)), Axis(38, 34, reach=(5, 85)), (14, 47),
            ((214, 214, 214),), field=(32, 32, 128, 176), within=(2, 2)),
        "enemy": Sprite(
            Axis(3, 33, reach=(30, 105)), Axis(37, 35, reach=(5, 85)), (14, 47), ((0, 0, 0),),
            field=(32, 32, 128, 176), within=(2, 2)),
    }),
    "freeway": Labels("chicken", {
        "chicken": Sprite(
            Axis(44), Axis(193, 14, scale=-1, reach=(10, 170)), (6, 8), ((252, 252, 84),),
            field=(40, 14, 60, 196)),
        **{
            f"car_{lane}": Sprite(
                Axis(-3, 117 - lane, reach=(15, 145)), Axis(28 + 16 * lane), (8, 8), (colour,),
                field=(8, 24 + 16 * lane, 160, 40 + 16 * lane), drawn=((117 - lane, 11, 155),),
                lag=1 if lane < 5 else 0)
            for lane, colour in enumerate(_CARS)
        },
    }),
    "seaquest": Labels("player", {
        "player": Sprite(
            Axis(0, 70, reach=(21, 134)), Axis(33, 97, reach=(14, 105)), (16, 11),
            ((187, 187, 53),), field=(8, 44, 160, 160), drawn=((105, 0, 0),)),
    }, {"oxygen": Count((102,))}),
    "ms_pacman": Labels("player", {
        "player": Sprite(
            Axis(-12, 10, reach=(18, 158)), Axis(1, 16, reach=(31, 158)), (7, 10),
            ((210, 164, 74),), field=(0, 2, 160, 170), lag=1, paths=_CORRIDORS),
        **{
            f"ghost_{number}": Sprite(
                Axis(-12, 6 + number), Axis(1, 12 + number), (8, 10), (colour,),
                field=(0, 2, 160, 170), lag=1)
            for number, colour in enumerate(
                ((180, 122, 48), (84, 184, 153), (198, 89, 179), RED))
        },
    }),
}
# fmt: on


class NoLabels(ValueError):
    """The table lacks this game or object. The message names those it has."""


def labels_of(game: str) -> Labels:
    """The labels of a game, given by any of its names. Raises NoLabels, UnknownGame."""
    key = game_id(game)
    if key not in GAMES:
        known = ", ".join(map(game_title, GAMES))
        raise NoLabels(f"no memory labels for {game_title(key)}: there are some for {known}")
    return GAMES[key]


def sprite_of(game: str, name: str) -> Sprite:
    """One object of a game. Raises NoLabels, UnknownGame."""
    sprites = labels_of(game).sprites
    if name not in sprites:
        raise NoLabels(
            f"no object {name!r} in {game_title(game_id(game))}: it has {', '.join(sprites)}"
        )
    return sprites[name]


def where(game: str, rams: Rams, before: Rams | None = None) -> dict[str, Positions]:
    """Place (x, y) of every object, float32 [N, 2] in screen pixels; nan where it is not drawn.

    `rams` uint8 [N, 128] are the memories right after the frames of interest, `before` those one
    frame earlier. Some objects appear on the screen a frame late. Without `before` their places may
    be off by one frame's movement.
    """
    places = {}
    for name, sprite in labels_of(game).sprites.items():
        memory = before if before is not None and sprite.lag else rams
        place = np.stack([sprite.x.read(memory), sprite.y.read(memory)], axis=1)
        place[~sprite.is_drawn(memory)] = np.nan
        places[name] = place
    return places


def counts(game: str, rams: Rams) -> dict[str, npt.NDArray[np.int64]]:
    """Numbers of things, int64 [N] each: bricks or invaders left, oxygen."""
    return {name: count.read(rams) for name, count in labels_of(game).counts.items()}


def in_small_pixels(places: npt.NDArray[np.floating]) -> Positions:
    """(x, y) [..., 2] on the 160 x 210 screen -> float32 on the agent's 84x84 frame."""
    return places.astype(np.float32) * SCREEN_TO_SMALL

"""How often the memory labels agree with the sprites on the screen, and whether objects stay
where they were put: the tables of docs/labels.md.

A game is played at random. In every frame the pixels of an object's colours are sought around
its label, up to 12 screen pixels beyond the sprite on all sides, and their bounding box is
compared with the label. Pixels that keep the colour in 95 of 100 frames are scenery.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tyro

from envs.console import console
from envs.interventions import intervened, movable
from envs.labels import GAMES, Sprite, labels_of, where

LONGEST_HOLD = 30
"""An action is held for 1 to so many frames, so that what it moves gets around."""
NEARBY = 12
"""How far beyond the sprite its colour is sought (screen pixels); the missiles, one pixel wide
and all of one colour, are sought within 3 columns."""


class Played(NamedTuple):
    """N frames of a game."""

    rams: npt.NDArray[np.uint8]  # [N, 128] memory after each frame
    before: npt.NDArray[np.uint8]  # [N, 128] memory one frame earlier
    screens: npt.NDArray[np.uint32]  # [N, 210, 160] colours as numbers, see `packed`


class Agreement(NamedTuple):
    """Label and sprite of one object. Shares are of the frames in which it was found whole."""

    compared: int  # frames
    found: float  # share of the frames with a label in which the colour was there
    exact: npt.NDArray[np.float64]  # [2] x, y: sprite's left and upper edge within half a pixel
    near: npt.NDArray[np.float64]  # [2] the nearer of two opposite edges within `Sprite.within`


def play(game: str, frames: int, seed: int, every: int = 2) -> Played:
    """Every so many frames of random play, all games one after the other."""
    ale = console(game, seed)
    rng = np.random.default_rng(seed)
    actions = ale.getMinimalActionSet()
    rams, before, screens = [], [], []
    action, held = actions[0], 0
    for frame in range(frames * every):
        if held == 0:
            action, held = actions[rng.integers(len(actions))], int(rng.integers(LONGEST_HOLD)) + 1
        held -= 1
        earlier = ale.getRAM().copy()
        ale.act(action)
        if frame % every == 0:
            rams.append(ale.getRAM().copy())
            before.append(earlier)
            screens.append(packed(ale.getScreenRGB()))
        if ale.game_over():
            ale.reset_game()
    return Played(np.stack(rams), np.stack(before), np.stack(screens))


def packed(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Colours [..., 3] as numbers [...], red in the highest byte: compared at once."""
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return np.asarray(red << 16 | green << 8 | blue)


def edges(
    screens: npt.NDArray[np.uint32], sprite: Sprite, place: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """[N, 4] first and last column (exclusive), first and last row (exclusive) of the sprite's
    colours around `place` [N, 2]; nan where there are none or place is."""
    left, top, right, bottom = sprite.field
    seen = np.isin(screens[:, top:bottom, left:right], packed(np.array(sprite.colours, np.uint8)))
    if sprite.y.byte is not None:
        seen &= np.count_nonzero(seen, axis=0) < 0.95 * len(seen)
    found = np.full((len(screens), 4), np.nan)
    for axis, (first, last) in enumerate(((left, right), (top, bottom))):
        size = sprite.size[axis]
        beyond = 3 if size == 1 else NEARBY
        offset = np.arange(first, last)[None] - place[:, axis, None]
        around = (offset >= -beyond) & (offset < size + beyond)
        seen &= around[:, None, :] if axis == 0 else around[:, :, None]
    for axis, first in enumerate((left, top)):
        line = seen.any(axis=1 + axis)
        some = line.any(axis=1)
        found[some, 2 * axis] = first + line.argmax(axis=1)[some]
        found[some, 2 * axis + 1] = first + line.shape[1] - line[:, ::-1].argmax(axis=1)[some]
    return found


def agreement(played: Played, game: str, name: str) -> Agreement:
    """Compare one object's label with its sprite; frames in which the label says that it is not
    drawn, or cut off by the edge of its field, are left out."""
    sprite = labels_of(game).sprites[name]
    place = where(game, played.rams, played.before)[name]
    size = np.array(sprite.size)
    least, most = np.array(sprite.field[:2]), np.array(sprite.field[2:]) - size
    whole = ((place >= least) & (place <= most)).all(axis=1)
    found = edges(played.screens, sprite, place)
    seen = ~np.isnan(found[:, 0])
    both = whole & seen
    low = np.abs(found[both][:, 0::2] - place[both])
    high = np.abs(found[both][:, 1::2] - place[both] - size)
    return Agreement(
        int(both.sum()),
        float(seen[whole].mean()),
        (low <= 0.5).mean(axis=0),
        (np.minimum(low, high) <= sprite.within).mean(axis=0),
    )


def correlation(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> str:
    """Of two coordinates [N]; `nan` where there is none."""
    return "nan" if np.isnan(two).any() else f"{np.corrcoef(one, two)[0, 1]:.2f}"


def rule(sprite: Sprite, axis: str) -> str:
    """`ram[49] - 49`."""
    rule = sprite.x if axis == "x" else sprite.y
    if rule.byte is None:
        return f"{rule.offset:g}"
    memory = f"ram[{rule.byte}]"
    if rule.scale == -1:
        return f"{rule.offset:g} - {memory}"
    scaled = memory if rule.scale == 1 else f"{rule.scale:g} {memory}"
    return f"{scaled} {'-' if rule.offset < 0 else '+'} {abs(rule.offset):g}"


@dataclass(frozen=True)
class LabelShares:
    """Compare every label of the table with the screen."""

    games: tuple[str, ...] = tuple(GAMES)
    """Which games."""
    frames: int = 3000
    """Frames to compare, every other one of random play (frames)."""
    seed: int = 0
    """Seed of the random play."""
    moved: bool = False
    """Instead put every movable object elsewhere and see where it is 16 frames later."""
    states: int = 200
    """States of each object with `--moved` (count)."""

    def run(self) -> None:
        if self.moved:
            self._moved()
        else:
            self._agreement()

    def _moved(self) -> None:
        print("| game | object | correlation x | y | median way x | y | states/core-s |")
        print("|---|---|---|---|---|---|---|")
        for game in self.games:
            for name in movable(game):
                begin = time.process_time()
                found = intervened(game, name, self.states, self.seed)
                rate = self.states / (time.process_time() - begin)
                place, put = found.positions[name], found.put
                cells = [correlation(place[:, i], put[:, i]) for i in range(2)]
                cells += [f"{np.median(np.abs(place - put)[:, i]):.1f}" for i in range(2)]
                cells = [cell.replace("nan", "-") for cell in cells]
                print("|", " | ".join([game, name, *cells, f"{rate:.0f}"]), "|")

    def _agreement(self) -> None:
        print("| game | object | x | y | lag | frames | seen | exact x / y | within | near x / y |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for game in self.games:
            played = play(game, self.frames, self.seed)
            for name, sprite in GAMES[game].sprites.items():
                found = agreement(played, game, name)
                cells = (
                    game, name, rule(sprite, "x"), rule(sprite, "y"), sprite.lag, found.compared,
                    f"{found.found:.2f}", "{:.3f} / {:.3f}".format(*found.exact),
                    "{}, {}".format(*sprite.within), "{:.3f} / {:.3f}".format(*found.near),
                )  # fmt: skip
                print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    tyro.cli(LabelShares).run()

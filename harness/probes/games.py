"""Real games: states with an object put somewhere else in the emulator's memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from ale_py import ALEInterface

from agent.networks import QNetwork
from envs.console import STACK
from envs.emulators import FRAME_SHAPE, FRAMES_PER_STEP
from envs.games import game_id
from envs.interventions import Play, displaced, intervened, possible
from envs.labels import GAMES, Positions, Sprite, in_small_pixels, labels_of, sprite_of
from envs.screen import SCREEN_SHAPE, resized
from harness.probes.datasets import Dataset
from harness.probes.distractors import distractors
from harness.probes.features import LAYERS, features
from harness.probes.readout import Floats
from harness.probes.response import consistency, invariance, q_values, sensitivity

Pixels = npt.NDArray[np.uint8]
_SEED = 20_000
_OFFSETS = ((8, 0), (-8, 0), (0, 10), (0, -10))
"""Four pixels of 84x84 each way, in pixels of the emulator's screen."""


_EPSILON = 0.1
_OWN_WARM_UP, _OWN_GAP = (10, 400), (5, 40)
"""Of an agent's own play: share of random actions, and steps as in interventions.Play."""
_CLOSE = 1.0
"""How far an object may end from where it was to be, for the pair to count (pixels of 84x84)."""


@lru_cache(maxsize=8)
def game_dataset(game: str, count: int) -> Dataset:
    """States of random play in which the game's main object was put at a random place 16 frames
    before, so that all of a stack's frames are the game's own."""
    name = labels_of(game).main
    placed = intervened(game, name, count, _SEED)
    sprite = sprite_of(game, name)
    half = in_small_pixels(np.array(sprite.size, np.float32)) / 2
    positions = middles(placed.positions[name], sprite)
    return Dataset(placed.states, positions, placed.episodes, (half[0] + 1, half[1] + 1))


def middles(corners: Positions, sprite: Sprite) -> Floats:
    """[..., 2] of sprites whose labels, upper left corners, are at `corners` [..., 2] (pixels of
    84x84); a pixel reaches half a pixel to each side of its number."""
    half = in_small_pixels(np.array(sprite.size, np.float32)) / 2
    return corners.astype(np.float64) + half - 0.5


def agent_profile(network: QNetwork, game: str, count: int) -> dict[str, Any]:
    """What a trained agent's Q-values and features do when the main object of its game alone is
    moved, a block that means nothing in its stead, and when the whole picture is; nothing for a
    game without labels."""
    if game_id(game) not in GAMES:
        return {}
    name = labels_of(game).main
    pairs = displaced_pairs(game, name, count // 4)
    x, y = features(network, pairs.before), features(network, pairs.after)
    sprite = sprite_of(game, name)
    visited = displaced_pairs(game, name, count // 4, own_play(network, _SEED))
    return {
        "sensitivity": answers_to(network, pairs, sprite),
        "visited": answers_to(network, visited, sprite),
        "consistency": consistency(network, game_dataset(game, count).states),
        "object": {layer: invariance(x[layer], y[layer]) for layer in LAYERS},
    }


def answers_to(network: QNetwork, pairs: Pairs, sprite: Sprite) -> dict[str, Any]:
    """What moving the object does, and what moving a drawn block of its size does."""
    drawn = distractors(pairs.before, middles(pairs.positions, sprite), pairs.moves, sprite, _SEED)
    moved = sensitivity(network, pairs.before, pairs.after)
    return against(moved, sensitivity(network, *drawn)) | {"pairs": len(pairs.before)}


def own_play(network: QNetwork, seed: int) -> Play:
    """A network's own play, with some random actions. Moments lie further apart and later in the
    game than those of random play, which loses soon."""
    rng = np.random.default_rng(seed)
    stack = np.zeros((STACK, *FRAME_SHAPE), np.uint8)

    def step(ale: ALEInterface, first: bool) -> None:
        nonlocal stack
        if first:
            stack = np.zeros_like(stack)
        actions = ale.getMinimalActionSet()
        choice = int(q_values(network, stack[None]).argmax())
        if rng.random() < _EPSILON:
            choice = int(rng.integers(len(actions)))
        screens = np.zeros((2, *SCREEN_SHAPE), np.uint8)
        for frame in range(FRAMES_PER_STEP):
            if ale.game_over():
                return
            ale.act(actions[choice])
            ale.getScreenGrayscale(screens[frame % 2])
        stack = np.concatenate([stack[1:], resized(screens.max(0)[None])])

    return Play(step, _OWN_WARM_UP, _OWN_GAP)


def against(moved: dict[str, float], drawn: dict[str, float]) -> dict[str, Any]:
    """What moving the object does, what moving the drawn block does, and how many more states
    change their greedy action for the object (share)."""
    return moved | {"drawn": drawn, "beyond_drawn": moved["flips"] - drawn["flips"]}


class Pairs(NamedTuple):
    """N states before and after an object alone was moved."""

    before: Pixels  # [N, 4, 84, 84]
    after: Pixels  # [N, 4, 84, 84]
    positions: npt.NDArray[np.float32]  # [N, 2] the object's label (x, y) before (pixels of 84x84)
    moves: npt.NDArray[np.float32]  # [N, 2] how far it was put (the same pixels)


def displaced_pairs(game: str, name: str, count: int, play: Play | None = None) -> Pairs:
    """States before and after an object alone was put four pixels further, `count` moments for
    each way it can go, in games played at random or as `play` does. Left out are pairs in which it
    ended elsewhere: what is put somewhere may do more in 16 frames, as a ball that bounces."""
    kept = []
    for offset in _OFFSETS:
        if not possible(game, name, offset):
            continue
        moved = displaced(game, name, count, _SEED, (offset,), play)
        went = moved.positions[:, 1] - moved.positions[:, 0]
        move = in_small_pixels(np.array(offset, np.float32))
        close = np.linalg.norm(went - move, axis=-1) <= _CLOSE
        states, positions = moved.states[close], moved.positions[close, 0]
        moves = np.broadcast_to(move, positions.shape)
        kept.append((states[:, 0], states[:, 1], positions, moves))
    return Pairs(*(np.concatenate(parts) for parts in zip(*kept, strict=True)))

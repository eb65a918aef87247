"""Experts that read memory, the games they are watched in, and networks that imitate them."""

from __future__ import annotations

import numpy as np
import pytest
from ale_py import ALEInterface

from envs.console import console
from envs.experts import EXPERTS, asterix, breakout, pong
from envs.screen import resized
from envs.watched import WatchedGame
from harness.probes import imitation
from harness.probes.imitation import Games, Imitation, imitate, references

RNG = np.random.default_rng(11)


def grey(ale: ALEInterface) -> np.ndarray:
    return np.asarray(ale.getScreenGrayscale()).reshape(210, 160)


def test_a_watched_game_shows_what_an_agent_sees() -> None:
    """Against a plain emulator, frame by frame."""
    game, ale = WatchedGame("Breakout", 5), console("Breakout", 5, 0.25)
    frames = [np.zeros((84, 84), np.uint8)] * 3 + [resized(grey(ale)[None])[0]]
    for _ in range(400):
        action, reward, shown = int(RNG.integers(4)), 0, []
        before = ale.getRAM().copy()
        for _ in range(4):
            if not ale.game_over():
                reward += int(ale.act(game.actions[action]))
                shown.append(grey(ale))
        frames.append(resized(np.max(shown[-2:], 0)[None])[0])
        assert game.step(action) == reward
        assert game.over == ale.game_over()
        if not game.over:
            np.testing.assert_array_equal(game.stack, frames[-4:])
        np.testing.assert_array_equal(game.memory, ale.getRAM())
        np.testing.assert_array_equal(game.memory_before, before)
        if game.over:
            game.reset()
            ale.reset_game()
            frames = [np.zeros((84, 84), np.uint8)] * 3 + [resized(grey(ale)[None])[0]]
            np.testing.assert_array_equal(game.stack, frames)


def memory(**values: int) -> np.ndarray:
    """Memory with some bytes, named by their number: b49=100."""
    content = np.zeros(128, np.int64)
    for name, value in values.items():
        content[int(name[1:])] = value
    return content


@pytest.mark.parametrize(
    ("ball", "paddle", "action"),
    [(100, 100, "NOOP"), (130, 100, "LEFT"), (80, 110, "RIGHT")],  # LEFT goes down
)
def test_the_expert_of_pong_follows_a_ball_that_flies_away(
    ball: int, paddle: int, action: str
) -> None:
    now = memory(b49=100, b54=ball, b51=paddle - 6)
    assert pong(now, memory(b49=104, b54=ball, b51=paddle - 6)) == action


def test_the_expert_of_pong_goes_where_the_ball_comes_in_behind_a_wall() -> None:
    # 87 pixels to go at 3 a step: 29 steps up at 4 a step, 8 pixels below the upper wall.
    now, before = memory(b49=100, b54=56, b51=150), memory(b49=97, b54=60, b51=150)
    # 44 - 116 = -72, which the wall at 36 turns into 144; the paddle's middle is at 144.5.
    assert pong(now, before) == "NOOP"
    assert pong(memory(b49=100, b54=56, b51=170), memory(b49=97, b54=60, b51=170)) == "RIGHT"


def test_the_expert_of_breakout() -> None:
    assert breakout(memory(), memory()) == "FIRE"
    assert breakout(memory(b101=100, b99=109, b72=100), memory()) == "NOOP"
    assert breakout(memory(b101=100, b99=120, b72=100), memory()) == "RIGHT"
    assert breakout(memory(b101=100, b99=90, b72=100), memory()) == "LEFT"


def lanes(kinds: dict[int, int], places: dict[int, int], lane: int, x: int) -> np.ndarray:
    content = memory(b39=lane, b41=x)
    for number, kind in kinds.items():
        content[18 - number], content[42 + number] = kind, places[number]
    return content


def test_the_expert_of_asterix() -> None:
    cauldron, lyre = 108, 204
    still = lanes({5: cauldron}, {5: 80}, 3, 80)
    assert asterix(still, still) == "DOWN"
    still = lanes({3: cauldron}, {3: 100}, 3, 80)
    assert asterix(still, still) == "RIGHT"
    blocked = lanes({5: cauldron, 4: lyre}, {5: 80, 4: 85}, 3, 80)
    assert asterix(blocked, blocked) == "NOOP"
    hunted = lanes({3: lyre, 2: lyre}, {3: 85, 2: 85}, 3, 80)
    assert asterix(hunted, hunted) == "DOWN"
    eaten = lanes({3: 12}, {3: 100}, 3, 80)
    assert asterix(eaten, eaten) == "NOOP"


@pytest.mark.parametrize("game", EXPERTS)
def test_an_expert_plays_better_than_chance(game: str) -> None:
    rates = references(game, 4_000)
    assert rates["expert"] > rates["random"] + 10


def test_an_imitator_is_repeatable_and_counts_its_last_three_quarters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imitation, "WARM_UP", 64)
    first = imitate("Breakout", "stride", 3, 1e-3, 320)
    assert imitate("Breakout", "stride", 3, 1e-3, 320) == first
    assert 0 <= first.agreement <= 1
    points = iter([800] * 8 + [1] * 40)  # the warm-up's, then one a step of all games
    monkeypatch.setattr(Games, "step", lambda *_: next(points))
    assert isinstance(first, Imitation)
    late = imitate("Breakout", "stride", 3, 1e-3, 320)
    assert late.points == pytest.approx(1000 / 8)

"""The console's memory during a recorded episode: it is that of the game on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from envs.emulators import EmulatorConfig
from envs.episode_file import load_episode
from envs.labels import sprite_of
from envs.memory import memories
from envs.trace import EpisodeTrace, resimulate, screens
from support.emulator_samples import BREAKOUT, play, random_actions

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints" / "pong-quick" / "episodes"
LIVES = 57
"""Byte of the lives that are left in Breakout."""
WHITE = (236, 236, 236)


def balls(trace: EpisodeTrace, steps: int) -> Iterator[bool]:
    """Whether Pong's ball is on the last screen of each step."""
    for screen in islice(screens(trace), steps):
        yield bool((screen[-1, 34:194] == WHITE).all(-1).any())


def test_the_label_knows_whether_the_ball_is_drawn() -> None:
    trace = load_episode(next(SHIPPED.glob("*.episode")))
    rams = np.stack(list(islice(memories(trace), 250)))
    drawn = sprite_of("Pong", "ball").is_drawn(rams)
    assert drawn[1:].tolist() == list(balls(trace, 249))
    assert 20 < drawn.sum() < 230


@pytest.mark.parametrize(
    "protocol",
    [
        replace(BREAKOUT, sticky_actions=0.25, max_episode_frames=1202),
        replace(BREAKOUT, noop_max=30, fire_on_reset=True, max_episode_frames=1202),
    ],
)
def test_an_episode_behind_others_is_followed(protocol: EmulatorConfig) -> None:
    """No-ops, FIRE and the frame cap of the episodes before it are not in its actions."""
    actions = random_actions(1000, 1)
    steps = play(protocol, actions, [7])[1]
    begin = [time for time, step in enumerate(steps) if step.first[0]][1] + 1
    end = begin + int(np.argmax([bool(step.ended[0]) for step in steps[begin:]])) + 1
    played = actions[:, 0].astype(np.uint8)
    trace = EpisodeTrace(
        protocol, 7, played[begin:end], np.zeros(end - begin, np.int32),
        np.zeros((end - begin, 0), np.float32), np.zeros(0, np.uint32), True, played[:begin],
    )  # fmt: skip
    lives = [moment.lives for moment in resimulate(trace)]
    assert [int(ram[LIVES]) for ram in memories(trace)] == lives[:-1]
    assert len(set(lives)) > 1

"""The frames of an episode in any order."""

from __future__ import annotations

import numpy as np
import pytest

from harness.players.frame_cache import FrameCache


def random_game(frames: int) -> list[np.ndarray]:
    """Steps of a small game of so many frames, the last step shorter."""
    rng = np.random.default_rng(0)
    screens = rng.integers(256, size=(frames, 6, 5, 3)).astype(np.uint8)
    return [screens[i : i + 4] for i in range(0, frames, 4)]


@pytest.mark.parametrize("most_bytes", [10**9, 30_000, 0])
def test_any_frame_comes_back_in_any_order(most_bytes: int) -> None:
    steps = random_game(470)
    frames = np.concatenate(steps)
    cache = FrameCache(lambda: iter(steps), most_bytes)
    order = np.random.default_rng(1).integers(500, size=60).tolist()
    for number in [0, 59, 60, 61, *order, 3, 469, 470]:
        at = min(number, 469)
        assert np.array_equal(cache.picture(number), frames[max(at - 1, 0) : at + 1].max(0)), number
        assert cache.kept_bytes <= max(most_bytes, 8_000)  # the last chunk stays
    assert cache.end == 470


def test_no_more_is_simulated_than_is_shown() -> None:
    steps = iter(random_game(400))
    cache = FrameCache(lambda: steps)
    cache.picture(100)
    cache.picture(3)
    assert cache.end is None
    assert len(list(steps)) == 100 - 26

"""Animated pictures: every frame comes back exactly."""

from __future__ import annotations

import io
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from envs.trace import EpisodeTrace, screens
from harness.images.animation import (
    COLOURS,
    MILLISECONDS,
    MOST_BYTES,
    MOST_FRAMES,
    animated_png,
    preview,
)

ANY_SIZE = 10**9


def decoded(png: bytes) -> tuple[list[np.ndarray], list[float]]:
    """Its frames as Pillow composes them, and how long each is shown (milliseconds)."""
    frames, shown = [], []
    with Image.open(io.BytesIO(png)) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            shown.append(image.info.get("duration", 0))
    return frames, shown


def drawn(seed: int, frames: int, height: int, width: int, colours: int) -> np.ndarray:
    """A background with a few changed pixels a frame, sometimes none."""
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3), np.uint8)
    images = np.repeat(palette[random.integers(0, colours, (1, height, width))], frames, 0)
    for image in images:
        for _ in range(random.integers(0, 4)):
            place = random.integers(height), random.integers(width)
            image[place] = palette[random.integers(colours)]
    return images


@given(st.integers(0, 99), st.integers(2, 9), st.integers(1, 12), st.integers(1, 12))
def test_every_frame_comes_back(seed: int, frames: int, height: int, width: int) -> None:
    images = drawn(seed, frames, height, width, 4)
    runs = [list(group) for _, group in groupby(images, lambda image: image.tobytes())]
    back, shown = decoded(animated_png(images, 20, ANY_SIZE))
    assert len(back) == len(runs)
    for frame, run in zip(back, runs, strict=True):
        assert np.array_equal(frame, run[0])
    assert shown == [20 * len(run) for run in runs] or len(runs) == 1  # a still picture


def test_all_colours_of_a_palette_are_kept() -> None:
    images = drawn(0, 3, 40, 50, COLOURS)
    back, _ = decoded(animated_png(images, 20, ANY_SIZE))
    assert np.array_equal(np.stack(back), images)


def test_more_colours_become_similar_ones() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 60, 60, 3), np.uint8)
    back, _ = decoded(animated_png(images, 20, ANY_SIZE))
    assert len(np.unique(np.stack(back).reshape(-1, 3), axis=0)) <= COLOURS
    off = np.abs(np.stack(back).astype(int) - images)
    assert off.max() < 80
    assert off.mean() < 16


@pytest.mark.parametrize("most", [0, 3_000, 6_000])
def test_it_ends_before_it_is_too_large(most: int) -> None:
    images = np.random.default_rng(0).choice(np.uint8([0, 255]), (20, 50, 50, 1)).repeat(3, -1)
    png = animated_png(images, 20, most)
    back, _ = decoded(png)
    assert np.array_equal(np.stack(back), images[: len(back)])
    whole = len(animated_png(images[: len(back) + 1], 20, ANY_SIZE))
    assert len(png) <= most < whole or len(back) == 1


def test_a_preview_shows_the_game_as_the_agent_saw_it(game: EpisodeTrace) -> None:
    first_seconds = preview(game)
    assert first_seconds == preview(game)
    assert (first_seconds.width, first_seconds.height) == (160, 210)
    assert len(first_seconds.png) <= MOST_BYTES
    seen = [step[-2:].max(0) for step in screens(game)][:MOST_FRAMES]
    back, shown = decoded(first_seconds.png)
    at = np.cumsum([0, *shown[:-1]]) / MILLISECONDS
    for step, frame in zip(at.astype(int), back, strict=True):
        assert np.array_equal(frame, seen[step])
    assert sum(shown) == MILLISECONDS * len(seen)

"""The beginning of an episode as a small animated PNG, which any browser plays."""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from envs.emulators import FRAMES_PER_STEP
from envs.trace import EpisodeTrace, screens
from harness.images.palette import Palette

MOST_FRAMES = 150
"""Frames of a preview, one an agent step: ten seconds."""
MOST_BYTES = 35_000
"""A preview ends before it is larger than this."""
MILLISECONDS = round(1000 * FRAMES_PER_STEP / 60)
"""How long a frame is shown: as long as an agent step lasted."""
COLOURS = 256
"""Most colours of a palette."""


class Preview(NamedTuple):
    """An animated picture."""

    png: bytes
    width: int
    height: int


def preview(trace: EpisodeTrace) -> Preview:
    """The first ten seconds of an episode, or what of them fits in MOST_BYTES.

    Each frame shows the last two of an agent step, as the agent saw them: many games draw a
    sprite in every other frame only.
    """
    steps = islice(screens(trace), MOST_FRAMES)
    images = np.stack([step[-2:].max(0) for step in steps])
    return Preview(animated_png(images, MILLISECONDS, MOST_BYTES), *images.shape[2:0:-1])


def animated_png(images: npt.NDArray[np.uint8], milliseconds: int, most_bytes: int) -> bytes:
    """An animated PNG of images uint8 [T, H, W, 3] that shows each for so long, over and over.

    The last images are left out if it would be larger than `most_bytes`; the first never is. With
    more than 256 colours similar ones become one.
    """
    palette = Palette()
    numbers = palette.numbers(images)
    colours = palette.merged(COLOURS)
    frames = [Image.fromarray(image) for image in np.asarray(colours)[0][numbers]]
    for frame in frames:
        frame.putpalette(colours.getpalette() or [])

    def encoded(length: int) -> bytes:
        file, rest = io.BytesIO(), frames[1:length]
        frames[0].save(
            file, "PNG", save_all=True, append_images=rest, duration=milliseconds, optimize=True
        )
        return file.getvalue()

    whole = encoded(len(frames))
    if len(whole) <= most_bytes:
        return whole
    fitting = bisect_right(
        range(1, len(frames)), most_bytes, key=lambda length: len(encoded(length))
    )
    return encoded(max(fitting, 1))

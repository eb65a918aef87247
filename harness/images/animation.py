"""The beginning of an episode as a small animated picture, which any browser plays.

An animated PNG: a plain PNG of the first frame, and for every later one the rectangle that
changed, transparent where it did not ("Portable Network Graphics Specification (Third Edition)",
W3C 2025, sections 5 and 11.3). It needs zlib alone, and a console's few colours fit a palette.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from envs.emulators import FRAMES_PER_STEP
from envs.trace import EpisodeTrace, screens
from harness.images.palette import Seen, packed, unpacked

MOST_FRAMES = 150
"""Frames of a preview, one an agent step: ten seconds."""
MOST_BYTES = 30_000
"""A preview ends before it is larger than this."""
MILLISECONDS = round(1000 * FRAMES_PER_STEP / 60)
"""How long a frame is shown: as long as an agent step lasted."""
COLOURS = 255
"""Most colours of a picture; index 0 of its palette is transparent."""

Images = npt.NDArray[np.uint8]
"""[T, H, W, 3] in colour, or [T, H, W] as indices of a palette."""


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


def animated_png(images: Images, milliseconds: int, most_bytes: int) -> bytes:
    """uint8 [T, H, W, 3] as a picture that shows each for so long, over and over, without the
    last ones if it would be larger than `most_bytes`. The first is in it whatever its size.

    With more than 255 colours similar ones become one.
    """
    palette, indices = _palette(images)
    height, width = indices.shape[1:]
    head = [
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)),
    ]
    colours = [
        _chunk(b"PLTE", bytes(3) + palette.tobytes()),
        _chunk(b"tRNS", b"\0"),
    ]
    end, control_bytes = _chunk(b"IEND", b""), 20
    room = most_bytes - sum(map(len, [*head, *colours, end])) - control_bytes
    frames, parts = 0, []
    for part, shown in _differences(indices):
        number = max(0, 2 * frames - 1)  # of control and data chunks together, the first apart
        control = _control(number, part, shown * milliseconds)
        data = zlib.compress(np.pad(part.pixels, ((0, 0), (1, 0))).tobytes(), 9)
        chunk = _chunk(b"fdAT", struct.pack(">I", number + 1) + data)
        chunk = chunk if frames else _chunk(b"IDAT", data)
        room -= len(control) + len(chunk)
        if frames and room < 0:
            break
        parts += [control, chunk]
        frames += 1
    repeats = _chunk(b"acTL", struct.pack(">2I", frames, 0))  # 0: for ever
    return b"".join([*head, repeats, *colours, *parts, end])


class _Part(NamedTuple):
    """A rectangle of a picture."""

    left: int
    top: int
    pixels: npt.NDArray[np.uint8]  # [h, w] indices; 0 leaves what was there


def _palette(images: Images) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Colours [n, 3] and where each pixel's is among them, counted from 1: [T, H, W]."""
    pixels, seen = packed(images), Seen()
    seen.add(pixels)
    colours, mask = seen.few(COLOURS)
    number = np.zeros(1 << 24, np.uint8)
    number[colours] = np.arange(1, len(colours) + 1)
    return unpacked(colours), number[pixels & mask]


def _differences(indices: npt.NDArray[np.uint8]) -> Sequence[tuple[_Part, int]]:
    """What each picture changes of the one before, and how many pictures long it stays."""
    parts = [(_Part(0, 0, indices[0]), 1)]
    for before, now in pairwise(indices):
        changed = before != now
        if not changed.any():
            parts[-1] = (parts[-1][0], parts[-1][1] + 1)
            continue
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        pixels = np.where(changed, now, 0)[box].astype(np.uint8)
        parts.append((_Part(int(columns[0]), int(rows[0]), pixels), 1))
    return parts


def _control(number: int, part: _Part, milliseconds: int) -> bytes:
    """The chunk before a frame: where it is drawn over the one before, and for how long."""
    height, width = part.pixels.shape
    place = struct.pack(">5I", number, width, height, part.left, part.top)
    over = int(number > 0)
    return _chunk(b"fcTL", place + struct.pack(">2H2B", min(milliseconds, 65_535), 1000, 0, over))


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc

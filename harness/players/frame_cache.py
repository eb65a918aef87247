"""The frames of an episode at any moment, although an emulator only runs forward.

Simulated frames are kept as deflated rows that changed (row_deltas.py), a second of the game a
chunk. Unpacking a chunk takes a few milliseconds. Pong takes 330 bytes a step.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.images.row_deltas import pictures, row_deltas

CHUNK = 60
"""Frames of a chunk."""
MOST_BYTES = 128_000_000
"""Of deflated chunks. Beyond it the chunk farthest from the newest is dropped, and simulated again
when it is needed."""

Frames = npt.NDArray[np.uint8]
"""[k, H, W, 3] in red, green and blue."""


class FrameCache:
    """Any frame of an episode. `play()` yields its frames from the start, a step at a time, the
    same in every call."""

    def __init__(self, play: Callable[[], Iterable[Frames]], most_bytes: int = MOST_BYTES) -> None:
        self._play, self._most_bytes = play, most_bytes
        self._steps = iter(play())
        self._chunks: dict[int, bytes] = {}
        self._simulated = 0  # frames since the start
        self._new: list[Frames] = []  # [H, W, 3] each, of the unfinished chunk
        self._chunk: Callable[[int], Frames] = lru_cache(maxsize=2)(self._unpack)
        self._end: int | None = None

    @property
    def end(self) -> int | None:
        """How many frames there are (count); None until all are simulated."""
        return self._end

    @property
    def kept_bytes(self) -> int:
        """Size of the deflated chunks (bytes)."""
        return sum(map(len, self._chunks.values()))

    def picture(self, number: int) -> Frames:
        """uint8 [H, W, 3]: the maximum of frame `number` and the frame before, as the agent sees
        them: many games draw a sprite in every other frame only. Past the end, the last frame."""
        now = self._frame(number)
        if self._end is not None:
            number = min(number, self._end - 1)
        return np.maximum(self._frame(number - 1), now) if number else now

    def _frame(self, number: int) -> Frames:
        while self._end is None and number >= self._simulated:
            self._simulate()
        if self._end is not None:
            number = min(number, self._end - 1)
        chunk, at = divmod(number, CHUNK)
        if chunk in self._chunks:
            kept: Frames = self._chunk(chunk)[at]
            return kept
        if number < self._simulated - len(self._new):  # its chunk was dropped
            self._steps, self._simulated, self._new, self._end = iter(self._play()), 0, [], None
            return self._frame(number)
        return self._new[at]

    def _simulate(self) -> None:
        """The frames of one more step."""
        frames = next(self._steps, None)
        if frames is None:
            self._end = self._simulated
            return
        for frame in frames:
            self._new.append(frame)
            self._simulated += 1
            if len(self._new) == CHUNK:
                self._keep(self._simulated // CHUNK - 1)

    def _keep(self, chunk: int) -> None:
        if chunk not in self._chunks:
            frames = np.stack(self._new)
            self._shape = frames.shape
            rows = frames.reshape(CHUNK, frames.shape[1], -1)
            self._chunks[chunk] = zlib.compress(row_deltas(rows), 1)
        self._new = []
        while len(self._chunks) > 1 and self.kept_bytes > self._most_bytes:
            del self._chunks[max(self._chunks, key=lambda other: abs(other - chunk))]

    def _unpack(self, chunk: int) -> Frames:
        count, height, width, channels = self._shape
        rows = zlib.decompress(self._chunks[chunk])
        return pictures(rows, count, height, width * channels).reshape(self._shape)

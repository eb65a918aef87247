"""The data of an episode's page, in blocks that a browser unpacks when it needs them.

A chunk is CHUNK_STEPS steps, four seconds of the game. Chunk c, of k steps and f frames, is

    screen-c      row deltas [f, 210, 160]       number of each pixel's colour, its low byte
    high-c        row deltas [f, 210, 160]       its high byte, where one is not 0
    seen-c        row deltas [3 + k, 84, 84]     what the agent saw, and the 3 frames before
    attention-c   row deltas [k, 84, 42]         two pixels a byte, with --attention

and needs no other chunk. The whole episode of T steps has

    actions       uint8 [T]          index into the names
    rewards       int32 [T]          raw score points
    lives         uint8 [T + 1]      when each action was chosen, and at the end
    q, other-q    float32 [A, T]     Q-values of the agent, of the second network, where known
    place, other-place
                  float32 [2, T]     with --locate: x and y of where they take the game's main
                                     object to be (pixels of what the agent sees)
    drawn         uint8 [T]          with --locate: 1 where the console draws the object

all little-endian, deflated (zlib) and in base64. Frames are 60 a second, 4 a step: frame f belongs
to step f // 4, during which the agent carries out what it chose on the stack of that step.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from envs.emulators import FRAME_SHAPE, FRAMES_PER_STEP
from envs.episode_file import action_names
from envs.games import game_title
from envs.labels import sprite_of
from envs.memory import memories
from envs.trace import EpisodeTrace, Moment, frame_digest, resimulate
from harness.images.palette import Palette
from harness.images.row_deltas import row_deltas
from harness.players.locator import Locator, describe
from harness.players.second_network import SecondNetwork, packed, stacks
from replay.ring import STACK_SIZE

CHUNK_STEPS: Final = 60
_BEFORE: Final = STACK_SIZE - 1


def data_block(name: str, text: str) -> str:
    """An element `data-NAME` with text, which the browser keeps but neither runs nor decodes. The
    text must hold no `<`."""
    return f'<script type="text/plain" id="data-{name}">{text}</script>\n'


def in_words(action: str) -> str:
    """ALE's name of an action in words: DOWNRIGHTFIRE is `down right fire`."""
    return re.sub(r"(UP|DOWN|LEFT|RIGHT|FIRE)(?=.)", r"\1 ", action).lower()


class PageData:
    """The blocks of one episode, and what describes them."""

    def __init__(
        self,
        trace: EpisodeTrace,
        second: SecondNetwork | None,
        *,
        attention: bool,
        locators: Sequence[Locator] = (),
    ) -> None:
        self.trace, self.second = trace, second
        self.departs: int | None = None
        """First step at which the simulation differs from the recording; None if none does."""
        self.frames = 0
        """Emulator frames so far."""
        self._attention = attention
        self._palette = Palette()
        self._chunks = 0
        self._rewards: list[int] = []
        self._lives: list[int] = []
        self._other: list[npt.NDArray[np.float32]] = []
        self._locators = locators
        self._places: list[list[npt.NDArray[np.float32]]] = [[] for _ in locators]
        self._memories: list[npt.NDArray[np.uint8]] = []

    def blocks(self, screens: Iterable[npt.NDArray[np.uint8]]) -> Iterator[str]:
        """Every block, from the frames uint8 [k, 210, 160, 3] of each step."""
        moments = resimulate(self.trace)
        frames: list[npt.NDArray[np.uint16]] = []
        # Frames from before the episode's first one are zero, as in replay/ring.py.
        seen = [np.zeros(FRAME_SHAPE, np.uint8)] * _BEFORE
        rams = memories(self.trace) if self._locators else repeat(None)
        for screen, moment, ram in zip(screens, moments, rams, strict=False):
            self._follow(moment)
            if ram is not None:
                self._memories.append(ram)
            self._rewards.append(moment.reward)
            frames.append(self._palette.numbers(screen))
            seen.append(moment.frame)
            if len(frames) == CHUNK_STEPS:
                yield from self._chunk(np.concatenate(frames), np.stack(seen))
                frames, seen = [], seen[-_BEFORE:]
        if frames:
            yield from self._chunk(np.concatenate(frames), np.stack(seen))
        for moment in moments:
            self._follow(moment)
        yield from self._series()

    def about(self) -> dict[str, object]:
        """What the page needs to read the blocks; complete once `blocks` is exhausted."""
        return {
            "game": game_title(self.trace.protocol.game),
            "actions": [in_words(name) for name in action_names(self.trace.protocol)],
            "steps": len(self._rewards),
            "frames": self.frames,
            "framesPerStep": FRAMES_PER_STEP,
            "chunkSteps": CHUNK_STEPS,
            "palette": self._palette.colours,
            "second": self.second.name if self.second else None,
            "attention": self._attention,
            "located": describe(self._locators),
            "departs": self.departs,
        }

    def _follow(self, moment: Moment) -> None:
        """Record the lives, and where the simulation first departs from the recording."""
        step, trace = len(self._lives), self.trace
        self._lives.append(moment.lives)
        if self.departs is not None:
            return
        recorded = int(trace.rewards[step]) if step < len(trace) else 0
        other_frame = len(trace.digests) > 0 and frame_digest(moment.frame) != trace.digests[step]
        other_end = moment.ended != (step + 1 >= len(trace) and not trace.stuck)
        if other_frame or other_end or moment.reward != recorded:
            self.departs = step

    def _chunk(self, numbers: npt.NDArray[np.uint16], seen: npt.NDArray[np.uint8]) -> Iterator[str]:
        """Blocks of frames [f, 210, 160] and of what the agent saw, [3 + k, 84, 84]."""
        name, high = self._chunks, (numbers >> 8).astype(np.uint8)
        yield _block(f"screen-{name}", row_deltas((numbers & 255).astype(np.uint8)))
        if high.any():
            yield _block(f"high-{name}", row_deltas(high))
        yield _block(f"seen-{name}", row_deltas(seen))
        states = stacks(seen)
        for locator, places in zip(self._locators, self._places, strict=True):
            places.append(locator.places(states))
        if self.second:
            self._other.append(self.second.q_values(states))
            if self._attention:
                shades = packed(self.second.attention(states))
                yield _block(f"attention-{name}", row_deltas(shades))
        self.frames += len(numbers)
        self._chunks += 1

    def _series(self) -> Iterator[str]:
        steps = len(self._rewards)
        yield _block("actions", self.trace.actions[:steps].tobytes())
        yield _block("rewards", np.array(self._rewards, "<i4").tobytes())
        yield _block("lives", np.array(self._lives, np.uint8).tobytes())
        if self.trace.q_values.shape[1]:
            yield _block("q", self.trace.q_values[:steps].T.astype("<f4").tobytes())
        if self._other:
            yield _block("other-q", np.concatenate(self._other).T.astype("<f4").tobytes())
        for locator, places in zip(self._locators, self._places, strict=True):
            yield _block(locator.block, np.concatenate(places).T.astype("<f4").tobytes())
        if self._locators:
            # A readout always answers, also where there is no object.
            sprite = sprite_of(self.trace.protocol.game, self._locators[0].object)
            yield _block("drawn", sprite.is_drawn(np.stack(self._memories)).tobytes())


def _block(name: str, content: bytes) -> str:
    return data_block(name, base64.b64encode(zlib.compress(content, 9)).decode())

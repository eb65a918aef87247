"""The action log: everything that the emulators of a run did, without frames, in about a byte a
step.

A file is a header and then chunks of CHUNK_ROWS turns; the last chunk may hold fewer. Turn t of E
emulators is the action taken in row t (envs/emulators.py) and its outcome, which is row t + 1.

    header   MAGIC, length and CRC-32 of the JSON that follows, JSON (LogHeader)
    chunk    CHUNK, its first turn, its number of turns, length and CRC-32 of the rest, and then,
             compressed by zlib:
             actions   uint8 [E, T]       index into the game's action set
             rewards   int32 [E, T]       raw score points
             flags     uint8 [E, T]       sums of the constants below
             digests   uint32 [E, T/64]   CRC-32 of the frame of each row divisible by 64

All numbers are little-endian.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ale_py
import numpy as np
import numpy.typing as npt

from envs.emulators import EmulatorConfig, Step
from envs.fields import check_versions, parse
from envs.games import rom_digest
from envs.trace import frame_digest

MAGIC, CHUNK = b"unpooled actions", b"rows"
FORMAT = 1
CHUNK_ROWS = 1_024
DIGEST_ROWS = 64
TERMINATED, TRUNCATED, LIFE_LOST, KEYFRAME = 1, 2, 4, 8
"""Flags of a turn: the game is over; the frame cap ended it; a life was lost; the row that it
leads to is a keyframe."""
MOST_ENVS = 1_024
_HEAD, _CHUNK_HEAD = struct.Struct("<16sII"), struct.Struct("<4sIIII")


class BadLog(ValueError):
    """A file that is no action log, or a damaged one. The message is one line."""


@dataclass(frozen=True)
class LogHeader:
    """What is needed to simulate a log again."""

    protocol: EmulatorConfig
    seed: int
    """Seed of the run, from which each keyframe's seed follows."""
    start: int
    """Steps of the run before row 0."""
    keyframe_period: int
    """Least distance of an emulator's keyframes (rows)."""
    rom_sha256: str
    """SHA-256 of the cartridge file, in hexadecimal."""
    ale_py: str
    """Version of ale-py that played it."""

    @classmethod
    def for_installed(
        cls, protocol: EmulatorConfig, seed: int, start: int, keyframe_period: int
    ) -> LogHeader:
        """The header of a log of the installed ale-py and cartridge. Raises UnknownGame."""
        rom = rom_digest(protocol.game)
        return cls(protocol, seed, start, keyframe_period, rom, ale_py.__version__)

    def packed(self) -> bytes:
        """The bytes at the start of the file."""
        text = json.dumps({"format": FORMAT, **asdict(self)}).encode()
        return _HEAD.pack(MAGIC, len(text), zlib.crc32(text)) + text


class Turns(NamedTuple):
    """T turns of E emulators."""

    actions: npt.NDArray[np.uint8]  # [E, T]
    rewards: npt.NDArray[np.int32]  # [E, T]
    flags: npt.NDArray[np.uint8]  # [E, T]
    digests: npt.NDArray[np.uint32]  # [E, T // 64]

    @classmethod
    def empty(cls, num_envs: int, rows: int) -> Turns:
        """`rows` turns that are all zero."""
        return cls(*(np.zeros((num_envs, n), dtype) for n, dtype in _columns(rows)))

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """The same arrays, under a type that fits all of them."""
        return self.actions, self.rewards, self.flags, self.digests

    @property
    def rows(self) -> int:
        """Number of turns, T."""
        return int(self.actions.shape[1])


def _columns(rows: int) -> tuple[tuple[int, np.dtype[Any]], ...]:
    dtypes = ((rows, "<u1"), (rows, "<i4"), (rows, "<u1"), (rows // DIGEST_ROWS, "<u4"))
    return tuple((count, np.dtype(dtype)) for count, dtype in dtypes)


class Recorder:
    """Collects turns and returns a packed chunk whenever one is full."""

    def __init__(self, num_envs: int, rows: int = 0, tail: Turns | None = None) -> None:
        """Continue after `rows` turns. `tail` are those since the last full chunk."""
        self.rows = rows
        self._turns = Turns.empty(num_envs, CHUNK_ROWS)
        for column, values in zip(self._turns.columns, tail.columns if tail else (), strict=False):
            column[:, : values.shape[1]] = values

    def add(
        self, actions: npt.NDArray[np.int64], step: Step, keyframes: npt.NDArray[np.bool_]
    ) -> bytes | None:
        """Add one turn: actions [E], their outcome, and which emulators are at a keyframe [E].
        Returns a chunk when this turn fills it."""
        at = self.rows % CHUNK_ROWS
        self._turns.actions[:, at] = actions
        self._turns.rewards[:, at] = step.rewards
        self._turns.flags[:, at] = flags_of(step, keyframes)
        self.rows += 1
        if self.rows % DIGEST_ROWS == 0:
            self._turns.digests[:, at // DIGEST_ROWS] = digests_of(step)
        if self.rows % CHUNK_ROWS:
            return None
        return pack_chunk(self.rows - CHUNK_ROWS, self._turns)

    def tail(self) -> Turns:
        """A copy of the turns since the last full chunk."""
        count = self.rows % CHUNK_ROWS
        columns = (count, count, count, count // DIGEST_ROWS)
        return Turns(*(a[:, :n].copy() for a, n in zip(self._turns.columns, columns, strict=True)))


def flags_of(step: Step, keyframes: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """uint8 [E]: the flags of a turn."""
    flags = step.terminated * TERMINATED + step.truncated * TRUNCATED
    flags = flags + step.life_lost * LIFE_LOST + keyframes * KEYFRAME
    return np.asarray(flags, np.uint8)


def digests_of(step: Step) -> list[int]:
    """CRC-32 of each of the E frames of a row."""
    return [frame_digest(frame) for frame in step.frames]


def pack_chunk(begin: int, turns: Turns) -> bytes:
    """The bytes of a chunk of at most CHUNK_ROWS turns, the first of which is turn `begin`."""
    columns = zip(turns.columns, _columns(turns.rows), strict=True)
    packed = zlib.compress(b"".join(a.astype(dtype).tobytes() for a, (_, dtype) in columns))
    crc = zlib.crc32(packed)
    return _CHUNK_HEAD.pack(CHUNK, begin, turns.rows, len(packed), crc) + packed


class LogFile:
    """An action log on disk, read chunk by chunk. Its content is checked, not trusted."""

    def __init__(self, path: Path) -> None:
        """Raises BadLog for a file without an intact header of this format, OSError when the file
        cannot be read."""
        self.path = path
        self._content = path.read_bytes()
        if len(self._content) < _HEAD.size or not self._content.startswith(MAGIC):
            raise BadLog(f"{path} is no action log")
        _, length, crc = _HEAD.unpack_from(self._content)
        self._first = _HEAD.size + length
        text = self._content[_HEAD.size : self._first]
        if zlib.crc32(text) != crc:
            raise BadLog(f"the header of {path} is damaged")
        self.header = _header(path, text)

    def chunks(self) -> Iterator[tuple[int, Turns]]:
        """(first turn, turns) of the intact chunks, in order; damaged ones are left out. Raises
        BadLog for a chunk that is intact but impossible."""
        at, expected = self._first, 0
        max_length = 1_000 + 2 * self._size(CHUNK_ROWS)
        while 0 <= at <= len(self._content) - _CHUNK_HEAD.size:
            magic, begin, rows, length, crc = _CHUNK_HEAD.unpack_from(self._content, at)
            start = at + _CHUNK_HEAD.size
            # Bytes that look like the mark of a chunk occur by chance: read no more than a chunk.
            plausible = magic == CHUNK and length <= min(max_length, len(self._content) - start)
            packed = self._content[start : start + length] if plausible else b""
            if plausible and zlib.crc32(packed) == crc:
                if begin >= expected:
                    yield begin, self._unpack(packed, begin, rows)
                at, expected = start + length, max(begin + rows, expected)
            else:  # damaged or cut off: go on where the next chunk seems to begin
                at = self._content.find(CHUNK, at + 1)

    def _size(self, rows: int) -> int:
        """Bytes of a chunk before compression."""
        num_envs = self.header.protocol.num_envs
        return sum(num_envs * count * dtype.itemsize for count, dtype in _columns(rows))

    def _unpack(self, packed: bytes, begin: int, rows: int) -> Turns:
        size = self._size(min(rows, CHUNK_ROWS))
        try:
            content = zlib.decompressobj().decompress(packed, size + 1)
        except zlib.error as error:
            raise BadLog(f"{self.path} holds what is no chunk: {error}") from None
        if begin % CHUNK_ROWS or not 0 < rows <= CHUNK_ROWS or len(content) != size:
            raise BadLog(f"{self.path} holds a chunk of another size")
        num_envs, arrays, at = self.header.protocol.num_envs, [], 0
        for count, dtype in _columns(rows):
            values = np.frombuffer(content, dtype, num_envs * count, at)
            arrays.append(values.reshape(num_envs, count))
            at += values.nbytes
        return Turns(*arrays)


def _header(path: Path, text: bytes) -> LogHeader:
    try:
        header = parse(LogHeader, text, FORMAT)
        if not 0 < header.protocol.num_envs <= MOST_ENVS or header.keyframe_period < 1:
            raise ValueError("impossible numbers")
        check_versions(header.ale_py, header.rom_sha256)
    except ValueError as error:
        raise BadLog(f"the header of {path} cannot be read: {error}") from None
    return header

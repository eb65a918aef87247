"""The action log: what was written is read again, and damage takes only what it touches."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.action_log import (
    CHUNK_ROWS,
    KEYFRAME,
    LIFE_LOST,
    TERMINATED,
    TRUNCATED,
    BadLog,
    LogFile,
    LogHeader,
    Recorder,
    Turns,
    pack_chunk,
)
from envs.emulators import EmulatorConfig, Step
from envs.history import TrainingEpisode, episodes

ENVS = 3
HEADER = LogHeader(EmulatorConfig("Pong", ENVS), 7, 1_000, 500, "0" * 64, "0.12.1")


def played(rows: int, seed: int = 0) -> tuple[Recorder, list[bytes], Turns]:
    """A recorder after `rows` random turns, the chunks it handed out, and the turns."""
    random = np.random.default_rng(seed)
    recorder, chunks, truth = Recorder(ENVS), [], Turns.empty(ENVS, rows)
    first = np.zeros(ENVS, bool)
    for row in range(rows):
        end, cut, life = random.random((3, ENVS)) < 0.02
        end, cut = end & ~first, cut & ~end & ~first
        actions, rewards = random.integers(18, size=ENVS), random.integers(-5, 500, ENVS) * ~first
        keyframes = first & (random.random(ENVS) < 0.5)
        frames = random.integers(256, size=(ENVS, 84, 84), dtype=np.uint8)
        step = Step(frames, rewards.astype(np.int32), end, cut, life & ~first, first)
        chunks += [chunk] if (chunk := recorder.add(actions, step, keyframes)) else []
        truth.actions[:, row], truth.rewards[:, row] = actions, rewards
        truth.flags[:, row] = (
            end * TERMINATED + cut * TRUNCATED + step.life_lost * LIFE_LOST + keyframes * KEYFRAME
        )
        first = end | cut
    return recorder, chunks, truth


RECORDER, CHUNKS, TRUTH = played(3 * CHUNK_ROWS + 100)
CONTENT = HEADER.packed() + b"".join(CHUNKS)


def written(folder: Path, content: bytes) -> LogFile:
    (folder / "a.actions").write_bytes(content)
    return LogFile(folder / "a.actions")


def same(begin: int, turns: Turns) -> bool:
    end = begin + turns.rows
    pairs = zip(turns[:3], TRUTH[:3], strict=True)
    return all(np.array_equal(part, true[:, begin:end]) for part, true in pairs)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    log = written(tmp_path, CONTENT)
    assert log.header == HEADER
    chunks = list(log.chunks())
    assert [begin for begin, _ in chunks] == [0, CHUNK_ROWS, 2 * CHUNK_ROWS]
    assert all(same(begin, turns) for begin, turns in chunks)
    assert same(3 * CHUNK_ROWS, RECORDER.tail())


def test_a_recorder_goes_on_from_its_tail() -> None:
    """In the middle of a chunk: the next chunk is the same, digests included."""
    random = np.random.default_rng(1)
    resumed = Recorder(ENVS, RECORDER.rows, RECORDER.tail())
    original = Recorder(ENVS, RECORDER.rows, RECORDER.tail())
    nothing = np.zeros(ENVS, bool)
    for row in range(CHUNK_ROWS):
        frames = random.integers(256, size=(ENVS, 84, 84), dtype=np.uint8)
        step = Step(frames, np.zeros(ENVS, np.int32), nothing, nothing, nothing, nothing)
        first = original.add(np.full(ENVS, row % 18), step, nothing)
        second = resumed.add(np.full(ENVS, row % 18), step, nothing)
        assert first == second
        resumed = Recorder(ENVS, resumed.rows, resumed.tail())
        if first:
            break
    else:
        pytest.fail("no chunk became whole")


def test_a_shorter_last_chunk_is_read(tmp_path: Path) -> None:
    log = written(tmp_path, CONTENT + pack_chunk(3 * CHUNK_ROWS, RECORDER.tail()))
    begin, turns = list(log.chunks())[-1]
    assert (begin, turns.rows) == (3 * CHUNK_ROWS, 100)
    assert same(begin, turns)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, len(CONTENT)))
def test_a_torn_log_holds_the_chunks_before(
    size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    ends = np.cumsum([len(HEADER.packed()), *map(len, CHUNKS)])
    if size < ends[0]:
        with pytest.raises(BadLog):
            written(folder, CONTENT[:size])
        return
    chunks = list(written(folder, CONTENT[:size]).chunks())
    assert len(chunks) == int((ends[1:] <= size).sum())
    assert all(same(begin, turns) for begin, turns in chunks)


@settings(max_examples=150, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(1, 255)), max_size=4),
    behind=st.binary(max_size=40),
)
def test_flipped_bytes_cost_only_their_chunks(
    flips: list[tuple[int, int]], behind: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    content = bytearray(CONTENT)
    for at, bits in flips:
        content[at] ^= bits
    ends = np.cumsum([len(HEADER.packed()), *map(len, CHUNKS)])
    damaged = {
        int(np.searchsorted(ends, at, side="right"))
        for at, _ in flips
        if content[at] != CONTENT[at]
    }
    try:
        chunks = dict(written(folder, bytes(content) + behind).chunks())
    except BadLog:
        assert 0 in damaged
        return
    assert 0 not in damaged
    expected = {(i - 1) * CHUNK_ROWS for i in range(1, 4) if i not in damaged}
    assert set(chunks) == expected
    assert all(same(begin, turns) for begin, turns in chunks.items())


def test_a_chunk_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = pack_chunk(0, Turns.empty(ENVS, CHUNK_ROWS))
    large = pack_chunk(0, Turns.empty(40 * ENVS, CHUNK_ROWS))
    log = written(tmp_path, HEADER.packed() + large)
    with pytest.raises(BadLog, match="another size"):
        list(log.chunks())
    assert len(list(written(tmp_path, HEADER.packed() + bomb).chunks())) == 1


@pytest.mark.parametrize("content", [b"", b"unpooled", b"x" * 999, b"unpooled actions" * 9])
def test_what_is_no_log_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadLog):
        written(tmp_path, content)


def one_by_one() -> list[TrainingEpisode]:
    """The episodes of TRUTH, found turn by turn."""
    ended = []
    row, key, score = [0] * ENVS, [0] * ENVS, [0] * ENVS
    ignored = [False] * ENVS
    for turn in range(TRUTH.rows):
        for env in range(ENVS):
            flags = TRUTH.flags[env, turn]
            if ignored[env]:
                row[env], score[env], ignored[env] = turn + 1, 0, False
                if flags & KEYFRAME:
                    key[env] = turn + 1
                continue
            score[env] += int(TRUTH.rewards[env, turn])
            if flags & (TERMINATED | TRUNCATED):
                cut = bool(flags & TRUNCATED)
                length, steps = turn + 1 - row[env], 1_000 + turn * ENVS + env + 1
                ended.append(
                    TrainingEpisode(steps, score[env], length, cut, env, row[env], key[env])
                )
                ignored[env] = True
    return ended


def blocks() -> list[tuple[int, Turns]]:
    cuts = [0, 1, 2, 700, CHUNK_ROWS, TRUTH.rows]
    return [
        (begin, Turns(*(part[:, begin:end] for part in TRUTH[:3]), TRUTH.digests[:, :0]))
        for begin, end in pairwise(cuts)
    ]


def test_episodes_are_those_found_turn_by_turn() -> None:
    """However the turns are cut into blocks."""
    expected = one_by_one()
    assert len(expected) > 100
    assert len({one.steps for one in expected}) == len(expected), "each has a place of its own"
    assert list(episodes(HEADER, blocks())) == expected


def test_a_gap_costs_the_episodes_that_touch_it() -> None:
    left = blocks()
    del left[2]
    begin, end = 2, 700
    complete = list(episodes(HEADER, left))
    # After the gap an emulator's episodes are known again once it had a keyframe.
    assert set(complete) < set(one_by_one())
    assert any(one.keyframe >= end for one in complete)
    assert not any(one.row < end and one.row + one.length > begin for one in complete)

"""Streams of real emulators: taken again from a log they are the same, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from envs.action_log import CHUNK_ROWS, LogHeader, Recorder, Turns
from envs.emulators import EmulatorConfig, Emulators
from envs.history import episodes, trace
from envs.stream import LogMismatch, Stream, Turn, keyframe_seed, keyframes_before
from envs.trace import resimulate, screens

ROWS, PERIOD, SEED = CHUNK_ROWS + 300, 250, 5
PROTOCOL = EmulatorConfig("Breakout", num_envs=3, noop_max=5, max_episode_frames=800)


class Played(NamedTuple):
    frames: list[np.ndarray]  # of each row, [E, 84, 84]
    turns: list[Turn]
    blocks: list[tuple[int, Turns]]
    stream: Stream


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """Random play; the stream stands behind it."""
    random = np.random.default_rng(0)
    with closing(Emulators(PROTOCOL, 2)) as emulators:
        stream, recorder = Stream(emulators, SEED, 0, PERIOD), Recorder(3)
        frames, turns, blocks = [stream.begin().copy()], [], []
        for _ in range(ROWS):
            stream.send(random.integers(4, size=3))
            turn = stream.recv()
            if recorder.rows % CHUNK_ROWS == CHUNK_ROWS - 1:
                # The chunk is handed out packed; its turns are those of the tail before it.
                before = recorder.tail()
                recorder.add(*turn)
                blocks.append((0, whole(before, turn)))
            else:
                recorder.add(*turn)
            turns.append(turn)
            frames.append(turn.step.frames.copy())
        blocks.append((CHUNK_ROWS, recorder.tail()))
        yield Played(frames, turns, blocks, stream)


def whole(before: Turns, last: Turn) -> Turns:
    """The turns of a chunk: those before its last one, and that one."""
    probe = Recorder(3, CHUNK_ROWS - 1, before)
    probe.add(*last)
    return Turns(*(part.copy() for part in probe._turns.columns))


def fresh() -> Stream:
    return Stream(Emulators(PROTOCOL, 2), SEED, 0, PERIOD)


def test_keyframes_come_at_episode_starts_and_not_together(played: Played) -> None:
    rows = [np.flatnonzero([turn.keyframes[env] for turn in played.turns]) + 1 for env in range(3)]
    assert all(len(keyframes) >= 3 for keyframes in rows)
    assert len({int(keyframes[0]) for keyframes in rows}) == 3
    for env, keyframes in enumerate(rows):
        assert all(played.turns[row - 1].step.first[env] for row in keyframes)
        assert (np.diff(keyframes) >= PERIOD).all()
        assert keyframes[0] >= (env + 1) * PERIOD // 3
        # None is late: no episode began between the row it was due in and its own.
        for before, row in zip(
            [(env + 1) * PERIOD // 3 - PERIOD, *keyframes], keyframes, strict=False
        ):
            due = range(max(before + PERIOD, 1), row)
            assert not any(played.turns[r - 1].step.first[env] for r in due)


def test_a_keyframe_alone_decides_what_follows(played: Played) -> None:
    """One emulator of its own, seeded like the keyframe, shows the same frames."""
    row = int(keyframes_before(played.blocks, ROWS, 3)[1])
    assert row > 0
    with closing(Emulators(replace(PROTOCOL, num_envs=1), 1)) as alone:
        frame = alone.reset(np.array([keyframe_seed(SEED, 0, 1, row)]))[0]
        for later in range(row, ROWS):
            assert np.array_equal(frame, played.frames[later][1])
            alone.send(played.turns[later].actions[1:2])
            frame = alone.recv().frames[0]


def test_seeds_are_below_those_of_evaluations() -> None:
    seeds = {keyframe_seed(*numbers) for numbers in np.ndindex(3, 3, 3, 30)}
    assert len(seeds) == 3 * 3 * 3 * 30
    assert all(0 <= seed < 2**30 for seed in seeds)


@pytest.mark.parametrize("oldest", [0, 700, ROWS])
def test_followed_turns_are_the_same_and_go_on_the_same(played: Played, oldest: int) -> None:
    followed = fresh()
    seen = 0
    for row, frames, turn in followed.follow(played.blocks, ROWS, oldest):
        if row >= oldest:
            assert np.array_equal(frames, played.frames[row]), row
            assert turn is None or np.array_equal(turn.keyframes, played.turns[row - 1].keyframes)
            seen += 1
    assert seen == ROWS + 1 - oldest
    assert followed.row == ROWS


def test_a_followed_stream_goes_on_as_the_original(played: Played) -> None:
    """The latter can be used once only: this test takes it to its end."""
    followed = fresh()
    for _ in followed.follow(played.blocks, ROWS, ROWS):
        pass
    random = np.random.default_rng(2)
    keyframes = 0
    for _ in range(600):
        actions = random.integers(4, size=3)
        turns = []
        for stream in (played.stream, followed):
            stream.send(actions)
            turns.append(stream.recv())
        for first, second in zip(turns[0].step, turns[1].step, strict=True):
            assert np.array_equal(first, second)
        assert np.array_equal(turns[0].keyframes, turns[1].keyframes)
        keyframes += int(turns[0].keyframes.sum())
    assert keyframes >= 3


def test_the_next_keyframe_stays_due_when_it_was(played: Played) -> None:
    """Also where the last one is older than all that is followed."""
    long = 700
    with closing(Emulators(PROTOCOL, 2)) as emulators:
        original, recorder = Stream(emulators, SEED, 0, long), Recorder(3)
        original.begin()
        for turn in played.turns[: CHUNK_ROWS - 1]:
            original.send(turn.actions)
            recorder.add(*original.recv())
    followed = Stream(Emulators(PROTOCOL, 2), SEED, 0, long)
    for _ in followed.follow([(0, recorder.tail())], CHUNK_ROWS - 1, CHUNK_ROWS - 1):
        pass
    assert (keyframes_before([(0, recorder.tail())], CHUNK_ROWS, 3) > 0).all()
    assert followed._due.tolist() == original._due.tolist()


def changed(blocks: list[tuple[int, Turns]], name: str, env: int, at: int) -> list:
    parts = {key: value.copy() for key, value in blocks[1][1]._asdict().items()}
    if name == "actions":  # one alone may change nothing: it is ignored, or the last one sticks
        parts[name][env, at : at + 100] = 3 - parts[name][env, at : at + 100]
    else:
        parts[name][env, at] += 1
    return [blocks[0], (blocks[1][0], Turns(**parts))]


@pytest.mark.parametrize(
    ("name", "at"), [("rewards", 250), ("flags", 299), ("digests", 3), ("actions", 20)]
)
def test_another_answer_than_recorded_is_noticed(played: Played, name: str, at: int) -> None:
    blocks = changed(played.blocks, name, 1, at)
    with pytest.raises(LogMismatch, match="answers something else"):
        for _ in fresh().follow(blocks, ROWS, ROWS):
            pass


def test_missing_turns_are_noticed(played: Played) -> None:
    for blocks in (played.blocks[:1], played.blocks[1:]):
        with pytest.raises(LogMismatch, match="are missing"):
            for _ in fresh().follow(blocks, ROWS, 100):
                pass


def test_every_training_episode_can_be_played_again(played: Played) -> None:
    """Its first frames, rewards and end; and in colour with four frames a step."""
    header = LogHeader.for_installed(PROTOCOL, SEED, 0, PERIOD)
    listed = list(episodes(header, played.blocks))
    assert {one.truncated for one in listed} == {True, False}
    for one in [listed[0], listed[len(listed) // 2], listed[-1]]:
        episode = trace(header, played.blocks, one)
        moments = list(resimulate(episode))
        assert len(moments) == one.length + 1
        assert moments[-1].ended
        assert [moment.reward for moment in moments[:-1]] == episode.rewards.tolist()
        assert episode.score == one.score
        for offset, moment in enumerate(moments):
            assert np.array_equal(moment.frame, played.frames[one.row + offset][one.env])
    shown = [len(frames) for frames in screens(episode)]
    assert len(shown) == one.length
    assert shown[:-1] == [4] * (one.length - 1)
    with pytest.raises(ValueError, match="damaged"):
        trace(header, played.blocks[:1], listed[-1])

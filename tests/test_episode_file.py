"""The episode file: what is kept, and what damaged and foreign files do."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from envs.episode_file import (
    BYTES_PER_STEP,
    FIXED_BYTES,
    BadEpisode,
    load_episode,
    read_header,
    save_episode,
)
from envs.q_planes import LEVELS, decode, encode
from envs.trace import EpisodeTrace
from harness.run.config import flatten
from support.episode_samples import (
    ALL_ACTIONS,
    PONG,
    edit_json,
    made_up,
    npy,
    pickled,
    rewrite,
    same,
)

# What is kept


@given(st.data())
def test_a_file_gives_back_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    steps = data.draw(st.integers(1, 30))
    trace = replace(
        made_up(steps, seed=data.draw(st.integers(0, 2**31 - 1))),
        actions=data.draw(arrays(np.uint8, steps, elements=st.integers(0, 5))),
        rewards=data.draw(arrays(np.int32, steps)),
        digests=data.draw(arrays(np.uint32, steps + 1)),
    )
    path = tmp_path_factory.mktemp("e") / "x.episode"
    save_episode(path, trace, epsilon=0.05)
    back, header = load_episode(path), read_header(path)
    assert same(back, trace)
    assert (back.q_values.dtype, back.rewards.dtype) == (np.float32, np.int32)
    assert (header.score, header.steps, header.epsilon) == (trace.score, steps, 0.05)
    assert header.action_names == ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")


Q_VALUES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=18),
    elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
)


# Two values as close as float32 allows, moved by the rounding to where it allows less.
CLOSE = np.array([[1024, 1024 - 2**-14], [1036, 1036]], np.float32)


@given(Q_VALUES, st.sampled_from(LEVELS))
@example(CLOSE, 1023)
def test_q_values_keep_their_order_at_the_top_and_the_stated_resolution(
    q_values: np.ndarray, levels: int
) -> None:
    rounded = encode(q_values, levels)
    back = decode(rounded)
    top = q_values.max(1, keepdims=True)
    assert np.array_equal(back == back.max(1, keepdims=True), q_values == top)
    exact = q_values.astype(np.float64)
    gap = float((exact.max(1, keepdims=True) - exact).max())
    least = np.finfo(np.float32).tiny
    spacing = 2 * max(float(np.spacing(np.abs(top).max())), float(least))
    assert rounded.top_step == float(np.abs(top).max()) / 4095
    assert rounded.gap_step <= max(gap / levels, spacing)
    within = rounded.top_step / 2 + rounded.gap_step + np.spacing(np.abs(back))
    assert (np.abs(back - exact) <= within).all()


def noisy(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2000, 18))


def like_a_trained_agents(rng: np.random.Generator) -> np.ndarray:
    """A value that drifts, gaps that drift more slowly, and some noise in each."""
    value = 5 + rng.normal(0, 0.05, (2000, 1)).cumsum(0)
    gaps = rng.normal(0, 0.02, (2000, 18)).cumsum(0)
    return value + gaps + rng.normal(0, 0.05, (2000, 18))


@pytest.mark.parametrize(("values", "least_levels"), [(noisy, 31), (like_a_trained_agents, 127)])
def test_two_thousand_steps_of_18_actions_fit_into_40_kb(
    tmp_path: Path, values: Callable[[np.random.Generator], np.ndarray], least_levels: int
) -> None:
    q_values = values(np.random.default_rng(1)).astype(np.float32)
    trace = replace(made_up(2000, ALL_ACTIONS), q_values=q_values)
    path = tmp_path / "x.episode"
    save_episode(path, trace, epsilon=0.001, agent="half_max-quick-s0-20260101-120000/best")
    assert path.stat().st_size <= FIXED_BYTES + 2000 * BYTES_PER_STEP <= 40_000
    gaps = q_values.max(1, keepdims=True) - q_values
    assert read_header(path).gap_step <= gaps.max() / least_levels * 1.001


def test_an_agent_may_have_any_name(tmp_path: Path) -> None:
    """Names of folders may be no text at all; a header that could not be read again is lost."""
    save_episode(tmp_path / "x.episode", made_up(10), agent="a\udcffb\u00e9")
    assert read_header(tmp_path / "x.episode").agent == "a?b\u00e9"


def test_the_same_episode_is_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.episode", tmp_path / "other.episode"
    save_episode(one, made_up(50))
    save_episode(other, made_up(50))
    assert one.read_bytes() == other.read_bytes()
    assert sorted(tmp_path.iterdir()) == [one, other]


@pytest.mark.parametrize(
    "q_values", [np.full((10, 6), np.nan, np.float32), np.zeros((10, 4), np.float32)]
)
def test_an_episode_that_could_not_be_read_is_not_written(
    tmp_path: Path, q_values: np.ndarray
) -> None:
    with pytest.raises(BadEpisode, match="Q-values"):
        save_episode(tmp_path / "x.episode", replace(made_up(10), q_values=q_values))
    with pytest.raises(BadEpisode, match="not 0"):
        save_episode(tmp_path / "x.episode", made_up(0))
    assert list(tmp_path.iterdir()) == []


# Damaged and foreign files


def refused(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(BadEpisode) as caught:
        load_episode(path)
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line
    return line


def test_a_file_cut_short_anywhere_is_refused(file: Path) -> None:
    content = file.read_bytes()
    for length in [0, 1, 22, *range(30, len(content), 97), len(content) - 1]:
        file.write_bytes(content[:length])
        refused(file)


def test_a_damaged_byte_is_refused_or_harmless(file: Path, game: EpisodeTrace) -> None:
    content = file.read_bytes()
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        with contextlib.suppress(BadEpisode):
            assert same(load_episode(file), game)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nowhere.episode")
    refused(tmp_path)
    foreign = tmp_path / "foreign.episode"
    foreign.write_text("{}")
    refused(foreign)
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("readme.txt", "something else")
    assert "is not an episode file" in refused(foreign)


@pytest.mark.parametrize(
    "garbage", [b"", b"nothing", b"\xff\xfe", b"[]", b"null", b'{"format": 1}', b"[" * 50_000]
)
def test_garbage_for_json_is_refused(file: Path, garbage: bytes) -> None:
    rewrite(file, {"episode.json": garbage})
    refused(file)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"steps": 10**12},
        {"steps": True},
        {"steps": "386"},
        {"seed": -1},
        {"gap_step": float("nan")},
        {"top_step": float("inf")},
        {"protocol": {"game": "Pong"}},
        {"protocol": flatten(replace(PONG)) | {"game": "Ping"}},
        {"protocol": flatten(replace(PONG)) | {"sticky_actions": 2.0}},
        {"action_names": ["NOOP"] * 19},
        {"action_names": ["NOOP"]},
        {"surprise": 1},
    ],
)
def test_a_header_that_cannot_be_is_refused(file: Path, values: dict[str, object]) -> None:
    edit_json(file, **values)
    refused(file)


def test_a_newer_format_says_so(file: Path) -> None:
    edit_json(file, format=3, something="new")
    assert "update unpooled" in refused(file)


def test_nothing_is_unpickled(file: Path, tmp_path: Path, game: EpisodeTrace) -> None:
    trap = tmp_path / "sprung"
    rewrite(file, {"actions.npy": pickled((len(game),), trap)})
    refused(file)
    assert not trap.exists()


def test_no_more_is_unpacked_than_the_header_asks_for(file: Path, game: EpisodeTrace) -> None:
    whole = file.read_bytes()
    rewrite(file, {"actions.npy": npy(np.zeros(10**7, np.uint8))})
    assert "larger than it may be" in refused(file)
    file.write_bytes(whole)
    rewrite(file, {"episode.json": b" " * 10**7 + b"{}"})
    assert "larger than it may be" in refused(file)
    file.write_bytes(whole)
    # An array that claims to be larger than its file: numpy would allocate it first.
    lying = npy(np.zeros(len(game), np.uint8)).replace(b"'shape': (", b"'shape': (9999999999, ")
    rewrite(file, {"actions.npy": lying[:128]})
    refused(file)
    file.write_bytes(whole)
    rewrite(file, {}, method=zipfile.ZIP_LZMA)
    assert "deflate" in refused(file)


def test_an_array_of_another_type_is_refused(file: Path, game: EpisodeTrace) -> None:
    """Of the same size, so that only its own header tells it from the right one."""
    for rewards in (game.rewards.astype(np.float32), game.rewards.astype(">i4")):
        rewrite(file, {"rewards.npy": npy(rewards)})
        assert "rewards.npy holds" in refused(file)

"""Recorded episodes: what is kept, what damaged files do, and that a replay is the game played."""

from __future__ import annotations

import contextlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from agent.networks import make_network
from envs.emulators import EmulatorConfig
from envs.episode_file import (
    BYTES_PER_STEP,
    FIXED_BYTES,
    BadEpisode,
    load_episode,
    read_header,
    save_episode,
)
from envs.q_planes import LEVELS, decode, encode
from envs.trace import EpisodeTrace, frame_digest, resimulate, screens
from harness.checkpoint import CheckpointState, save_checkpoint
from harness.commands.games import GameOptions
from harness.commands.record import RecordCommand
from harness.commands.replay import ReplayCommand, check_emulator, first_difference
from harness.config import RunConfig, flatten
from harness.errors import UserError
from harness.play import play_episodes

PONG = EmulatorConfig(game="Pong", num_envs=1)
ALL_ACTIONS = replace(PONG, full_action_space=True)
BREAKOUT = EmulatorConfig(game="Breakout", num_envs=2)


def made_up(steps: int, protocol: EmulatorConfig = PONG, seed: int = 0) -> EpisodeTrace:
    """An episode nobody played."""
    rng = np.random.default_rng(seed)
    num_actions = 18 if protocol.full_action_space else 6
    return EpisodeTrace(
        protocol=protocol,
        seed=seed,
        actions=rng.integers(num_actions, size=steps).astype(np.uint8),
        rewards=rng.integers(-1, 2, size=steps).astype(np.int32),
        q_values=rng.normal(size=(steps, num_actions)).astype(np.float32),
        digests=rng.integers(2**32, size=steps + 1).astype(np.uint32),
        truncated=bool(seed % 2),
    )


@pytest.fixture(scope="module")
def game() -> EpisodeTrace:
    """A whole game of Breakout, the second that its emulator played."""
    policy = torch.Generator().manual_seed(0)
    played = play_episodes(
        lambda states: torch.rand((len(states), 4), generator=policy), BREAKOUT, range(4), 0.1
    )
    return dict(played)[3]


@pytest.fixture
def file(tmp_path: Path, game: EpisodeTrace) -> Path:
    path = tmp_path / "game.episode"
    save_episode(path, game, epsilon=0.1, agent="run/best", agent_steps=1000)
    return path


def rewrite(path: Path, changed: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    """Put other contents into some members of a zip."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()} | changed
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def edit_json(path: Path, **values: object) -> None:
    with zipfile.ZipFile(path) as archive:
        content = json.loads(archive.read("episode.json"))
    rewrite(path, {"episode.json": json.dumps(content | values).encode()})


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def pickled(shape: tuple[int, ...], folder: Path) -> bytes:
    """A .npy file of objects that makes `folder` when it is unpickled."""
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + f"cos\nmkdir\n(V{folder}\ntR.".encode()


def same(one: EpisodeTrace, other: EpisodeTrace) -> bool:
    """Whether all that is kept exactly is equal."""
    return (
        (one.protocol, one.seed, one.truncated) == (other.protocol, other.seed, other.truncated)
        and np.array_equal(one.actions, other.actions)
        and np.array_equal(one.rewards, other.rewards)
        and np.array_equal(one.digests, other.digests)
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
    assert "episode.json" in refused(foreign)


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
    edit_json(file, format=2, something="new")
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


# Replays


def test_a_simulation_is_what_the_agent_saw(game: EpisodeTrace) -> None:
    assert not game.truncated
    moments = list(resimulate(game))
    assert [frame_digest(moment.frame) for moment in moments] == game.digests.tolist()
    assert [moment.reward for moment in moments[:-1]] == game.rewards.tolist()
    assert game.rewards.any()


def test_screens_are_four_colour_frames_a_step(game: EpisodeTrace) -> None:
    shown = list(screens(game))
    assert len(shown) == len(game)
    assert {screen.shape for screen in shown[:-1]} == {(4, 210, 160, 3)}
    assert 1 <= len(shown[-1]) <= 4
    assert shown[0].dtype == np.uint8
    assert not np.array_equal(shown[10][0], shown[11][0])


def test_a_recorded_game_verifies(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ReplayCommand(file, verify=True).run() == 0
    assert "is the same" in capsys.readouterr().out


def test_a_game_cut_off_by_the_frame_cap_verifies(tmp_path: Path) -> None:
    protocol = replace(BREAKOUT, max_episode_frames=102)
    played = play_episodes(lambda states: torch.rand((len(states), 4)), protocol, range(4), 0.0)
    for index, trace in played:
        assert trace.truncated
        path = tmp_path / f"{index}.episode"
        save_episode(path, trace)
        assert ReplayCommand(path, verify=True).run() == 0


def other_action(trace: EpisodeTrace) -> EpisodeTrace:
    actions = trace.actions.copy()
    actions[40:48] = 5 - np.maximum(actions[40:48], 2)  # LEFT for RIGHT
    return replace(trace, actions=actions)


def other_reward(trace: EpisodeTrace) -> EpisodeTrace:
    rewards = trace.rewards.copy()
    rewards[30] += 1
    return replace(trace, rewards=rewards)


def other_frame(trace: EpisodeTrace) -> EpisodeTrace:
    digests = trace.digests.copy()
    digests[20] ^= 1
    return replace(trace, digests=digests)


def other_last_frame(trace: EpisodeTrace) -> EpisodeTrace:
    digests = trace.digests.copy()
    digests[-1] ^= 1
    return replace(trace, digests=digests)


def shorter(trace: EpisodeTrace) -> EpisodeTrace:
    return replace(
        trace,
        actions=trace.actions[:50],
        rewards=trace.rewards[:50],
        q_values=trace.q_values[:50],
        digests=trace.digests[:51],
    )


def longer(trace: EpisodeTrace) -> EpisodeTrace:
    return replace(
        trace,
        actions=np.append(trace.actions, np.uint8(0)),
        rewards=np.append(trace.rewards, np.int32(0)),
        q_values=np.vstack([trace.q_values, trace.q_values[:1]]),
        digests=np.append(trace.digests, np.uint32(0)),
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_action, r"frame 4\d has digest"),
        (other_reward, "step 30 brings reward 0, recorded 1"),
        (other_frame, "frame 20 has digest"),
        (other_last_frame, "has digest"),
        (shorter, "goes on after 50 steps"),
        (longer, "over after"),
    ],
)
def test_verification_names_the_first_difference(
    tmp_path: Path,
    game: EpisodeTrace,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[EpisodeTrace], EpisodeTrace],
    says: str,
) -> None:
    path = tmp_path / "changed.episode"
    save_episode(path, change(game))
    assert ReplayCommand(path, verify=True).run() == 1
    assert re.search(says, capsys.readouterr().out)


def test_verification_compares_the_score(file: Path, game: EpisodeTrace) -> None:
    edit_json(file, score=game.score + 1)
    difference = first_difference(read_header(file), game, resimulate(game))
    assert difference == f"the score is {game.score}, recorded {game.score + 1}"


def test_another_cartridge_or_emulator_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = read_header(file)
    check_emulator(header, strict=True)
    # An action that the game does not have would make ALE wait for ever.
    forged = replace(header, action_names=(*header.action_names, "\x1b[2J"))
    with pytest.raises(UserError, match="actions are not those of breakout"):
        check_emulator(forged, strict=False)
    other_rom = replace(header, rom_sha256="0" * 64)
    with pytest.raises(UserError, match="another cartridge of breakout"):
        check_emulator(other_rom, strict=False)
    older = replace(header, ale_py="0.1.0")
    with pytest.raises(UserError, match=r"recorded with ale-py 0\.1\.0"):
        check_emulator(older, strict=True)
    assert capsys.readouterr().err == ""
    check_emulator(older, strict=False)
    assert "warning: recorded with ale-py 0.1.0" in capsys.readouterr().err


def test_replay_options_that_contradict_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a Unix terminal"):
        ReplayCommand(file).run()
    with pytest.raises(UserError, match="--in video"):
        ReplayCommand(file, out=tmp_path / "x.mp4").run()
    with pytest.raises(UserError, match=r"\.mp4"):
        ReplayCommand(file, show_in="video", out=tmp_path / "x.gif").run()
    with pytest.raises(UserError, match="--speed"):
        ReplayCommand(file, speed=0.0).run()


# Recording


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run whose agent has learned nothing, of Breakout cut off after 100 steps."""
    config = RunConfig(emulators=replace(BREAKOUT, max_episode_frames=400))
    torch.manual_seed(0)
    network = {f"online.{k}": v for k, v in make_network("stride", 4).state_dict().items()}
    save_checkpoint(tmp_path / "run/best", network, CheckpointState(flatten(config), 4, 7000, 9))
    (tmp_path / "run/config.json").write_text("{}")
    return tmp_path / "run"


@pytest.mark.parametrize("which", ["", "best"])
def test_record_writes_files_that_verify(
    run_folder: Path, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = RecordCommand(
        run_folder / which, GameOptions(episodes=2, seed=5, epsilon=0.5, device="cpu")
    )
    assert command.run() == 0
    files = sorted((run_folder / "episodes").iterdir())
    headers = [read_header(file) for file in files]
    assert [header.seed for header in headers] == [5, 6]
    for file, header in zip(files, headers, strict=True):
        assert file.name == f"breakout-seed{header.seed}-score{header.score:+d}.episode"
        assert (header.epsilon, header.agent, header.agent_steps) == (0.5, "run/best", 7000)
        assert header.protocol.max_episode_frames == 400
    said = capsys.readouterr().out
    assert f"python evaluate.py replay {files[0]}" in said
    assert ReplayCommand(files[0], verify=True).run() == 0


@pytest.mark.parametrize("wrong", [{"episodes": 0}, {"epsilon": 1.5}, {"seed": -1}])
def test_record_refuses_values_that_cannot_be(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(wrong))}"):
        RecordCommand(tmp_path, GameOptions(**{"episodes": 1, **wrong})).run()

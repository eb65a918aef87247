"""A replay is the game that was played; recording writes such games."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agent.networks import make_network
from envs.episode_file import action_names, load_episode, read_header, save_episode
from envs.trace import EpisodeTrace, frame_digest, resimulate, screens
from harness.commands.game_options import GameOptions
from harness.commands.record import RecordCommand
from harness.commands.replay import ReplayCommand
from harness.errors import UserError
from harness.evaluation.play import play_episodes
from harness.players import video
from harness.players.q_value_strip import QValueStrip
from harness.players.verify import check_emulator, first_difference
from harness.run.checkpoint import CheckpointState, save_checkpoint
from harness.run.config import RunConfig, flatten
from harness.text import shell_line
from support.episode_samples import BREAKOUT, edit_json
from support.programs import ROOT

Change = Callable[[EpisodeTrace], EpisodeTrace]
FILE = ROOT / "README.md"

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


@pytest.fixture(scope="module")
def stuck() -> EpisodeTrace:
    """A game of Breakout that is cut off: without FIRE there is no ball."""
    played = play_episodes(
        lambda states: torch.eye(4)[[2] * len(states)], BREAKOUT, [1], 0.0, stuck_after=8
    )
    ((_, trace),) = played
    return trace


def test_a_game_cut_off_as_stuck_is_kept_verified_and_shown(
    stuck: EpisodeTrace, tmp_path: Path
) -> None:
    assert (stuck.stuck, stuck.truncated, stuck.end) == (True, False, "cut off as stuck")
    save_episode(path := tmp_path / "stuck.episode", stuck)
    assert load_episode(path).stuck
    assert ReplayCommand(path, verify=True).run() == 0
    assert len(list(screens(stuck))) == len(stuck)
    assert ReplayCommand(path, show_in="page", out=tmp_path / "x.html").run() == 0
    page = (tmp_path / "x.html").read_text()
    assert "cut off as stuck" in page
    assert "every observation and reward is as recorded" in page
    assert ReplayCommand(path, show_in="video", out=tmp_path / "x.gif").run() == 0


def test_a_game_that_was_over_was_not_stuck(game: EpisodeTrace) -> None:
    wrong = replace(game, stuck=True)
    assert (
        first_difference(wrong, game.score, resimulate(wrong))
        == f"the game is over after {len(game):,} steps, recorded as stuck"
    )


def test_only_a_stuck_game_has_the_newer_format(
    stuck: EpisodeTrace, game: EpisodeTrace, tmp_path: Path
) -> None:
    """What older programs can read, they do; and theirs are read here."""
    for trace, version in ((game, 1), (stuck, 2)):
        save_episode(path := tmp_path / "x.episode", trace)
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("episode.json"))
        assert (header["format"], header.get("stuck")) == (version, trace.stuck or None)
        assert load_episode(path).stuck == trace.stuck


def edited(name: str, place: int, change: Callable[[int], int]) -> Change:
    """One recorded number changed."""

    def apply(trace: EpisodeTrace) -> EpisodeTrace:
        values = getattr(trace, name).copy()
        values[place] = change(int(values[place]))
        return replace(trace, **{name: values})

    return apply


def other_actions(trace: EpisodeTrace) -> EpisodeTrace:
    actions = trace.actions.copy()
    actions[40:48] = 5 - np.maximum(actions[40:48], 2)  # LEFT for RIGHT
    return replace(trace, actions=actions)


def of_length(trace: EpisodeTrace, steps: int) -> EpisodeTrace:
    """The first steps, or all with the last one repeated."""
    kept = np.minimum(np.arange(steps), len(trace) - 1)
    series = {name: getattr(trace, name)[kept] for name in ("actions", "rewards", "q_values")}
    digests = trace.digests[np.minimum(np.arange(steps + 1), len(trace))]
    return replace(trace, **series, digests=digests)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_actions, r"frame 4\d has digest"),
        (edited("rewards", 30, lambda reward: reward + 1), "step 30 brings reward 0, recorded 1"),
        (edited("digests", 20, lambda digest: digest ^ 1), "frame 20 has digest"),
        (edited("digests", -1, lambda digest: digest ^ 1), "has digest"),
        (lambda trace: of_length(trace, 50), "goes on after 50 steps"),
        (lambda trace: of_length(trace, len(trace) + 1), "over after"),
    ],
)
def test_verification_names_the_first_difference(
    tmp_path: Path,
    game: EpisodeTrace,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    says: str,
) -> None:
    path = tmp_path / "changed.episode"
    save_episode(path, change(game))
    assert ReplayCommand(path, verify=True).run() == 1
    assert re.search(says, capsys.readouterr().out)


def test_verification_compares_the_score(file: Path, game: EpisodeTrace) -> None:
    edit_json(file, score=game.score + 1)
    difference = first_difference(game, read_header(file).score, resimulate(game))
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


def test_wrong_options_are_answered_before_torch_is_imported() -> None:
    """It takes seconds, which nobody waits for to read of a slip."""
    for words in (["replay", "--in", "nothing"], ["replay", "nowhere.episode"], ["repaly"]):
        program = (
            "import runpy, sys\n"
            "try:\n"
            "    runpy.run_path('evaluate.py', run_name='__main__')\n"
            "except SystemExit as end:\n"
            "    print('imported:', sorted({'torch', 'scipy'} & set(sys.modules)), end.code)"
        )
        command = [sys.executable, "-c", program, *words]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert finished.stdout.rstrip().endswith("imported: [] 2"), words


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "not a Unix terminal"),
        ({"out": Path("x.mp4")}, "add --in page or --in video"),
        ({"values": True}, "--values is for videos"),
        ({"speed": 0.0}, "--speed"),
        ({"seconds": (0, 1)}, "--seconds is for videos"),
        ({"locate": True}, "--locate is for pages"),
        ({"show_in": "page", "out": Path("x.mp4")}, r"--out must end in \.html, not '\.mp4'"),
        ({"show_in": "page", "out": Path("/nowhere/x.html")}, "cannot write to /nowhere/x.html"),
        ({"show_in": "page", "second": Path("nowhere")}, "nowhere"),
        ({"show_in": "page", "second": FILE, "locate": True}, "--locate is for one episode"),
        ({"show_in": "page", "attention": True}, "add --with RUN"),
        ({"show_in": "video", "second": Path("run")}, "--with is for pages"),
        ({"show_in": "video", "out": Path("x.avi")}, r"\.mp4 or \.gif, not '\.avi'"),
        *(
            ({"show_in": "video", "seconds": part}, "0 <= START < END")
            for part in ((1.0, 1.0), (2, 1), (-1, 1), (math.nan, 1))
        ),
        ({"show_in": "video", "seconds": (99, 100)}, "too late: the game has"),
    ],
)
def test_options_that_do_not_fit_are_one_clear_line(
    file: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says) as error:
        ReplayCommand(file, **options).run()
    assert "\n" not in str(error.value)


def test_a_video_may_show_a_part_of_a_game(
    file: Path, game: EpisodeTrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(np.concatenate(list(screens(game))))
    shown: list[NDArray[np.uint8]] = []
    beside: list[NDArray[np.uint8]] = []

    def write(
        path: Path, play: Callable[[], Iterable[NDArray[np.uint8]]], strip: QValueStrip, mark: str
    ) -> int:
        shown[:] = np.concatenate(list(play()))
        beside[:] = [strip.picture(0)]
        path.touch()
        return len(shown)

    monkeypatch.setattr(video, "write_video", write)
    length = len(whole) / 60
    q_values = load_episode(file).q_values  # rounded
    strip = QValueStrip(q_values, game.actions, action_names(game.protocol))
    parts = ((0, 0.4), (0.2, 1.2), (1, math.inf), (0.05, 0.06), (length - 0.01, 99))
    for part in parts:
        out = tmp_path / "x.mp4"
        ReplayCommand(file, show_in="video", out=out, seconds=part, values=True).run()
        # Steps are shown whole: from the nearest on, one at least.
        first = min(round(part[0] * 15), len(game) - 1)
        expected = whole[first * 4 : max(round(min(part[1], 999) * 15), first + 1) * 4]
        assert len(shown) == len(expected) > 0
        assert all(map(np.array_equal, shown, expected))
        assert np.array_equal(beside[0], strip.picture(first))


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
    assert shell_line("evaluate.py", "replay", files[0]) in capsys.readouterr().out
    assert ReplayCommand(files[0], verify=True).run() == 0


@pytest.mark.parametrize("wrong", [{"episodes": 0}, {"epsilon": 1.5}, {"seed": -1}])
def test_record_refuses_values_that_cannot_be(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(wrong))}"):
        RecordCommand(tmp_path, GameOptions(**{"episodes": 1, **wrong})).run()

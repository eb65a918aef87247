"""Nothing is overwritten but what the same command made, and no two runs share a folder."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import train
from envs.episode_file import read_header
from envs.trace import EpisodeTrace
from harness.commands.claims import ClaimsCommand
from harness.commands.compare import CompareCommand
from harness.commands.game_options import GameOptions
from harness.commands.networks import NetworksCommand
from harness.commands.record import RecordCommand
from harness.commands.replay import ReplayCommand
from harness.errors import UserError
from harness.files.outputs import check_folder, mark_of, new_folder, output
from harness.run import folder
from harness.run.checkpoint import read_state, read_tensors, save_checkpoint
from harness.run.folder import Run, new_run_dir
from harness.run.presets import PRESETS
from support.agent_samples import untrained
from support.programs import Refused

GAMES = GameOptions(1, epsilon=1.0, device="cpu")


def test_a_mark_stands_for_all_options_but_the_place(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = mark_of(ReplayCommand(Path("x.episode"), second=Path("run")))
    assert mark == mark_of(ReplayCommand(here / "x.episode", second=here / "run"))
    assert mark == mark_of(ReplayCommand(Path("x.episode"), second=Path("run"), out=Path("y")))
    assert mark != mark_of(ReplayCommand(Path("x.episode")))
    assert mark != mark_of(ReplayCommand(Path("x.episode"), second=Path("run"), attention=True))
    (here / "other").mkdir()
    monkeypatch.chdir("other")
    assert mark != mark_of(ReplayCommand(Path("x.episode"), second=Path("run")))


def test_a_chosen_name_is_refused_and_another_numbered(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    assert output(file, "mine", "--out") == output(file, "mine", None) == file
    for content in ("", "a page, mine"):
        file.write_text(content)
        assert output(file, "mine", "--out") == output(file, "mine", None) == file
    file.write_text("yours")
    with pytest.raises(UserError, match=r"x\.html is there already .* choose another --out"):
        output(file, "mine", "--out")
    assert output(file, "mine", None) == tmp_path / "x-2.html"
    (tmp_path / "x-2.html").write_text("hers")
    (tmp_path / "x-3.html").write_text("mine")
    assert output(file, "mine", None) == tmp_path / "x-3.html"


# Pages and results


def page(file: Path, **options: Any) -> None:
    assert ReplayCommand(file, show_in="page", **options).run() == 0


def test_another_page_of_an_episode_gets_another_name(file: Path, game: EpisodeTrace) -> None:
    first = file.with_suffix(".html")
    page(file)
    content = first.read_bytes()
    page(file)
    page(file, second=file)
    assert first.read_bytes() == content
    assert sorted(one.name for one in file.parent.iterdir()) == [
        *("game-2.html", "game.episode", "game.html")
    ]
    with pytest.raises(UserError, match="is something else"):
        page(file, second=file, out=first)
    assert first.read_bytes() == content


def test_a_result_is_replaced_by_the_same_command_alone(tmp_path: Path) -> None:
    out = tmp_path / "x.json"
    for _ in range(2):
        assert NetworksCommand(json=out).run() == 0
    content = out.read_bytes()
    with pytest.raises(UserError, match="choose another --json"):
        NetworksCommand(("dial:1,1",), json=out).run()
    assert out.read_bytes() == content
    assert list(tmp_path.iterdir()) == [out]


def test_recorded_games_of_two_agents_do_not_take_each_others_place(tmp_path: Path) -> None:
    """Random play with one seed is one game with one score, but the agents think otherwise."""
    one = untrained(tmp_path / "one")
    state = read_state(one)
    tensors = {f"online.{n}": t * 2 for n, t in read_tensors(one, "network", state).items()}
    save_checkpoint(tmp_path / "two", tensors, state)
    for _ in range(2):
        for agent in ("one", "two"):
            RecordCommand(tmp_path / agent, GAMES, tmp_path / "games").run()
    files = sorted((tmp_path / "games").iterdir())
    assert [one.stem.endswith("-2") for one in files] == [True, False]
    assert len({read_header(file).agent for file in files}) == 2


# Folders


def test_folders_made_at_once_are_different(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(new_folder, [tmp_path / "new" / "dial.0.5,1-s0"] * 16))
    assert all(folder.is_dir() for folder in made)
    names = {"dial.0.5,1-s0", *(f"dial.0.5,1-s0-{number}" for number in range(2, 17))}
    assert {folder.name for folder in made} == names


def test_runs_begun_in_the_same_second_have_a_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folder.time, "strftime", lambda _: "20261126-101500")
    run = Run("quick", PRESETS["quick"])
    folders = [new_run_dir(run) for _ in range(3)]
    name = "stride-quick-s0-20261126-101500"
    assert [folder.name for folder in folders] == [name, f"{name}-2", f"{name}-3"]


def test_a_folder_is_free_or_ones_own(tmp_path: Path) -> None:
    check_folder(tmp_path / "nowhere", ("mine",), "--out")
    for name in ("lock", "begun.log", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / ".notes").write_text("hidden")
    check_folder(tmp_path, ("mine",), "--out")
    (tmp_path / "thesis.tex").write_text("theirs")
    with pytest.raises(UserError, match=r"holds other files \(thesis\.tex\): choose another --out"):
        check_folder(tmp_path, ("mine",), "--out")
    (tmp_path / "mine").mkdir()
    check_folder(tmp_path, ("mine",), "--out")


def test_a_folder_with_a_run_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.setattr(train, "assemble", None)
    (tmp_path / "config.json").touch()
    said = refused("--run-dir", str(tmp_path), "--replay-size", "1000")
    assert "already holds a run: choose another --run-dir" in said


@pytest.mark.parametrize("program", ["train", "compare", "claims"])
@pytest.mark.parametrize("theirs", ["report.html", "units-quick/some.json"])
def test_somebody_elses_folder_is_refused_and_left_alone(
    program: str, theirs: str, tmp_path: Path, refused: Refused
) -> None:
    """That of another budget of the claims among them: its results would be overwritten."""
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("theirs")
    says = rf"holds other files \({theirs.partition('/')[0]}\)"
    if program == "train":
        said = refused("--run-dir", str(tmp_path), "--replay-size", "1000")
        assert re.search(says, said)
    else:
        pong = {"games": ("Pong",), "networks": ("stride",), "seeds": ("1",), "device": "cpu"}
        compare, claims = CompareCommand(tmp_path, **pong), ClaimsCommand(tmp_path, budget="full")
        with pytest.raises(UserError, match=says):
            (compare if program == "compare" else claims).run()
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [tmp_path / theirs]

"""What is said where something else was given than a run, a checkpoint or an episode."""

from __future__ import annotations

from pathlib import Path

import pytest

import evaluate
from harness.commands.train import origin_of, parse_command
from harness.errors import UserError
from harness.run.places import MOST_RUNS, hint_for


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of runs that have not written anything else yet."""
    monkeypatch.chdir(tmp_path)
    for run in ("checkpoints/Pong/a", "checkpoints/Pong/b", "checkpoints/mine"):
        for folder in ("last", "episodes"):
            Path(run, folder).mkdir(parents=True)
        Path(run, "config.json").write_text("{}")
        Path(run, "last", "network.safetensors").touch()
    return Path("checkpoints")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("checkpoints", ": give a run, such as checkpoints/mine, checkpoints/Pong/a, "),
        (".", ": give a run, such as checkpoints/mine, checkpoints/Pong/a, checkpoints/Pong/b"),
        ("checkpoints/Pong/a/last", ": it lies in the run checkpoints/Pong/a"),
        ("checkpoints/Pong/a/config.json", ": it lies in the run checkpoints/Pong/a"),
        ("checkpoints/Pnog", ": did you mean checkpoints/Pong?"),
        ("checkpoints/mine", ""),
        ("nowhere/at/all", ""),
        ("/etc/hosts", ": it is a file, give the folder of a run"),
    ],
)
def test_what_a_path_is(path: str, words: str, runs: Path) -> None:
    assert hint_for(Path(path)).startswith(words)
    assert bool(words) == bool(hint_for(Path(path)))


def test_a_folder_within_the_run_that_one_is_in(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs / "mine")
    assert hint_for(Path("last")) == ": it lies in the run ."


def test_many_runs_are_counted(runs: Path) -> None:
    for number in range(MOST_RUNS):
        (runs / f"more{number}").mkdir()
        (runs / f"more{number}" / "config.json").touch()
    assert hint_for(runs).endswith(f"{runs}/more4 and 3 more")


@pytest.mark.parametrize(
    "line",
    [
        "score checkpoints",
        "record checkpoints",
        "probe checkpoints",
        "episodes checkpoints",
        "gallery checkpoints",
        "replay checkpoints",
        "replay checkpoints --episode 1",
        "train --resume checkpoints",
        "train --from checkpoints",
    ],
)
def test_a_folder_of_runs_is_answered_with_its_runs(line: str, runs: Path) -> None:
    program, *words = line.split()

    def called() -> object:
        if program == "train":
            return origin_of(parse_command(words))
        return evaluate.parse([program, *words]).run()

    with pytest.raises(UserError, match="give a run, such as checkpoints/mine, ") as caught:
        called()
    assert "\n" not in str(caught.value)


def test_a_named_run_can_be_typed(runs: Path) -> None:
    Path("checkpoints/mine").rename("checkpoints/my run")
    assert "give a run, such as 'checkpoints/my run', " in hint_for(runs)
    assert hint_for(Path("checkpoints/my runn")) == ": did you mean 'checkpoints/my run'?"

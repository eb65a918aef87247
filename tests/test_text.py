"""Lines to be typed: they run the Python that prints them, from where it was called."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness import text
from harness.run.presets import PRESETS
from harness.run.state import Counters
from harness.text import install_line, printable, shell_line
from train import ending


@pytest.mark.parametrize(
    ("python", "path", "expected"),
    [
        ("home/.venv/bin/python3", "home/.venv/bin", "python"),
        ("home/.venv/bin/python", "elsewhere", ".venv/bin/python"),
        ("other/bin/python", "elsewhere", "{}/other/bin/python"),
    ],
)
def test_the_python_that_runs(
    python: str, path: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("home/.venv/bin", "elsewhere", "other/bin"):
        (tmp_path / folder).mkdir(parents=True)
        for name in ("python", "python3"):
            (tmp_path / folder / name).symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setattr(text, "ROOT", tmp_path / "home")
    monkeypatch.setattr(sys, "executable", str(tmp_path / python))
    monkeypatch.setenv("PATH", str(tmp_path / path))
    assert shell_line("train.py", Path("a b"), 3) == f"{expected.format(tmp_path)} train.py 'a b' 3"


def test_another_python_in_the_same_folder_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python3.11").symlink_to(sys.executable)
    (tmp_path / "python").symlink_to("/bin/sh")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3.11"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shlex.split(shell_line("train.py"))[0] == str(tmp_path / "python3.11")


@pytest.mark.parametrize("folder", [".", "..", "tests", "/"])
def test_a_shell_runs_it_in_any_folder(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(text.ROOT / folder)
    line = shell_line("evaluate.py", "such")
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert "there is no command 'such'" in done.stderr
    installed = shlex.split(install_line("video"))[-1]
    assert Path(installed.removesuffix("[video]")).resolve() == text.ROOT


def test_a_path_below_the_current_folder_is_told_as_seen_from_there(here: Path) -> None:
    assert shlex.split(shell_line("x", here / "a b", Path("c")))[2:] == ["a b", "c"]


@pytest.mark.parametrize("finished", [True, False])
def test_a_network_of_ones_own_is_named_again(finished: bool) -> None:
    """It runs its code only where it is named."""
    config = PRESETS["quick"]
    own = config.__class__(learner=config.learner.__class__(network="mine:Net"))
    for line in ending(Path("run"), own, Counters(0), "1s", finished=finished).splitlines()[1:]:
        assert shlex.split(line)[-2:] == ["--network", "mine:Net"]
    for line in ending(Path("run"), config, Counters(0), "1s", finished=finished).splitlines()[1:]:
        assert "--network" not in line


@pytest.mark.usefixtures("here")
def test_a_line_can_be_typed_whatever_a_folder_is_called() -> None:
    assert shell_line("train.py", Path("-x")).endswith(" ./-x")
    name = "a\tb'c\x1b\\d"
    typed = ["bash", "-c", f"printf %s {shell_line('x', Path(name)).partition('x ')[2]}"]
    assert subprocess.run(typed, capture_output=True, text=True, check=True).stdout == name
    assert printable(shell_line("x", Path(name))) == shell_line("x", Path(name))

"""What is printed is what a user wrote, whole, and moves on a terminal alone."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

import harness.console as console_module
from harness.console import UNKNOWN, Console, Table, progress, track
from harness.metrics.terminal import Display
from support.programs import ROOT, TINY_RUN, started
from support.screens import on_screen

NAME = "R/100:x:1 [bold]exp[/] [red"
"""Of a folder: neither emoji nor markup."""


def test_nothing_is_printed_past_the_console() -> None:
    """It shows control characters of a path, and does not obey them."""
    own = {"console.py", "errors.py", "parser.py", "program.py", "evaluate.py"}
    for file in (ROOT / "train.py", *(ROOT / "harness").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                assert file.name in own, f"{file}:{node.lineno}"


def test_brackets_and_colons_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_screen(monkeypatch)
    table = Table(NAME, title=f"title {NAME}")
    table.add_row(f"cell {NAME}")
    console = Console()
    console.print(f"line {NAME}")
    console.print(table)
    assert list(track([1], f"bar {NAME}", 1, console)) == [1]
    for what in ("line", "title", "cell", "bar"):
        assert f"{what} {NAME}" in screen.received


def test_control_characters_are_told_and_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_screen(monkeypatch)
    table = Table("a\rb")
    table.add_row("\x9b2J")
    Console().print("\x1b[2J\nx")
    Console().print(table)
    for told in ("\\x1b[2J\nx", r"a\rb", r"\x9b2J"):
        assert told in screen.received


@pytest.mark.parametrize("columns", [20, 0])
def test_names_are_whole(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file, whatever COLUMNS says; a terminal folds what it has no room for."""
    monkeypatch.setenv("COLUMNS", f"{columns}")
    table, name = Table("file", "score"), "long/" * 60
    table.add_row(name, "7")
    Console().print(name)
    Console().print(table)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [[name], ["file", "score"], [name, "7"]]

    screen = on_screen(monkeypatch, columns)
    console = Console()
    assert console.width == (columns or UNKNOWN)
    console.print(name)
    assert screen.received == f"{name}\n"
    console.print(table)
    assert "…" not in screen.received
    assert screen.received.count("long/") > 60


def test_the_settings_of_a_run_fit_a_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    long = "network " + "x" * 200
    Display(1, Path()).table([f"name{i:02} value" for i in range(30)])
    lines = capsys.readouterr().out.splitlines()
    assert 4 < len(lines) < 30
    assert max(map(len, lines)) <= 100
    Display(1, Path()).table(["short", long])
    assert long in capsys.readouterr().out


def test_a_warning_goes_to_the_file_that_standard_error_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not above the lines that move, which are elsewhere."""
    screen = on_screen(monkeypatch)
    display = Display(1, Path())
    display.warn("warning: x")
    display.close()
    assert capsys.readouterr().err == "warning: x\n"
    assert "warning" not in screen.received


def test_lines_that_move_obey_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_screen(monkeypatch)
    display = Display(1, Path("R/a\x1b[31m\nb"))
    display.waiting("x")
    display.close()
    assert r"R/a\x1b[31m\nb" in screen.received


# Progress of long work


def test_lines_now_and_then_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 9.0, 10.0, 10.5, 12.0, 30.0, 30.5])
    monkeypatch.setattr(console_module.time, "monotonic", lambda: next(clock))
    assert list(track("abcd", "runs/[x] :x:", 4)) == [*"abcd"]
    assert capsys.readouterr() == ("", "runs/[x] :x:: 2 of 4\nruns/[x] :x:: 4 of 4\n")


def test_what_has_no_parts_is_named_when_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("looking"):
        assert capsys.readouterr().err == "looking\n"


def test_a_signal_while_the_bar_starts_leaves_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar:
        steps: ClassVar[list[str]] = []

        def add_task(self, *_: object, **__: object) -> None:
            self.steps.append("made")

        def start(self) -> None:
            raise KeyboardInterrupt

        def stop(self) -> None:
            self.steps.append("stopped")

    monkeypatch.setattr(Console, "progress", lambda _: Bar())
    with pytest.raises(KeyboardInterrupt), progress("looking"):
        pass
    assert Bar.steps == ["made", "stopped"]


@pytest.mark.parametrize("place", ["pipe", "terminal"])
def test_a_run_goes_on_when_nobody_reads(place: str, tmp_path: Path) -> None:
    """It ends with its checkpoint and exit code 0, and says nothing of it."""
    far, near = os.pipe() if place == "pipe" else os.openpty()
    options = (*TINY_RUN, "--steps", 300, "--run-dir", tmp_path / "r")
    train = started("train.py", *options, stdout=near, stderr=subprocess.PIPE)
    os.close(near)
    assert os.read(far, 1)
    os.close(far)
    assert (train.communicate()[1], train.returncode) == ("", 0)
    assert json.loads((tmp_path / "r" / "last" / "state.json").read_text())["steps"] == 300

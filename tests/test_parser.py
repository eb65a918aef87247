"""Command lines: tyro's box says what is wrong and how it is right, and the exit code is 2."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st

import evaluate
from harness.cli.foreign import ELSEWHERE
from harness.cli.parser import Names, parse, whole_number
from harness.commands.train import parse_command
from harness.errors import UserError


@dataclass(frozen=True)
class Sample:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Where it goes."""
    learning_rate: float = 1.0
    """Step size."""
    steps: int = 1
    """Length, told at such length that it needs more than one line of any terminal there is."""
    most: int | None = None
    names: Names | None = None
    part: tuple[float, float] | None = None
    shown: Literal["e", "c", "a", "d", "b", "f"] | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, not {self.steps}")


@dataclass(frozen=True)
class Base:
    most: int | None = None
    """No more than this,
    whatever comes. A docstring of
    three lines."""


@dataclass(frozen=True)
class Derived(Base):
    least: int = 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("columns", ["5", "500"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--out", "x", "--stpes", "5"], "--stpes, 5 .* meant: --steps INT"),
        (["--out", "x", "--lr", "5"], "--lr, 5 .*hint: --lr is --learning-rate here$"),
        (["--out", "x", "--" + "long-" * 20], "Unrecognized options: --long-long-"),
        (["--out", "x", "--steps", "1 .5"], "--steps: '1 .5' is not a whole number"),
        (["--out", "x", "--steps=-1"], "steps must not be negative, not -1"),
        (["--out", "x", "--most", "y"], "--most: 'y' is not a whole number"),
        (["--out", "x", "--most", "None"], "--most: 'None' is not a whole number"),
        (["--out", "x", "--part", "2"], "for argument '--part'. Expected 2 values"),
        (["--out", "x", "--shown", "x"], r"'x' .* one of \('e', 'c', 'a', 'd', 'b', 'f'\)"),
        (["--out", ""], "--out: a name is missing"),
        (["--out", "x", "--names"], "--names: a name is missing"),
        (["--out", "x", "--names", ","], "--names: a name is missing"),
        (["--out", "x", "--\udcff"], r"Unrecognized options: --\\udcff"),
        (["--out"], "Missing value for argument '--out'"),
        ([], r"Missing from program: --out DIR Where it goes. \(required\)"),
    ],
)
def test_a_box_says_what_is_wrong(
    words: list[str], line: str, columns: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    errors = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", errors)
    with pytest.raises(SystemExit) as stop:
        parse(Sample, words, "program")
    assert stop.value.code == 2
    errors.seek(0)
    text = " ".join(re.sub(r"[│─╭╮╰╯]|\\u25\w\w|-{3,}", " ", errors.read()).split())
    text = text.replace("long- ", "long-")
    if columns == "500":
        assert re.search(line, text)


def test_help_of_options_is_folded_where_the_terminal_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the source was: of options of a class, and of one that it derives from."""
    kind: Any = Annotated[Derived, tyro.conf.subcommand("derived")] | Sample
    shown = helped(kind, "200", capsys, monkeypatch, "derived")
    assert "No more than this, whatever comes. A docstring of three lines. (default: None)" in shown
    assert "{None}" not in shown


@pytest.mark.parametrize("columns", ["1", "5", "40", "60"])
def test_help_is_as_wide_as_the_terminal_and_ends_in_any(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = helped(Sample, columns, capsys, monkeypatch)
    assert shown.startswith("usage: program")
    assert max(map(len, shown.splitlines())) <= max(int(columns), 40)


def test_help_is_shown_where_only_ascii_is(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SystemExit):
        parse(Sample, ["--help"], "program")
    output.seek(0)
    assert "--learning-rate" in output.read()


def helped(
    kind: Any,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
) -> str:
    """What --help prints."""
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as stop:
        parse(kind, [*words, "--help"], "program")
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("stride,half_max", ("stride", "half_max")),
        ("stride half_max", ("stride", "half_max")),
        ("stride, dial:1,0.5 ,half_max x", ("stride", "dial:1,0.5", "half_max", "x")),
        ("dial:1,2->dial:3,inf,stride->a.b:C", ("dial:1,2->dial:3,inf", "stride->a.b:C")),
        ("stride dial:1,2 dial:3,4", ("stride", "dial:1,2", "dial:3,4")),
        ("stride,", ("stride",)),
        ("radial:Net stride", ("radial:Net", "stride")),
        ("radial:Net,my.dial:Net,stride", ("radial:Net", "my.dial:Net", "stride")),
        ("dial:1 2", ("dial:1", "2")),
    ],
)
def test_names_are_separated_by_spaces_or_commas(words: str, names: tuple[str, ...]) -> None:
    assert parse(Sample, ["--out", "x", "--names", *words.split()], "program").names == names


def test_a_home_folder_is_found_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    home = Path("/home/me")
    assert parse(Sample, ["--out=~/x"], "program").out == home / "x"
    assert parse(Sample, ["--out", "~nobody_/x"], "program").out == Path("~nobody_/x")
    assert parse_command(["--run-dir=~/x"]).run_dir == home / "x"
    with pytest.raises(UserError, match=r"^/home/me/nowhere is not a run folder"):
        parse_command(["--resume=~/nowhere"])
    claims = evaluate.parse(["claims", "--out=~/x", "--agents", "~/a", "~/b"])
    assert (claims.out, claims.agents) == (home / "x", (home / "a", home / "b"))  # type: ignore[attr-defined]


def test_whole_numbers_may_have_an_exponent() -> None:
    words = ["--out", "x", "--steps", "1e6", "--most", "2_000"]
    made = parse(Sample, words, "program")
    assert (made.steps, made.most) == (1_000_000, 2000)
    assert type(made.steps) is int


@given(st.integers(1 - 2**64, 2**64 - 1))
def test_a_whole_number_is_itself(number: int) -> None:
    assert whole_number(str(number)) == number


@pytest.mark.parametrize(
    "text",
    ["", *"1.5 inf nan x 1e-1 0x10 1.0000000000000000000000000001 1e30 1e9999999".split()],
)
def test_other_texts_are_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a (whole )?number"):
        whole_number(text)


def test_the_page_of_usage_tells_the_same() -> None:
    """Every name in its table of other libraries leads to a setting of its row."""
    page = (Path(__file__).parent.parent / "docs/usage.md").read_text()
    table = page.partition("| here | CleanRL |")[2].partition("\n\n")[0]
    assert table
    for row in table.splitlines()[2:]:
        here, *others = (re.findall(r"`([\w-]+)`", cell) for cell in row.split("|")[1:-1])
        for name in [name for cell in others for name in cell]:
            option = "--" + name.removeprefix("--").replace("_", "-")
            assert ELSEWHERE.get(option, option).partition(" ")[0] in here


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--resume"], "Missing value for argument '--resume'"),
        (["--preset"], "Missing value for argument '--preset'"),
        (["--network", "--double"], "Missing value for argument '--network'"),
        (["--resume", ""], "Error parsing --resume: a name is missing"),
    ],
)
def test_an_option_that_decides_the_defaults_needs_its_value(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_command(words)
    assert line in capsys.readouterr().err


@pytest.mark.parametrize("name", ["learning-rate", "optimizer-epsilon", "max-grad-norm"])
def test_endless_settings_are_refused_before_a_run_begins(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} must be a finite number"):
        parse_command([f"--{name}", "inf"])


def test_help_is_shown_beside_a_word_with_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(Sample, ["--out", "a\tb", "--help"], "program")
    assert ended.value.code == 0
    assert "--learning-rate" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        parse(Sample, ["--n\x1b[31mo"], "program")
    assert ended.value.code == 2
    assert r"--n\x1b[31mo" in capsys.readouterr().err

"""Command lines: what is rejected is one line that says how it is right."""

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
    kind: Literal["a_rather_long_name", "another_rather_long_name", "yet_another_long_name"] = (
        "a_rather_long_name"
    )
    most: int | None = None
    names: Names | None = None
    part: tuple[float, float] | None = None
    shown: Literal["e", "c", "a", "d", "b", "f"] | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, not {self.steps}")


@dataclass(frozen=True)
class Inner:
    depth: int = 1
    """How far down,
    told in two lines."""


@dataclass(frozen=True)
class Base:
    most: int | None = None
    """No more than this,
    whatever comes. A docstring of
    three lines."""


@dataclass(frozen=True)
class Described:
    """A description that is longer than many terminals are wide, of which no word, not even a
    hyphenated-one-of-some-length, may be broken."""


@dataclass(frozen=True)
class Derived(Base):
    inner: Inner = Inner()


def rejected(*words: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(Sample, words, "program")
    return str(caught.value)


class Terminal(io.TextIOWrapper):
    """Where colours may be shown."""

    def isatty(self) -> bool:
        return True


OUTPUTS = {
    "terminal": Terminal(io.BytesIO(), encoding="utf-8"),
    "ascii": io.TextIOWrapper(io.BytesIO(), encoding="ascii"),
    "file": io.TextIOWrapper(io.BytesIO(), encoding="utf-8"),
}
UNKNOWN = "unrecognized options: "


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("columns", ["30", "500"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--out", "x", "--stpes", "5"], UNKNOWN + "--stpes, 5: did you mean --steps?"),
        (["--out", "x", "--lr", "5"], UNKNOWN + "--lr, 5; --lr is --learning-rate here"),
        (["--out", "x", "--" + "long-" * 20], UNKNOWN + "--" + "long-" * 20),
        (["--out", "x", "--steps", "1 .5"], "--steps: '1 .5' is no whole number"),
        (["--out", "x", "--steps=-1"], "sample: steps must not be negative, not -1"),
        (["--out", "x", "--most", "y"], "--most: expected INT, not 'y'"),
        (["--out", "x", "--part", "2"], "--part: expected FLOAT FLOAT, not '2'"),
        (["--out", ""], "--out: a name is missing"),
        (["--out", "x", "--names"], "--names: expected NAME ..."),
        (["--out", "x", "--names", ","], "--names: expected NAME ..., not ','"),
        (["--out", "x", "--\udcff"], UNKNOWN + r"--\udcff"),
        (["--out"], "missing value for argument '--out'. Expected 1 values"),
        ([], "missing from program: --out DIR Where it goes. (required)"),
    ],
)
def test_what_is_rejected_is_one_line(
    words: list[str], line: str, columns: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", OUTPUTS[output])
    assert rejected(*words) == f"{line} (see program --help)"


def test_every_choice_is_told_and_no_other() -> None:
    line = rejected("--out", "x", "--kind", "b")
    assert all(name in line for name in ("'b'", "'a_rather_long_name'", "'yet_another_long_name'"))
    line = rejected("--out", "x", "--shown", "nowhere")
    assert "one of ('a', 'b', 'c', 'd', 'e', 'f') (see" in line


def test_what_was_typed_is_told_as_it_was() -> None:
    line = rejected("--out", "x", "--kind", "one of (b, 'None', a)")
    assert line.startswith("invalid choice 'one of (b, 'None', a)' for argument '--kind'. Expected")


def test_help_is_no_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = helped(Sample, "50", capsys, monkeypatch)
    assert shown.startswith("usage: program")
    assert 40 < max(map(len, shown.splitlines())) <= 50


def test_help_of_options_is_broken_into_lines_where_the_terminal_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the source was, whose lines end elsewhere: of options of a class, of one that it
    derives from, and of one that it holds."""
    kind = Annotated[Derived, tyro.conf.subcommand("derived")] | Sample
    shown = helped(kind, "200", capsys, monkeypatch, "derived")
    assert "No more than this, whatever comes. A docstring of three lines. (default: None)" in shown
    assert "How far down, told in two lines. (default: 1)" in shown


@pytest.mark.parametrize("columns", ["1", "5", "40", "60"])
def test_help_is_as_wide_as_the_terminal_and_ends_in_any(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The description above the options, too, between two words and never within one."""
    shown = helped(Described, columns, capsys, monkeypatch)
    assert max(map(len, shown.splitlines())) <= max(int(columns), 40)
    assert " ".join((Described.__doc__ or "").split()) in " ".join(shown.split())


def test_help_is_shown_where_only_ascii_is(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SystemExit):
        parse(Sample, ["--help"], "program")
    output.seek(0)
    assert "--learning-rate" in output.read()


def test_what_a_shell_completes_is_not_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with pytest.raises(SystemExit):
        parse(Sample, ["--tyro-print-completion", "bash"], "program")
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80


def test_help_keeps_its_colours_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" not in helped(Sample, "80", capsys, monkeypatch)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\x1b[" in helped(Sample, "80", capsys, monkeypatch)


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
    [
        "1.5",
        "inf",
        "nan",
        "",
        "x",
        "1e-1",
        "0x10",
        "1.0000000000000000000000000001",
        "1e30",
        "1e9999999",
    ],
)
def test_other_texts_are_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"no whole number|no number"):
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


@pytest.mark.parametrize("words", [["--resume"], ["--preset"], ["--network", "--double"]])
def test_an_option_that_decides_the_defaults_needs_its_value(words: list[str]) -> None:
    with pytest.raises(UserError, match=f"issing value for argument '{words[0]}'"):
        parse_command(words)


def test_a_variable_that_is_not_set_is_no_run() -> None:
    with pytest.raises(UserError, match="--resume: expected PATH, not ''"):
        parse_command(["--resume", ""])


@pytest.mark.parametrize("name", ["learning-rate", "optimizer-epsilon", "max-grad-norm"])
def test_endless_settings_are_refused_before_a_run_begins(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} must be a finite number"):
        parse_command([f"--{name}", "inf"])

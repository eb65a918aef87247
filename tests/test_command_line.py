"""Command lines: what is rejected is one line that says how it is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st

from harness.command_line import ELSEWHERE, parse, whole_number
from harness.config import flatten
from harness.errors import UserError
from harness.presets import PRESETS


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
    part: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, not {self.steps}")


def rejected(*words: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(Sample, words, "program")
    return str(caught.value)


@pytest.mark.parametrize("columns", ["30", "80", "500"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--out", "x", "--stpes", "5"], "unrecognized options: --stpes, 5: did you mean --steps?"),
        (
            ["--out", "x", "--lr", "5"],
            "unrecognized options: --lr, 5; --lr is --learning-rate here",
        ),
        (["--out", "x", "--steps", "1.5"], "--steps: '1.5' is no whole number"),
        (["--out", "x", "--steps=-1"], "sample: steps must not be negative, not -1"),
        (["--out", "x", "--most", "y"], "--most: expected INT, not 'y'"),
        (["--out", "x", "--part", "2"], "--part: expected FLOAT FLOAT, not '2'"),
        (["--out"], "missing value for argument '--out'. Expected 1 values"),
        ([], "missing from program: --out DIR Where it goes. (required)"),
    ],
)
def test_what_is_rejected_is_one_line(
    words: list[str], line: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert rejected(*words) == f"{line} (see program --help)"


def test_every_choice_is_told() -> None:
    line = rejected("--out", "x", "--kind", "b")
    assert "\n" not in line
    assert all(name in line for name in ("'b'", "'a_rather_long_name'", "'yet_another_long_name'"))


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(Sample, ["--help"], "program")
    assert stop.value.code == 0
    assert "usage: program" in capsys.readouterr().out


def test_whole_numbers_may_have_an_exponent() -> None:
    words = ["--out", "x", "--steps", "1e6", "--most", "2_000"]
    made = parse(Sample, words, "program")
    assert (made.steps, made.most) == (1_000_000, 2000)
    assert type(made.steps) is int


@given(st.integers())
def test_a_whole_number_is_itself(number: int) -> None:
    assert whole_number(str(number)) == number


@pytest.mark.parametrize("text", ["1.5", "inf", "nan", "", "x", "1e-1", "0x10"])
def test_other_texts_are_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        whole_number(text)


def test_names_of_elsewhere_lead_to_settings() -> None:
    settings = {f"--{name.replace('_', '-')}" for name in flatten(PRESETS["quick"])}
    assert set(ELSEWHERE.values()) <= settings
    assert not set(ELSEWHERE) & settings

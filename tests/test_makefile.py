"""make hands on what was typed, finds the run's folder, and mends an environment half made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parent.parent / "Makefile"
PYTHON = r"""#!/bin/sh
[ "$2" = "import pip; print(1)" ] && echo 1 && exit
for word; do printf '%s\n' "$word" >> calls; done
echo >> calls
while [ $# -gt 1 ]; do
    [ "$1" = --run-dir-file ] && echo "runs/it's mine" > "$2"
    [ "$1 $2" = "venv --clear" ] && cp made .venv/bin/python
    shift
done
exit 0
"""
"""Writes down what it is called with, and makes environments and runs."""
BROKEN = "#!/bin/sh\nexit 1\n"

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="no make")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with this Makefile and an environment of the stub above."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name, content in {
        "Makefile": MAKEFILE.read_text(),
        "pyproject.toml": "",
        "constraints.txt": "",
        "made": PYTHON,
        ".venv/bin/python": PYTHON,
        ".venv/installed": "",
    }.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def calls(folder: Path, *arguments: str) -> list[list[str]]:
    """What Python was called with by make."""
    command = ["make", "--no-print-directory", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return [one.splitlines() for one in (folder / "calls").read_text().split("\n\n") if one]


def test_nothing_of_a_value_is_run(folder: Path) -> None:
    (train, *_) = calls(folder, "train", "GAME=$(shell touch mark)x")
    assert "$(shell touch mark)x" in train
    assert not (folder / "mark").exists()


def test_without_a_run_there_is_nothing_to_score(folder: Path) -> None:
    """As after ARGS=--help."""
    stub = PYTHON.replace("runs/it's mine", "").replace('echo ""', "printf ''")
    (folder / ".venv/bin/python").write_text(stub)
    assert calls(folder, "train")[-1][0] == "train.py"


@pytest.mark.parametrize(
    "text", ["Space Invaders", "ALE/Pong-v5", "Q*bert", "$HOME", "a$$b", "it's", '"', "a;b", "(x"]
)
@pytest.mark.parametrize("variable", ["GAME", "NETWORK", "SEED"])
def test_a_value_is_one_word_as_it_was_typed(text: str, variable: str, folder: Path) -> None:
    train, score, record = calls(folder, "train", f"{variable}={text}")
    assert train[train.index(f"--{variable.lower()}") + 1] == text
    assert score[:3] == ["evaluate.py", "score", "runs/it's mine"]
    assert score[-1] == "runs/it's mine/score.json"
    assert record[:3] == ["evaluate.py", "record", "runs/it's mine"]


def test_a_comparison_says_first_how_long_it_takes(folder: Path) -> None:
    (call,) = calls(folder, "compare", "GAME=Space Invaders", "STEPS=9000")
    options = dict(zip(call[2:-1:2], call[3::2], strict=True))
    assert call[:2] == ["evaluate.py", "compare"]
    assert call[-1] == "--estimate"
    assert options["--out"] == "checkpoints/compare/Space Invaders"
    assert (options["--games"], options["--networks"]) == ("Space Invaders", "stride,half_max")
    assert (options["--seeds"], options["--steps"]) == ("4", "9000")
    assert "--steps" not in calls(folder, "compare")[-1]


def test_a_network_of_ones_own_is_named_to_every_program(folder: Path) -> None:
    for call in calls(folder, "train", "NETWORK=mine:Net"):
        assert call[call.index("--network") + 1] == "mine:Net"


def test_arguments_are_words_of_a_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    words = """--double --run-dir "$HOME/a b" --network 'x y'"""
    train, *_ = calls(folder, "train", f"ARGS={words}")
    assert train[-7:-2] == ["--double", "--run-dir", "/home/me/a b", "--network", "x y"]


def test_an_environment_that_was_left_half_made_is_made_again(folder: Path) -> None:
    """As python makes one where its module ensurepip is missing: an interpreter without pip."""
    (folder / ".venv/bin/python").write_text(BROKEN)
    found = calls(folder, ".venv/installed", f"PYTHON={folder / 'made'}")
    assert found[1] == ["-m", "venv", "--clear", ".venv"]
    assert found[2][:3] == ["-m", "pip", "install"]


def test_an_environment_that_is_whole_is_left_alone(folder: Path) -> None:
    assert [call[0] for call in calls(folder, "train")] == ["train.py", *["evaluate.py"] * 2]

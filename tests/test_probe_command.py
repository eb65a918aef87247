"""evaluate.py probe: what it refuses, and what it prints and writes of the agent that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.commands.probe import ProbeCommand
from harness.errors import UserError

SHIPPED = Path(__file__).parent.parent / "checkpoints" / "pong-quick"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"runs": ()}, "give run folders"),
        ({"states": 63}, "--states must be at least 64, not 63"),
        ({"network": "half_max"}, "probed with the network they were trained with"),
    ],
)
def test_what_cannot_be_probed(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        ProbeCommand(**{"runs": (SHIPPED,)} | options).run()


def test_what_the_agent_knows_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "probe.json"
    assert ProbeCommand((SHIPPED,), games=("Pong",), states=64, json=file).run() == 0
    shown, written = capsys.readouterr().out, json.loads(file.read_text())
    ((name, profile),) = written["agents"].items()
    assert f"{name}: stride, Pong, seed 1, 300,000 steps" in " ".join(shown.split())
    for dataset in ("block 2", "block 8", "Pong"):
        error = profile["location"][dataset]["conv3"]["error"]
        (row,) = [line for line in shown.splitlines() if line.split("  ")[0].strip() == dataset][:1]
        assert f"{error:.2f}" in row
    assert f"{profile['sensitivity']['flips']:.0%} of states" in " ".join(shown.split())
    control = shown.partition("control: pixels")[2]
    assert f"{written['controls']['location']['Pong']['error']:.2f}" in control

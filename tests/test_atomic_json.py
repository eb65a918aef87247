"""JSON files that any program can read."""

from __future__ import annotations

import json
from pathlib import Path

from harness.files.atomic import write_json


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_json(file, {"a": float("nan"), "b": [1.5, (float("inf"), "nan")], "c": {"d": -0.0}})

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found = json.loads(file.read_text(), parse_constant=refuse)
    assert found == {"a": None, "b": [1.5, [None, "nan"]], "c": {"d": 0.0}}

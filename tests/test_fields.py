"""JSON that anybody may have written."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from envs.fields import parse


@dataclass(frozen=True)
class Inner:
    size: float = 1.0


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    later: int = 0


def test_what_a_dataclass_has_is_read() -> None:
    text = '{"format": 1, "name": "x", "inner": {"size": 3}}'
    assert parse(Outer, text, 1, optional=("later",)) == Outer("x", Inner(3.0))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"format": 1, "name": "x", "inner": {"size": 3}}', "it lacks fields: later"),
        ('{"format": 1, "name": "x", "inner": {}, "later": 1}', "it lacks fields: inner.size"),
        (
            '{"format": 1, "name": "x", "inner": {"size": 1, "odd": 2}, "later": 1}',
            "it has unknown fields: inner.odd",
        ),
        ('{"format": 1, "name": true, "inner": {"size": 1}, "later": 1}', "name must be a valid"),
        ('{"format": 1, "name": "x", "inner": {"size": true}, "later": 1}', "inner.size must be"),
        ('{"format": 2}', "newer than this program's 1: update unpooled"),
        ('{"name": "x"}', "it has no format number"),
        ("[" * 100_000, "recursion limit exceeded"),
    ],
)
def test_anything_else_is_refused_by_name(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse(Outer, text, 1)
    assert "\n" not in str(caught.value)

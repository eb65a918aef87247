"""Progress of long work: plain lines where there is no terminal."""

from __future__ import annotations

from typing import ClassVar

import pytest

from harness import console


def test_lines_now_and_then_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 9.0, 10.0, 10.5, 12.0, 30.0, 30.5])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    assert list(console.track("abcd", "runs/[x] :x:", 4)) == [*"abcd"]
    assert capsys.readouterr() == ("", "runs/[x] :x:: 2 of 4\nruns/[x] :x:: 4 of 4\n")


def test_what_has_no_parts_is_named_when_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("looking"):
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

    monkeypatch.setattr(console.Console, "progress", lambda _: Bar())
    with pytest.raises(KeyboardInterrupt), console.progress("looking"):
        pass
    assert Bar.steps == ["made", "stopped"]

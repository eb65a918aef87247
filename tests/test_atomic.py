"""Files that appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.files import atomic
from harness.files.atomic import appearing, write_json


def test_a_file_appears_at_the_end_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    with appearing(file) as part:
        part.write_text("half of it")
        assert part.parent == tmp_path
        assert file.read_text() == "old"
        part.write_text("new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    with appearing(file) as one:
        with appearing(file) as other:
            one.write_text("first")
            other.write_text("second")
        assert file.read_text() == "second"
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"cannot write to .*x\.html: Not a directory"),
        appearing(tmp_path / "file" / "x.html") as part,
    ):
        part.write_text("new")


def fail(file: Path, error: BaseException) -> None:
    with appearing(file) as part:
        part.write_text("half of it")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError(), UserError("no ffmpeg")])
def test_a_block_that_fails_leaves_the_file_before_it(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    with pytest.raises(type(error)):
        fail(file, error)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write to .*page\.html: No space"):
        fail(tmp_path / "page.html", OSError(28, "No space left on device"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_read_may_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names in it cannot be synced; the file is there all the same. Its content is synced."""
    synced = []

    def sync(path: Path) -> None:
        synced.append(path.name)
        if path == tmp_path:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic, "sync", sync)
    with appearing(tmp_path / "page.html") as part:
        part.write_text("whole")
    assert (tmp_path / "page.html").read_text() == "whole"
    assert synced == [part.name, tmp_path.name]


# JSON


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_json(file, {"a": float("nan"), "b": [1.5, (float("inf"), "nan")], "c": {"d": -0.0}})

    found = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert found == {"a": None, "b": [1.5, [None, "nan"]], "c": {"d": 0.0}}


def test_a_result_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "score.json"
    write_json(file, {"old": 1})

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "sync", full)
    with pytest.raises(UserError, match="No space left"):
        write_json(file, {"new": 2})
    assert json.loads(file.read_text()) == {"old": 1}


def test_a_link_to_a_result_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "score.json", tmp_path / "latest.json"
    link.symlink_to(target)
    write_json(link, {"new": 2})
    assert link.is_symlink()
    assert json.loads(target.read_text()) == {"new": 2}

"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.files import atomic
from harness.files.atomic import appearing


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

"""Files that only grow: cut back to a mark, and patient with a disk that takes nothing."""

from __future__ import annotations

import errno
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.files.journal import Journal, Journals, Mark, rewind


def test_what_was_written_is_there_after_a_flush(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sub" / "a")
    journal.write(b"one")
    journal.write(b"two")
    assert not (tmp_path / "sub").exists()
    journal.flush()
    assert (tmp_path / "sub" / "a").read_bytes() == b"onetwo"
    assert journal.mark == Mark(6, zlib.crc32(b"onetwo"))


@settings(max_examples=100, deadline=None)
@given(data=st.lists(st.tuples(st.binary(max_size=30), st.integers(0, 40)), max_size=12))
def test_a_full_disk_loses_and_doubles_nothing(
    data: list[tuple[bytes, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each flush finds room for so many bytes more, and the last one for all."""
    file = tmp_path_factory.mktemp("full") / "a"
    journal, original = Journal(file), os.pwrite
    room = 0

    def pwrite(descriptor: int, content: bytes, offset: int) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = original(descriptor, content[:room], offset)
        room -= done
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        for content, room in data:
            journal.write(content)
            try:
                journal.flush()
            except OSError:
                assert room == 0
        room = 10**6
        journal.flush()
    whole = b"".join(content for content, _ in data)
    assert file.read_bytes() == whole
    assert journal.mark == Mark(len(whole), zlib.crc32(whole))


def test_a_journal_goes_on_behind_its_mark(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    first = journals.open("a")
    first.write(b"kept")
    marks = journals.marks()
    first.write(b"lost")
    journals.open("b").write(b"began later")
    journals.flush()
    journals.close()
    assert rewind(tmp_path, sorted(tmp_path.iterdir()), marks) == (marks, [])
    assert not (tmp_path / "b").exists()
    again = Journals(tmp_path, marks)
    again.open("a").write(b" and more")
    again.flush()
    assert (tmp_path / "a").read_bytes() == b"kept and more"
    assert again.marks() == {"a": Mark(13, zlib.crc32(b"kept and more"))}


def test_damage_is_told(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"0123456789")
    mark = Mark(8, zlib.crc32(b"01234567"))
    (tmp_path / "a").write_bytes(b"0123x567and more")
    (tmp_path / "b").write_bytes(b"0123")
    (tmp_path / "c").unlink()
    files = sorted(tmp_path.iterdir())
    found, problems = rewind(tmp_path, files, dict.fromkeys("abc", mark))
    assert [line.partition(" ")[2] for line in problems] == [
        "was changed since it was written: it is left as it is",
        "is shorter than it was: its end is lost",
        "is gone",
    ]
    assert (tmp_path / "a").read_bytes() == b"0123x567"
    # The run goes on where they really end.
    assert found == {"a": Mark(8, zlib.crc32(b"0123x567")), "b": Mark(4, zlib.crc32(b"0123"))}
    journals = Journals(tmp_path, found)
    for name in "abc":
        journals.open(name).write(b"+")
    journals.flush()
    content = [(tmp_path / name).read_bytes() for name in "abc"]
    assert content == [b"0123x567+", b"0123+", b"+"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    (tmp_path / "run").mkdir()
    link = tmp_path / "run" / "metrics.jsonl"
    link.symlink_to(precious)
    with pytest.raises(OSError, match="no plain file"):
        rewind(tmp_path / "run", [link], {"metrics.jsonl": Mark(1, 0)})
    journal = Journal(link)
    journal.write(b"other")
    with pytest.raises(OSError, match="symbolic"):
        journal.flush()
    assert precious.read_bytes() == b"mine"


def test_one_bad_file_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    (tmp_path / "bad").mkdir()
    for name in ("bad", "good"):
        journals.open(name).write(b"content")
    with pytest.raises(OSError, match="directory"):
        journals.flush()
    assert (tmp_path / "good").read_bytes() == b"content"

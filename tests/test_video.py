"""Replays as MP4 and GIF."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.files.outputs import output
from harness.players.q_value_strip import COLOURS, QValueStrip
from harness.players.video import write_video
from support.player_samples import NAMES, coloured, made_up


def test_a_video_holds_every_frame(tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.mp4"
    left_green = coloured((0, 0, 0))[0]
    left_green[:, :80] = (0, 200, 0)
    parts = [np.stack([left_green] * 4)] * 5 + [np.stack([left_green] * 3)]
    assert write_video(path, lambda: parts) == 23
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 23
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]
    pictures, facts = decoded(path)
    assert (facts["fps"], facts["size"], facts["codec"]) == (60, (640, 420), "h264")
    assert "yuv420p" in facts["pix_fmt"]
    assert np.abs(pictures[0][:, :320] - (0, 200, 0)).max() < 12
    assert pictures[0][:, 320:].max() < 12


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_the_mark_of_a_command_is_not_seen(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    plain, marked = tmp_path / f"plain{suffix}", tmp_path / f"marked{suffix}"
    write_video(plain, lambda: [coloured((0, 200, 0))] * 3)
    write_video(marked, lambda: [coloured((0, 200, 0))] * 3, mark="unpooled-1234")
    assert marked.read_bytes() != plain.read_bytes()
    assert output(marked, "unpooled-1234", "--out") == marked
    pictures, facts = decoded(marked)
    same, theirs = decoded(plain)
    assert np.array_equal(pictures, same)
    assert (facts["size"], facts["duration"]) == (theirs["size"], theirs["duration"])


def decoded(path: Path) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The pictures of a video, int [H, W, 3], and what ffmpeg says of it."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = imageio_ffmpeg.read_frames(str(path), output_params=["-fps_mode", "passthrough"])
    facts = next(reader)
    width, height = facts["size"]
    shape = (height, width, 3)
    return [
        np.frombuffer(picture, np.uint8).reshape(shape).astype(int) for picture in reader
    ], facts


def test_a_gif_has_the_exact_colours_of_every_two_frames(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.gif"
    ball = np.zeros((19, 210, 160, 3), np.uint8)
    for frame in range(19):
        ball[frame] = (12 + frame // 2, 74, 133)
        ball[frame, 100:104, 8 * frame : 8 * frame + 4] = (236, 235 - frame, 7)
    steps = [ball[i : i + 4] for i in range(0, 19, 4)]
    assert write_video(path, lambda: steps) == 19
    # What did not change since the picture before is transparent: it takes no room.
    assert re.findall(rb"\x21\xf9\x04(.)", path.read_bytes())[-1][0] & 1
    pictures, facts = decoded(path)
    assert facts["size"] == (560, 420)
    assert len(pictures) == 10
    for number, picture in enumerate(pictures):
        both = ball[2 * number : 2 * number + 2].max(0)
        assert np.array_equal(picture[::2][:, 3::7], both[:, ::2][:, :80]) or np.array_equal(
            picture, both[np.arange(420) // 2][:, np.arange(560) * 2 // 7]
        )


def test_a_gif_has_each_of_255_colours(tmp_path: Path) -> None:
    """ffmpeg's palettegen would round some of them."""
    colours = np.random.default_rng(0).integers(0, 256, (255, 3), np.uint8)
    frame = np.resize(colours, (210 * 160, 3)).reshape(1, 210, 160, 3)
    write_video(path := tmp_path / "x.gif", lambda: [frame])
    assert np.array_equal(
        np.unique(decoded(path)[0][0].reshape(-1, 3), axis=0), np.unique(colours, axis=0)
    )


def test_a_file_that_ffmpeg_cannot_finish_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, of which write_frames says nothing."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    write_frames = imageio_ffmpeg.write_frames

    def small(*arguments: Any, output_params: list[str], **options: Any) -> Any:
        limited = [*output_params, "-fs", "1000"]
        return write_frames(*arguments, output_params=limited, **options)

    monkeypatch.setattr(imageio_ffmpeg, "write_frames", small)
    noise = np.random.default_rng(0).integers(0, 16, (4, 210, 160, 3), np.uint8)
    for suffix in (".mp4", ".gif"):
        with pytest.raises(UserError, match="ffmpeg cannot write") as error:
            write_video(tmp_path / f"x{suffix}", lambda: [noise] * 20)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_gif_of_many_colours_takes_similar_ones(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.gif"
    many = np.zeros((4, 210, 160, 3), np.uint8)
    many[..., 0], many[..., 1] = np.arange(210)[:, None], np.arange(160)
    write_video(path, lambda: [many])
    picture = decoded(path)[0][0]
    assert np.abs(picture[1::2, 1::7] - many[0][:, ::2]).max() < 48


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_values_stand_beside_a_video(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("imageio_ffmpeg")
    trace = made_up(8)
    strip = QValueStrip(trace.q_values, trace.actions, NAMES)
    path = tmp_path / f"x{suffix}"
    write_video(path, lambda: [coloured(*[(0, 200, 0)] * 4)] * 8, strip)
    pictures, facts = decoded(path)
    assert facts["size"] == (840, 420)
    assert len(pictures) == (32 if suffix == ".mp4" else 16)
    last = pictures[-1]
    slack = 60 if suffix == ".mp4" else 0  # what compression costs around letters
    assert np.abs(last[:, :540] - (0, 200, 0)).max() <= slack
    assert np.abs(last[200:, 570:] - strip.picture(7)[200:, 10:]).mean() <= slack / 10
    if suffix == ".gif":
        assert np.array_equal(last[:, 560:], strip.picture(7))


def test_the_strip_by_hand() -> None:
    trace = made_up(200)
    q_values = trace.q_values.copy()
    q_values[150] = (-0.5, 3, 20)
    strip = QValueStrip(q_values, trace.actions, NAMES)
    pixels = strip.picture(149)
    lane, right = 64, 275  # pixels
    newest = slice(right - 3, right)
    # From -0.5 to 20 a column has 1 to 46 pixels; it ends two above the end of its lane.
    for action, (rows, colour) in enumerate(
        [(1, (70, 90, 120)), (29, (70, 90, 120)), (9, (255, 170, 60))]
    ):
        bottom = (action + 1) * lane - 2
        assert (pixels[bottom - rows : bottom, newest] == colour).all()
        assert (pixels[bottom - rows - 1, newest] == (18, 18, 18)).all()
    # Every third step chose the same; 90 steps are seen, and nothing but the five colours.
    bright = (pixels[3 * lane - 4, 5:right:3] == (255, 170, 60)).all(-1)
    assert np.flatnonzero(bright).tolist() == list(range(2, 90, 3))
    seen = {tuple(colour) for colour in pixels.reshape(-1, 3).tolist()}
    assert seen == set(COLOURS)
    assert (pixels[2 * lane + 1, :4] == COLOURS[1]).all()
    assert (strip.picture(0)[:, 5 : right - 3][62:64] == COLOURS[0]).all()
    later = QValueStrip(q_values, trace.actions, NAMES, first=140)
    assert np.array_equal(later.picture(9), pixels)
    with pytest.raises(UserError, match="no Q-values"):
        QValueStrip(q_values[:, :0], trace.actions, NAMES)


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    def interrupted() -> Iterator[np.ndarray]:
        yield coloured((1, 2, 3))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "x.mp4", interrupted)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="nowhere is no folder"):
        write_video(tmp_path / "nowhere" / "x.mp4", lambda: [coloured((1, 2, 3))])


def test_without_ffmpeg_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"pip install -e .*\[video\]'"):
        write_video(tmp_path / "x.mp4", list)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["12:30.mp4", "-b.mp4"])
def test_a_name_is_no_protocol_and_no_option_of_ffmpeg(name: str) -> None:
    pytest.importorskip("imageio_ffmpeg")
    assert write_video(Path(name), lambda: [coloured((0, 200, 0))])
    assert Path(name).is_file()


def test_an_error_of_the_simulation_is_not_taken_for_one_of_ffmpeg(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    def play() -> Iterator[Any]:
        yield coloured((0, 200, 0))
        raise RuntimeError("the cartridge is broken")

    with pytest.raises(RuntimeError, match="the cartridge is broken"):
        write_video(tmp_path / "x.mp4", play)
    assert not list(tmp_path.iterdir())

"""A recorded episode as a video: H.264 with every emulator frame, or an animated GIF.

A GIF counts in hundredths of a second, and browsers slow down pictures shorter than two of them:
60 frames a second cannot be said. It gets 30, the brighter of every two frames, so that sprites
drawn in every other frame only do not flicker away; they last 3, 3 and 4 hundredths in turn. Its
colours are exact where a game shows at most 255, as most do: they fit a palette, of which every
picture keeps what it changes. More are merged (Air Raid shows 856).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import UserError
from harness.files.atomic import appearing
from harness.files.outputs import trailer
from harness.images.palette import Seen, packed, unpacked
from harness.players.q_value_strip import COLOURS, HEIGHT, WIDTH, QValueStrip
from harness.players.transport import FRAMES_PER_SECOND
from harness.text import install_line

GIF_PER_SECOND = 30
ANAMORPHIC = (640, 420)
"""Width and height: each of the 160x210 pixels is drawn 4 wide and 2 high. A television showed
them about 1.75 times as wide as high (4:3 in all); the file says so as its sample aspect ratio,
7:8, which players apply. Whole multiples keep the pixels sharp and clear of chroma subsampling."""
SQUARE = (560, 420)
"""The same where pixels have to be square, as in a GIF: columns are 3 or 4 pixels wide."""

Frames = npt.NDArray[np.uint8]
"""[k, 210, 160, 3]: those of one step."""


def write_video(
    path: Path,
    play: Callable[[], Iterable[Frames]],
    strip: QValueStrip | None = None,
    mark: str = "",
) -> int:
    """Write the frames of `play()`, a step at a time, as `path` ends in .mp4 or .gif; with the
    Q-values of `strip` beside them. A GIF is played twice, first for its colours. `mark` is that of
    the command (harness/files/outputs.py).

    Returns how many emulator frames are shown. The file appears whole or not at all. Raises
    UserError when ffmpeg is missing or fails.
    """
    if not path.parent.is_dir():  # ffmpeg would name a file that nobody asked for
        raise UserError(f"cannot write to {path}: {path.parent} is no folder")
    end = trailer(mark, path.suffix)
    with appearing(path, end) as part, tempfile.TemporaryDirectory() as folder:
        encode = _gif if path.suffix == ".gif" else _mp4
        return encode(part, play, strip, Path(folder))


def _mp4(
    part: Path, play: Callable[[], Iterable[Frames]], strip: QValueStrip | None, _: Path
) -> int:
    scale = f"scale={ANAMORPHIC[0]}:{ANAMORPHIC[1]}:flags=neighbor,setsar=7/8"
    arguments = [
        *([] if strip else ["-vf", scale]),
        *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"),
        *("-movflags", "+faststart", "-f", "mp4"),
    ]
    return _encode(part, _pictures(play(), strip), FRAMES_PER_SECOND, arguments, strip)


def _gif(
    part: Path, play: Callable[[], Iterable[Frames]], strip: QValueStrip | None, folder: Path
) -> int:
    palette = folder / "palette"
    palette.write_bytes(_palette(map(_brighter, play()), strip))
    scale = "null" if strip else f"scale={SQUARE[0]}:{SQUARE[1]}:flags=neighbor"
    arguments = [
        *("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "16x16", "-i", str(palette)),
        *("-lavfi", f"[0]{scale}[picture];[picture][1]paletteuse=dither=none", "-f", "gif"),
    ]
    shown = 0

    def counted() -> Iterator[Frames]:
        nonlocal shown
        for frames in play():
            shown += len(frames)
            yield _brighter(frames)

    _encode(part, _pictures(counted(), strip), GIF_PER_SECOND, arguments, strip)
    return shown


def _brighter(frames: Frames) -> Frames:
    """[ceil(k / 2), 210, 160, 3]: every two of a step's k frames as one."""
    ends = np.arange(1, len(frames) + 1, 2)
    return np.maximum(frames[ends - 1], frames[np.minimum(ends, len(frames) - 1)])


def _palette(steps: Iterable[Frames], strip: QValueStrip | None) -> bytes:
    """16x16 pixels RGBA: every colour, and one that is transparent; similar colours as one where
    there are more than 255."""
    seen = Seen()
    for frames in steps:
        seen.add(packed(frames))
    others = np.array(COLOURS if strip else np.zeros((0, 3)), np.uint8)
    colours = np.concatenate([others, unpacked(seen.few(255 - len(others))[0])])
    palette = np.zeros((256, 4), np.uint8)
    palette[:255] = 255
    palette[: len(colours), :3] = colours
    return palette.tobytes()


def _pictures(steps: Iterable[Frames], strip: QValueStrip | None) -> Iterator[Frames]:
    """The frames of each step, with the strip beside them if there is one."""
    across, down = (np.arange(n) * k // n for n, k in zip(SQUARE, (160, 210), strict=True))
    for number, frames in enumerate(steps):
        if strip is None:
            yield np.ascontiguousarray(frames)
            continue
        whole = np.empty((len(frames), HEIGHT, SQUARE[0] + WIDTH, 3), np.uint8)
        whole[:, :, : SQUARE[0]] = frames[:, down][:, :, across]
        whole[:, :, SQUARE[0] :] = strip.picture(number)
        yield whole


def _encode(
    path: Path, steps: Iterable[Frames], rate: int, arguments: list[str], strip: QValueStrip | None
) -> int:
    """Hand the pictures to ffmpeg; how many there were."""
    size = f"{SQUARE[0] + WIDTH}x{HEIGHT}" if strip else "160x210"
    source = f"-f rawvideo -pix_fmt rgb24 -s {size} -r {rate} -i -".split()
    pictures = 0
    command = [_ffmpeg(), "-v", "error", "-y", *source, *arguments, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None
        assert ffmpeg.stderr is not None
        try:
            for frames in steps:
                ffmpeg.stdin.write(frames.data)
                pictures += len(frames)
            ffmpeg.stdin.close()
        except BrokenPipeError:
            pass  # it gave up early; why is in what it printed
        except BaseException:
            ffmpeg.kill()
            raise
        said = ffmpeg.stderr.read().decode(errors="replace").strip()
    if ffmpeg.returncode:
        # "[out#0/mp4 @ 0x55da6098be00] Error closing file: No space left on device"
        why = re.sub(r"^\[[^]]*\] ", "", said.splitlines()[-1]) if said else "failed"
        raise UserError(f"ffmpeg cannot write {path}: {why}")
    return pictures


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UserError(f"writing videos needs imageio-ffmpeg: {install_line('video')}") from None
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise UserError(f"imageio-ffmpeg finds no ffmpeg: {error}") from None

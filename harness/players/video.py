"""A recorded episode as a video: H.264 with every emulator frame, or an animated GIF.

A GIF counts in hundredths of a second, and browsers slow down pictures shorter than two of them,
so it cannot show 60 frames a second. It gets 30: the brighter of every two frames, so that sprites
drawn in every other frame only stay. They last 3, 3 and 4 hundredths in turn. Its colours are exact
where a game shows at most 255, as most do. Similar ones become one where there are more (Air Raid
shows 856).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.errors import UserError
from harness.files.atomic import appearing
from harness.files.outputs import trailer
from harness.images.palette import Palette
from harness.players.q_value_strip import COLOURS, HEIGHT, WIDTH, QValueStrip
from harness.players.transport import FRAMES_PER_SECOND
from harness.text import install_line

GIF_PER_SECOND = 30
ANAMORPHIC = "scale=640:420:flags=neighbor,setsar=7/8"
"""Each of the 160x210 pixels is drawn 4 wide and 2 high. A television showed them about 1.75 times
as wide as high (4:3 in all); the file says so as its sample aspect ratio, 7:8, which players apply.
Whole multiples keep the pixels sharp and clear of chroma subsampling."""
SQUARE = (560, 420)
"""Width and height where pixels have to be square, as in a GIF: columns are 3 or 4 pixels wide."""

Frames = npt.NDArray[np.uint8]
"""[k, 210, 160, 3]: those of one step."""


_MP4: Final = ["-crf", "18", "-movflags", "+faststart", "-f", "mp4"]


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
    if not path.parent.is_dir():  # ffmpeg would name a file that no option named
        raise UserError(f"cannot write to {path}: {path.parent} is no folder")
    with (
        appearing(path, trailer(mark, path.suffix)) as part,
        tempfile.TemporaryDirectory() as folder,
    ):
        if path.suffix == ".mp4":
            options = _MP4 if strip else ["-vf", ANAMORPHIC, *_MP4]
            return _encode(
                path, part, play(), strip, FRAMES_PER_SECOND, "libx264", "yuv420p", options
            )
        palette = Path(folder) / "palette.png"
        _palette(play(), strip).save(palette)
        scale = "null" if strip else f"scale={SQUARE[0]}:{SQUARE[1]}:flags=neighbor"
        graph = f"[0]{scale}[picture];[picture][1]paletteuse=dither=none"
        options = ["-i", str(palette), "-lavfi", graph, "-f", "gif"]
        # What stands before a second -i says how that file is read: the PNG of the palette.
        return _encode(path, part, play(), strip, GIF_PER_SECOND, "png", "rgba", options)


@contextmanager
def _errors_of_ffmpeg(path: Path) -> Iterator[None]:
    """Raise UserError for what ffmpeg cannot do; its own lines go to standard error."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise UserError(f"ffmpeg cannot write {path}: {reason}") from None


def _encode(
    path: Path,
    part: Path,
    steps: Iterable[Frames],
    strip: QValueStrip | None,
    per_second: int,
    codec: str,
    pixels: str,
    options: list[str],
) -> int:
    """Let ffmpeg write the pictures of each step to `part`, of the video `path`; returns how many
    emulator frames they show."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UserError(f"writing videos needs imageio-ffmpeg: {install_line('video')}") from None
    shown = pictures = 0
    writer = imageio_ffmpeg.write_frames(
        part.absolute(),  # ffmpeg takes `12:30.mp4` for a protocol, and `-b.mp4` for an option
        (SQUARE[0] + WIDTH, HEIGHT) if strip else (160, 210),
        fps=per_second,
        codec=codec,
        pix_fmt_out=pixels,
        quality=None,
        macro_block_size=1,
        ffmpeg_log_level="error",
        output_params=options,
    )
    with closing(writer):
        with _errors_of_ffmpeg(path):
            writer.send(None)
        for number, frames in enumerate(steps):
            shown += len(frames)
            seen = frames if per_second == FRAMES_PER_SECOND else _brighter(frames)
            for picture in _with_strip(seen, strip, number):
                with _errors_of_ffmpeg(path):
                    writer.send(np.ascontiguousarray(picture))
                pictures += 1
        with _errors_of_ffmpeg(path):
            writer.close()
            # write_frames does not tell how ffmpeg ended.
            written, _ = imageio_ffmpeg.count_frames_and_secs(part.absolute())
    if written != pictures:
        raise UserError(
            f"ffmpeg cannot write {path}: {written:,} of {pictures:,} pictures are in it"
        )
    return shown


def _palette(steps: Iterable[Frames], strip: QValueStrip | None) -> Image.Image:
    """16x16 pixels RGBA: every colour, and one that is transparent. ffmpeg's own palettegen rounds
    some colours."""
    seen = Palette()
    for frames in steps:
        seen.numbers(_brighter(frames))
    if strip:
        seen.numbers(np.array(COLOURS, np.uint8))
    colours = np.reshape(seen.merged(255).getpalette() or [], (-1, 3))
    palette = np.full((256, 4), 255, np.uint8)
    palette[: len(colours), :3] = colours
    palette[255] = 0
    return Image.fromarray(palette.reshape(16, 16, 4))


def _brighter(frames: Frames) -> Frames:
    """[ceil(k / 2), 210, 160, 3]: every two of a step's k frames as one."""
    ends = np.arange(1, len(frames) + 1, 2)
    return np.maximum(frames[ends - 1], frames[np.minimum(ends, len(frames) - 1)])


def _with_strip(frames: Frames, strip: QValueStrip | None, number: int) -> Frames:
    """The frames of step `number`, with the strip beside them if there is one."""
    if strip is None:
        return frames
    across, down = (np.arange(n) * k // n for n, k in zip(SQUARE, (160, 210), strict=True))
    wide = frames[:, down][:, :, across]
    values = np.broadcast_to(strip.picture(number), (len(frames), HEIGHT, WIDTH, 3))
    return np.concatenate([wide, values], axis=2)

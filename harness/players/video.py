"""A recorded episode as an H.264 video, every emulator frame of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import UserError

FRAMES_PER_SECOND = 60
PICTURE = (640, 420)
"""Width and height: each of the 160x210 pixels is drawn 4 wide and 2 high. A television showed
them about 1.75 times as wide as high (4:3 in all); the file says so as its sample aspect ratio,
7:8, which players apply. Whole multiples keep the pixels sharp and clear of chroma subsampling."""


def write_video(path: Path, screens: Iterable[npt.NDArray[np.uint8]]) -> int:
    """Write `screens`, arrays [k, 210, 160, 3], at 60 frames a second; returns the frame count.

    The file appears whole or not at all. Raises UserError when ffmpeg is missing or fails.
    """
    part = path.with_name(path.name + ".part")
    try:
        frames = _encode(part, screens)
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return frames


def _encode(path: Path, screens: Iterable[npt.NDArray[np.uint8]]) -> int:
    frames = 0
    command = [_ffmpeg(), "-v", "error", "-y", *_INPUT, *_OUTPUT, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None
        assert ffmpeg.stderr is not None
        try:
            for screen in screens:
                ffmpeg.stdin.write(np.ascontiguousarray(screen).data)
                frames += len(screen)
            ffmpeg.stdin.close()
        except BrokenPipeError:
            pass  # it gave up early; why is in what it printed
        except BaseException:
            ffmpeg.kill()
            raise
        said = ffmpeg.stderr.read().decode(errors="replace").strip()
    if ffmpeg.returncode:
        raise UserError(
            f"ffmpeg cannot write {path}: {said.splitlines()[-1] if said else 'failed'}"
        )
    return frames


_INPUT = f"-f rawvideo -pix_fmt rgb24 -s 160x210 -r {FRAMES_PER_SECOND} -i -".split()
_OUTPUT = [
    *("-vf", f"scale={PICTURE[0]}:{PICTURE[1]}:flags=neighbor,setsar=7/8"),
    *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-f", "mp4"),
]


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UserError("writing videos needs imageio-ffmpeg: pip install -e '.[video]'") from None
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise UserError(f"imageio-ffmpeg finds no ffmpeg: {error}") from None

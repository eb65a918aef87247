"""Screens inside the page, and marks on them."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
import numpy.typing as npt

from harness.report.blocks import Marker, Picture
from harness.report.markup import Html, number, render, shown
from harness.report.styles import Styles


def draw_picture(picture: Picture, styles: Styles) -> Html:
    """Screens beside each other with their marks, a legend above."""
    frames = [(frame, [mark for mark in frame.markers if _has_place(mark)])
              for frame in picture.frames]  # fmt: skip
    return render(
        "picture",
        picture=picture,
        styles=styles,
        frames=frames,
        names=[mark.label for frame in picture.frames for mark in frame.markers],
        missing=sum(len(frame.markers) - len(marks) for frame, marks in frames),
        address=_address,
        spoken=_spoken,
    )


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """uint8 [H, W, 3] as a PNG file."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def _address(pixels: npt.NDArray[np.uint8]) -> str:
    """An address that holds the picture itself."""
    return f"data:image/png;base64,{b64encode(png(pixels)).decode()}"


def _has_place(mark: Marker) -> bool:
    return shown(mark.x) is not None and shown(mark.y) is not None


def _spoken(marks: list[Marker]) -> str:
    """Where the marks are, for those who cannot see them."""
    return " ".join(
        f"{mark.label} at {number(mark.x or 0, '.0f')}, {number(mark.y or 0, '.0f')}."
        for mark in marks
    )

"""Screens inside the page, and marks on them."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np
import numpy.typing as npt

from harness.report.axes import legend, missing_note
from harness.report.blocks import Frame, Marker, Picture
from harness.report.markup import Html, join, number, percent, shown, tag
from harness.report.styles import Styles


def draw_picture(picture: Picture, styles: Styles) -> Html:
    """Screens beside each other with their marks, a legend above."""
    marks = [mark for frame in picture.frames for mark in frame.markers]
    frames = [_frame(frame, picture, styles) for frame in picture.frames]
    missing = sum(shown(mark.x) is None or shown(mark.y) is None for mark in marks)
    return join([
        legend((mark.label for mark in marks), styles),
        tag("div", *frames, class_="frames"),
        missing_note(missing),
    ])  # fmt: skip


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """uint8 [H, W, 3] as a PNG file (ISO/IEC 15948): header, one deflated stream of rows that each
    begin with filter 0, end."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, colour type RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _frame(frame: Frame, picture: Picture, styles: Styles) -> Html:
    height, width, _ = frame.pixels.shape
    caption = frame.caption or picture.title
    marks = [_mark(mark, width, height, styles) for mark in frame.markers]
    image = tag("img", src=f"data:image/png;base64,{b64encode(png(frame.pixels)).decode()}",
                alt=f"{caption}. {_spoken(frame)}".strip(), width=width, height=height)  # fmt: skip
    overlay = tag("svg", *marks, aria_hidden="true") if marks else Html("")
    shown_as = tag("div", image, overlay, class_="screen")
    below = tag("p", frame.caption) if frame.caption else Html("")
    return tag("div", shown_as, below, class_="frame", style=f"width:{width * picture.scale:g}px")


def _mark(mark: Marker, width: int, height: int, styles: Styles) -> Html:
    x, y, look = shown(mark.x), shown(mark.y), styles[mark.label]
    if x is None or y is None:
        return Html("")
    says = f"{mark.label}: x {number(x, '.1f')}, y {number(y, '.1f')}"
    return tag("use", tag("title", says), href=f"#{look.shape}",
               class_=f"{look.colour} {look.shape}", x=percent((x + 0.5) / width),
               y=percent((y + 0.5) / height))  # fmt: skip


def _spoken(frame: Frame) -> str:
    """Where the marks are, for who cannot see them."""
    return " ".join(
        f"{mark.label} at {number(mark.x, '.0f')}, {number(mark.y, '.0f')}."
        for mark in frame.markers
        if shown(mark.x) is not None and shown(mark.y) is not None and mark.x is not None
        and mark.y is not None
    )  # fmt: skip

"""The screens on which the report draws what networks take for the object's place."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.probes.patterns import SIDE
from harness.probes.profile import PICTURES, Extent, worlds


def pictures(extent: Extent) -> dict[str, Any]:
    """By world: newest frames (`pack`) of the first test states, and true positions (pixels)."""
    found = {}
    for name, world in worlds(extent).items():
        chosen = world.parts.test[:PICTURES]
        found[name] = {
            "frames": [pack(frame) for frame in world.states[chosen, -1]],
            "positions": world.positions[chosen].tolist(),
        }
    return found


def pack(frame: npt.NDArray[np.uint8]) -> str:
    """A frame [84, 84] as text for JSON: its bytes, deflated, in base 64."""
    return base64.b64encode(zlib.compress(frame.tobytes(), 9)).decode()


def unpack(text: str) -> npt.NDArray[np.uint8]:
    """What `pack` packed, [84, 84]."""
    pixels = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)

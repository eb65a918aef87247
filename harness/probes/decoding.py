"""How much of the picture can be reconstructed from features.

The newest frame, halved to 42x42, is read from features by a ridge readout; how much of it is not
explained is measured apart for the object's pixels and for the others, each with the penalty that
suits it best. A mean picture has 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.probes.readout import Floats, Readout, Split

_HALF = 42


def decoding(
    readout: Readout,
    parts: Split,
    states: npt.NDArray[np.uint8],
    positions: Floats,
    radius: tuple[float, float],
) -> dict[str, float]:
    """Unexplained shares of the test frames: `object`, within `radius` (x, y) of its position
    (pixels of 84x84), and `background`, the rest."""
    frames = states[:, -1].reshape(-1, _HALF, 2, _HALF, 2).mean((2, 4)).reshape(len(states), -1)
    there, truth = near(positions, radius), frames[parts.test]
    around = (truth - frames[parts.train].mean(0)) ** 2
    shares = {}
    for name, pixels in (("object", there), ("background", ~there)):
        chosen = pixels[parts.valid]
        read = readout.predict(frames[parts.train], frames[parts.valid], counted=chosen)
        wrong, counted = (truth - read) ** 2, pixels[parts.test]
        shares[name] = float(wrong[counted].sum() / around[counted].sum())
    return shares


def near(positions: Floats, radius: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """[N, 1764]: pixels of the halved frame that touch the rectangle around positions [N, 2]."""
    edges = 2 * np.arange(_HALF)
    inside = [
        (edges + 1 >= axis[:, None] - reach) & (edges <= axis[:, None] + reach)
        for axis, reach in zip(positions.T, radius, strict=True)
    ]
    return np.asarray((inside[1][:, :, None] & inside[0][:, None, :]).reshape(len(positions), -1))

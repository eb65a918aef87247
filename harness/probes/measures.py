"""Errors of a readout's answers, in pixels, sprites or shares.

Positions are (x, y) in pixels of the 84x84 screen. A position splits into the cell of the layer's
map and the phase in it: x = pitch * cell + phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binned_statistic_2d

from harness.probes.readout import Floats, Readout, Split


@dataclass(frozen=True)
class Location:
    """How well positions are read from features, on test states."""

    error: float
    """Median distance from the true position (pixels)."""
    error_x: float
    error_y: float
    """Median absolute errors (pixels)."""
    r2: float
    """Share of the positions' variance that is explained; may be negative."""
    cell: float
    """Share of positions put into the right cell of the layer's map, both ways (0 to 1); a
    coordinate that never varies is always right."""
    phase: float
    """Median error of a readout of the phase alone (pixels; a guess has pitch / 4)."""
    fisher: float
    """Linear Fisher information about a coordinate, mean of those that vary (1 / pixel^2)."""


def location(readout: Readout, parts: Split, positions: Floats, pitch: int) -> Location:
    """Positions [N, 2] of all states, read from their features."""
    truth = positions[parts.test]
    read = readout.predict(positions[parts.train], positions[parts.valid])
    off = np.abs(read - truth)
    around = ((truth - truth.mean(0)) ** 2).sum()
    same = (np.floor(read / pitch) == np.floor(truth / pitch)).all(1)
    return Location(
        error=float(np.median(np.linalg.norm(off, axis=1))),
        error_x=float(np.median(off[:, 0])),
        error_y=float(np.median(off[:, 1])),
        r2=float(1 - (off**2).sum() / around),
        cell=float(same.mean()),
        phase=phase_error(readout, parts, positions, pitch),
        fisher=fisher(read, truth),
    )


def fisher(read: Floats, truth: Floats) -> float:
    """Linear Fisher information (1 / pixel^2) of what was read [m, 2] about the truth [m, 2]: the
    squared slope of the one over the other by the variance around that line."""
    information = []
    for estimate, true in zip(read.T, truth.T, strict=True):
        if np.ptp(true) == 0:
            continue
        slope, middle = np.polyfit(true, estimate, 1)
        information.append(slope**2 / max(float(np.var(estimate - slope * true - middle)), 1e-12))
    return float(np.mean(information))


def phase_error(readout: Readout, parts: Split, positions: Floats, pitch: int) -> float:
    """Median error (pixels) of the phase of coordinates that vary, read as points on circles."""
    angles = 2 * np.pi * positions[:, np.ptp(positions, 0) > 0] / pitch
    circle = np.concatenate([np.cos(angles), np.sin(angles)], 1)
    cos, sin = np.split(readout.predict(circle[parts.train], circle[parts.valid]), 2, axis=1)
    turn = np.arctan2(sin, cos) - angles[parts.test]
    turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    return float(np.median(turn) * pitch / (2 * np.pi))


def errors_by_states(
    readout: Readout, parts: Split, positions: Floats, sizes: tuple[int, ...]
) -> dict[int, float]:
    """Median distance (pixels) by the number of training states, smaller numbers first."""
    train, valid, truth = (positions[part] for part in parts)
    return {
        size: float(np.median(np.linalg.norm(readout.predict(train, valid, size) - truth, axis=1)))
        for size in (*(s for s in sizes if s < len(train)), len(train))
    }


def errors_by_place(read: Floats, truth: Floats, side: int, places: int = 7) -> list[list[float]]:
    """Median distance (pixels) by the part of the screen: rows of `places` x `places` parts, nan
    where no state is."""
    x, y = np.clip(truth, 0, side).T
    off, span = np.linalg.norm(read - truth, axis=1), ((0, side), (0, side))
    medians = binned_statistic_2d(y, x, off, "median", places, span).statistic
    return [[float(median) for median in row] for row in medians]


@dataclass(frozen=True)
class Count:
    """How well a number of sprites is read."""

    error: float
    """Mean absolute error (sprites)."""
    exact: float
    """Share that is right when rounded (0 to 1)."""
    error_near: float
    """Mean absolute error where two are closer than a window of the last reducer (sprites)."""
    error_far: float
    """The same where none are (sprites)."""


WINDOW = 9
"""Pixels of the screen that a reducer behind conv2 joins: three values, four pixels apart."""


def count(readout: Readout, parts: Split, counts: npt.NDArray[np.int64], nearest: Floats) -> Count:
    """Numbers [N] of all states, read from their features; `nearest` [N] in pixels."""
    targets = counts.astype(float)[:, None]
    read = readout.predict(targets[parts.train], targets[parts.valid])[:, 0]
    return counting(read, counts[parts.test], nearest[parts.test])


def counting(read: Floats, truth: npt.NDArray[np.int64], nearest: Floats) -> Count:
    """What answers [m] about numbers [m] are worth. States with one sprite have no distance."""
    off, several = np.abs(read - truth), truth > 1
    near, far = several & (nearest < WINDOW), several & (nearest >= WINDOW)
    return Count(
        error=float(off.mean()),
        exact=float((np.round(read) == truth).mean()),
        error_near=float(off[near].mean()) if near.any() else np.nan,
        error_far=float(off[far].mean()) if far.any() else np.nan,
    )


def presence(readout: Readout, parts: Split, present: npt.NDArray[np.bool_]) -> float:
    """Share of states (0 to 1) for which a readout is right about whether a target is there."""
    targets = np.where(present, 1.0, -1.0)[:, None]
    read = readout.predict(targets[parts.train], targets[parts.valid])[:, 0]
    return float(((read > 0) == present[parts.test]).mean())


def code_length(readout: Readout, parts: Split, positions: Floats, sizes: tuple[int, ...]) -> float:
    """Bits a state and coordinate that describe positions to one pixel, given the features, when
    each block of test states is predicted by a readout of as many training states as came before it
    (online code; Blier & Ollivier 2018), with normal errors."""
    train, valid, truth = (positions[part] for part in parts)
    spread, bits, before = float(np.sqrt(train.var(0).mean())), 0.0, 0
    ends = (*(s for s in sizes if s < len(train)), len(train))
    for end in ends:
        bits += (end - before) * np.log2(spread * np.sqrt(2 * np.pi * np.e))
        read = readout.predict(train, valid, end)
        spread, before = max(float(np.sqrt(((read - truth) ** 2).mean())), 1e-3), end
    return float(bits / len(train))


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

"""Bars and boxes: can a box's tilt be read from the maxima of a battery of filters?

64x64 pictures of 1 to 4 boxes of 16x8 pixels, all at one random tilt and not touching, are seen by
banks of 1 to 32 filters of 8x8 (Gabor filters, random ones, or those that a network learned).
Behind a rectifier the answers are kept on a grid (every fourth, as a strided convolution does), as
maxima
of windows on that grid, or as one maximum for the whole picture. Linear and kernel readouts then
say tilt, number and, for a single box, position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.spatial.distance import pdist
from torch import Tensor

from harness.probes.readout import Floats, Readout, Split, split

SIDE, BOX, MOST = 64, (16, 8), 4
FILTERS = (1, 2, 4, 8, 16, 32)
POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "stride": lambda maps: maps[..., ::4, ::4],
    "local max": lambda maps: F.max_pool2d(maps, 5, 4, 2),
    "global max": lambda maps: maps.amax((-2, -1), keepdim=True),
}


def boxes(count: int, seed: int) -> tuple[Tensor, Floats, npt.NDArray[np.int64], Floats]:
    """Pictures float32 [N, 1, 64, 64], tilts [N] (degrees, 0 to 180), numbers of boxes [N] and
    positions [N, 2] (pixels; the mean of all boxes' middles)."""
    rng = np.random.default_rng((seed, 3))
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    pictures = np.zeros((count, 1, SIDE, SIDE), np.float32)
    tilts, numbers = rng.uniform(0, 180, count), rng.integers(1, MOST + 1, count)
    positions = np.empty((count, 2))
    for i in range(count):
        middles = _apart(rng, int(numbers[i]))
        turn = np.deg2rad(tilts[i])
        for x, y in middles:
            along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
            across = -(columns - x) * np.sin(turn) + (rows - y) * np.cos(turn)
            # A soft edge of one pixel, so that every tilt is drawn.
            inside = np.minimum(BOX[0] / 2 - np.abs(along), BOX[1] / 2 - np.abs(across)) + 0.5
            pictures[i, 0] = np.maximum(pictures[i, 0], np.clip(inside, 0, 1))
        positions[i] = middles.mean(0)
    return torch.from_numpy(pictures), tilts, numbers, positions


def _apart(rng: np.random.Generator, number: int) -> Floats:
    """Middles [n, 2] of boxes that do not touch, whatever their tilt."""
    least, edge = np.hypot(*BOX) + 1, np.hypot(*BOX) / 2
    while True:
        middles = rng.uniform(edge, SIDE - edge, (number, 2))
        if (pdist(middles) >= least).all():
            return np.asarray(middles)


def gabor(number: int) -> Tensor:
    """[n, 1, 8, 8]: Gabor filters at evenly spaced tilts, mean 0, length 1."""
    rows, columns = np.mgrid[:8, :8] - 3.5
    filters = []
    for tilt in np.arange(number) * np.pi / number:
        along = columns * np.cos(tilt) + rows * np.sin(tilt)
        across = -columns * np.sin(tilt) + rows * np.cos(tilt)
        filters.append(np.exp(-(along**2 + across**2) / 12) * np.cos(2 * np.pi * across / 8 + 0.8))
    return _unit(torch.from_numpy(np.stack(filters)).float()[:, None])


def random(number: int, seed: int) -> Tensor:
    """[n, 1, 8, 8]: normal random filters, mean 0, length 1; those of a smaller bank come first."""
    values = torch.randn((max(FILTERS), 1, 8, 8), generator=torch.Generator().manual_seed(seed))
    return _unit(values)[:number]


def _unit(filters: Tensor) -> Tensor:
    flat = filters.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    length = flat.square().sum(1, keepdim=True).sqrt().clamp(min=1e-6)
    return (flat / length).view_as(filters)


def sweep(seed: int, count: int, learned: Tensor) -> dict[str, Any]:
    """{pooling: {bank: {number of filters: measures}}}: median error of the tilt (degrees; a
    guess has 45) by a linear and a kernel readout, share of right numbers, median error of a
    single box's position (pixels). `learned` [32, 1, 8, 8]."""
    pictures, tilts, numbers, positions = boxes(count, seed)
    parts = split(np.arange(count), seed)
    banks: dict[str, Callable[[int], Tensor]] = {
        "gabor": gabor,
        "random": lambda number: random(number, seed),
        "learned": lambda number: _unit(learned)[:number],
    }
    measured: dict[str, Any] = {pool: {bank: {} for bank in banks} for pool in POOLS}
    for bank, filters in banks.items():
        answered = torch.relu(F.conv2d(pictures, filters(max(FILTERS))))
        for number in FILTERS:
            # A smaller Gabor bank has other tilts than the first of the large one.
            maps = answered[:, :number]
            if bank == "gabor":
                maps = torch.relu(F.conv2d(pictures, filters(number)))
            for pool, keep in POOLS.items():
                found = _measured(keep(maps), parts, tilts, numbers, positions)
                measured[pool][bank][str(number)] = found
    return measured


def _measured(
    features: Tensor,
    parts: Split,
    tilts: Floats,
    numbers: npt.NDArray[np.int64],
    positions: Floats,
) -> dict[str, float]:
    linear, kernel = Readout.of(features, parts), Readout.by_distance(features, parts)
    targets = numbers[:, None].astype(float)
    read = kernel.predict(targets[parts.train], targets[parts.valid])[:, 0]
    single = Split(*(part[numbers[part] == 1] for part in parts))
    place = Readout.of(features, single).predict(positions[single.train], positions[single.valid])
    off = np.linalg.norm(place - positions[single.test], axis=1)
    return {
        "tilt": _tilt_error(linear, parts, tilts),
        "tilt_kernel": _tilt_error(kernel, parts, tilts),
        "count": float((np.round(read) == numbers[parts.test]).mean()),
        "position": float(np.median(off)),
    }


def _tilt_error(readout: Readout, parts: Split, tilts: Floats) -> float:
    """Median error (degrees) of tilts, read as a point on a circle of 180 degrees."""
    angles = np.deg2rad(2 * tilts)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    cos, sin = readout.predict(circle[parts.train], circle[parts.valid]).T
    turn = np.abs((np.arctan2(sin, cos) - angles[parts.test] + np.pi) % (2 * np.pi) - np.pi)
    return float(np.median(np.rad2deg(turn)) / 2)

"""How much features change when the picture moves, and whether an agent's Q-values answer to where
an object is.

    inv_d = E |F(x) - F(T_d x)|^2 / E |F(x) - F(x')|^2

for a state x, the same moved by d pixels, and another state x': 0 is perfect invariance, 1 is as
different as another state. A low change is not a lost location: what is still known of it is the
linear Fisher information of `measures.Location`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agent.networks import QNetwork
from harness.probes.features import LAYERS, features, pitches
from harness.probes.patterns import moved

Pixels = npt.NDArray[np.uint8]
DISTANCES = (1, 2, 4, 8)


def invariance(before: Tensor, after: Tensor) -> float:
    """inv_d of features [N, ...] before and after a movement; another state is the one N / 2 on."""
    x, y = before.flatten(1).double(), after.flatten(1).double()
    between = (x - x.roll(len(x) // 2, 0)).square().sum(1).mean()
    return float((x - y).square().sum(1).mean() / between)


def responses(network: QNetwork, states: Pixels) -> dict[str, dict[str, float]]:
    """inv_d of every layer for the whole picture moved by d pixels, left or right, up or down in
    turn: {layer: {d: inv_d}}."""
    still = features(network, states)
    changes: dict[str, dict[str, float]] = {layer: {} for layer in LAYERS}
    ways = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    for d in DISTANCES:
        shifted = np.stack(
            [moved(state, d * ways[i % 4][0], d * ways[i % 4][1]) for i, state in enumerate(states)]
        )
        after = features(network, shifted)
        for layer in LAYERS:
            changes[layer][str(d)] = invariance(still[layer], after[layer])
    return changes


def equivariance(network: QNetwork, states: Pixels) -> dict[str, float | None]:
    """How far maps are from moving by one cell when the picture moves by a layer's pitch, on cells
    two or more from the border: |F(T x) - T F(x)|^2 / |F(x) - mean F|^2, 0 for perfect. None for
    maps that have no such cells or never change there."""
    still = features(network, states, LAYERS[:3])
    shares: dict[str, float | None] = {}
    pitch = pitches(network)
    for layer in LAYERS[:3]:
        after = features(network, moved(states, pitch[layer], 0), (layer,))[layer]
        before = still[layer][..., 2:-2, 2:-3].double()
        there = after[..., 2:-2, 3:-2].double()
        spread = (before - before.mean(0)).square().sum()
        shares[layer] = float((there - before).square().sum() / spread) if spread > 0 else None
    return shares


def health(maps_by_layer: Sequence[tuple[str, Tensor]]) -> dict[str, dict[str, float]]:
    """Of features by layer [N, ...]: `srank`, how many directions hold .99 of the singular values'
    sum (Kumar et al. 2021), fc1 alone; `dormant`, the share of units whose mean absolute value is
    at most .025 of their layer's (Sokar et al. 2023)."""
    measured = {}
    for layer, maps in maps_by_layer:
        size = maps.abs().mean(0) if maps.ndim == 2 else maps.abs().mean((0, 2, 3))
        measured[layer] = {"dormant": float((size <= 0.025 * size.mean()).float().mean())}
        if maps.ndim == 2:
            values = torch.linalg.svdvals(maps.double())
            share = values.cumsum(0) / values.sum()
            measured[layer]["srank"] = float((share < 0.99).sum() + 1)
    return measured


SHIFTS = (1, 2, 3)


def q_values(network: QNetwork, states: Pixels) -> Tensor:
    """float64 [N, A] for states uint8 [N, 4, 84, 84]."""
    with torch.no_grad():
        starts = range(0, len(states), 64)
        parts = [network(torch.from_numpy(states[start : start + 64])) for start in starts]
    return torch.cat(parts).double()


def sensitivity(network: QNetwork, before: Pixels, after: Pixels) -> dict[str, float]:
    """What moving one object does, everything else equal: states [N, 4, 84, 84] before and after.

    `value`, mean |change of max_a Q| over its standard deviation between states; `advantage`, the
    same of Q less its mean over actions; `flips`, the share of states whose greedy action changes,
    `flips_decided` among the half with the larger gap between the two best actions; `chance`, the
    share that would change if actions were drawn as often as they are greedy, 1 - sum p_a^2.
    """
    x, y = q_values(network, before), q_values(network, after)
    best, other = x.argmax(1), y.argmax(1)
    top = x.topk(2, 1).values
    gap = top[:, 0] - top[:, 1]
    flips = (best != other).double()
    share = torch.bincount(best, minlength=x.shape[1]).double() / len(x)

    def changed(a: Tensor, b: Tensor) -> float:
        return float((a - b).abs().mean() / a.std().clamp(min=1e-12))

    def centred(q: Tensor) -> Tensor:
        return q - q.mean(1, keepdim=True)

    return {
        "value": changed(x.amax(1), y.amax(1)),
        "advantage": changed(centred(x), centred(y)),
        "flips": float(flips.mean()),
        "flips_decided": float(flips[gap >= gap.median()].mean()),
        "chance": float(1 - share.square().sum()),
    }


def consistency(network: QNetwork, states: Pixels) -> dict[str, float]:
    """P[argmax Q(x) = argmax Q(T_d x)] for the whole picture moved right by d pixels, and
    `chance`, sum p_a^2."""
    best = q_values(network, states).argmax(1)
    share = torch.bincount(best).double() / len(best)
    same = {
        str(d): float((q_values(network, moved(states, d, 0)).argmax(1) == best).double().mean())
        for d in SHIFTS
    }
    return same | {"chance": float(share.square().sum())}

"""Whether the Q-values of a trained agent answer to where an object is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agent.networks import QNetwork
from harness.probes.patterns import moved

Pixels = npt.NDArray[np.uint8]
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

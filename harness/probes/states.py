"""Error of an object's place against the number of states that a linear readout learns from.

A readout of few states can miss what the features hold: errors that fall with more states say that
the place was there, hard to find; errors that do not fall say that it is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agent.networks import QNetwork
from harness.probes.datasets import block
from harness.probes.features import features
from harness.probes.games import game_dataset
from harness.probes.readout import PENALTIES, Floats, Split

VALID, TEST = 400, 800
"""States that choose the penalty and that test (count), up to a few as episodes stay whole."""
SPARE = 100
"""More states than are needed, since episodes are kept whole."""
DATASETS = ("block 2", "block 8", "Pong", "Breakout")
"""The objects that are located: two drawn blocks and two balls."""


def errors_by_states(network: QNetwork, counts: Sequence[int]) -> dict[str, dict[str, float]]:
    """Median error (pixels of 84x84) of the place read from conv3, by data set and by the number of
    training states, which are the first so many; and `mean`, over the data sets."""
    errors = {}
    for name in DATASETS:
        count = max(counts) + VALID + TEST + SPARE
        kind, _, size = name.partition(" ")
        dataset = block(int(size), count) if kind == "block" else game_dataset(name, count)
        seen = features(network, dataset.states, ("conv3",))["conv3"]
        errors[name] = curve(seen, dataset.positions, split_ordered(dataset.episodes), counts)
    means = {str(n): float(np.mean([errors[name][str(n)] for name in errors])) for n in counts}
    return errors | {"mean": means}


def split_ordered(episodes: npt.NDArray[np.int64], seed: int = 0) -> Split:
    """Whole episodes in the order of a permutation: those with the first TEST states test, those
    with the next VALID choose the penalty, all others train; `episodes` [N] names each state's."""
    names, which, sizes = np.unique(episodes, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    ends = np.searchsorted(np.cumsum(sizes[order]), (TEST, TEST + VALID)) + 1
    test, valid, train = (
        np.concatenate([np.flatnonzero(which == episode) for episode in part])
        for part in np.split(order, ends)
    )
    return Split(train, valid, test)


def curve(seen: Tensor, positions: Floats, parts: Split, counts: Sequence[int]) -> dict[str, float]:
    """Median error (pixels) by the number of training states, of features [N, ...]."""
    flat = seen.flatten(1)
    errors = {}
    for count in counts:
        read = ridge(flat, positions, parts._replace(train=parts.train[:count]))
        off = np.linalg.norm(read - positions[parts.test], axis=1)
        errors[str(count)] = float(np.median(off))
    return errors


def ridge(flat: Tensor, targets: Floats, parts: Split) -> Floats:
    """What `Readout.predict` gives for features [N, D] and targets [N, k]: the predictions [m, k]
    for the test states. It costs min(D, training states)^3, so many states are no burden."""
    train, valid, test = (flat[torch.from_numpy(part)] for part in parts)
    centre = train.mean(0)
    train, valid, test = train - centre, valid - centre, test - centre
    scale = float(train.double().square().sum(1).mean().sqrt()) or 1.0
    train, valid, test = train / scale, valid / scale, test / scale
    mean, unit = targets[parts.train].mean(0), targets[parts.train].std(0)
    unit[unit == 0] = 1.0
    wanted = torch.from_numpy((targets[parts.train] - mean) / unit)
    known = torch.from_numpy((targets[parts.valid] - mean) / unit)
    dual = len(train) <= train.shape[1]
    square = (train @ train.T if dual else train.T @ train).double()
    values, vectors = torch.linalg.eigh(square)
    # Rows of both sides in the basis of eigenvectors; products were rounded to fp32.
    right = vectors.T @ (wanted if dual else train.T.double() @ wanted)
    sides = (valid @ train.T, test @ train.T) if dual else (valid, test)
    of_valid, of_test = (side.double() @ vectors for side in sides)
    fits = [right / (values.clamp(min=0) + penalty)[:, None] for penalty in PENALTIES]
    errors = [float((of_valid @ weights - known).square().mean()) for weights in fits]
    return np.asarray((of_test @ fits[int(np.argmin(errors))]).numpy() * unit + mean)

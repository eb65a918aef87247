"""All that is measured of one network: a profile, as plain numbers by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from agent.networks import QNetwork
from agent.scales import matchable
from harness.evaluation.agents import load_network
from harness.probes import measures
from harness.probes.datasets import Dataset, block, presence, several
from harness.probes.features import LAYERS, features, pitches, pixels
from harness.probes.games import agent_profile, game_dataset
from harness.probes.measures import decoding
from harness.probes.patterns import SIDE, Planted
from harness.probes.readout import Floats, Readout, Split, split
from harness.probes.response import equivariance, health, responses

Numbers = dict[str, Any]
_PIXEL_PITCH = 8
"""What cell and phase of the control mean: those of conv3 in most networks."""
PICTURES = 3
"""Test states whose read positions are kept for the report (count)."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    states: int
    """States of each kind (count): 5/8 to fit, 1/8 to choose the penalty, 2/8 to test."""
    sizes: tuple[int, ...] = (2, 8)
    """Sides of planted blocks (pixels)."""
    games: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[int, ...]:
        """Numbers of training states of which a curve is made."""
        most = self.states * 5 // 8
        return tuple(most // 2**k for k in range(4, -1, -1))


def whole(network: QNetwork, extent: Extent) -> Numbers:
    """The profile of a network: location in all data sets, presence, count, response, health."""
    largest = block(max(extent.sizes), extent.states)
    some = largest.states[: max(200, extent.states // 4)]
    return {
        "location": locations(network, extent),
        **patterns(network, extent),
        "response": responses(network, some),
        "equivariance": equivariance(network, some),
        "health": health(list(features(network, largest.states[:2048]).items())),
    }


def locations(network: QNetwork, extent: Extent) -> dict[str, Numbers]:
    """For each data set: the object's place read from every layer, and more about conv3."""
    by_dataset, pitch = {}, pitches(network)
    for name, dataset in datasets(extent).items():
        seen = features(network, dataset.states)
        by_dataset[name] = {layer: _layer(seen[layer], dataset, pitch[layer]) for layer in LAYERS}
        by_dataset[name]["conv3"] |= _closer(seen["conv3"], dataset, extent)
    return by_dataset


def datasets(extent: Extent) -> dict[str, Dataset]:
    """The data sets with one object to be located, by name."""
    planted = {f"block {size}": block(size, extent.states) for size in extent.sizes}
    return planted | {game: game_dataset(game, extent.states) for game in extent.games}


def _layer(seen: Tensor, dataset: Dataset, pitch: int) -> Numbers:
    readout = Readout.of(seen, dataset.parts)
    return asdict(measures.location(readout, dataset.parts, dataset.positions, pitch))


def _closer(seen: Tensor, dataset: Dataset, extent: Extent) -> Numbers:
    """More about one layer: error by training states and by place, shuffled labels, code length,
    what can be drawn from it, and where it takes the object to be in a few states."""
    parts, positions = dataset.parts, dataset.positions
    readout = Readout.of(seen, parts)
    read = readout.predict(positions[parts.train], positions[parts.valid])
    truth = positions[parts.test]
    kernel = Readout.by_distance(seen, parts)
    bent = kernel.predict(positions[parts.train], positions[parts.valid])
    return {
        "shuffled": shuffled(readout, parts, positions),
        "kernel": float(np.median(np.linalg.norm(bent - truth, axis=1))),
        "by_states": measures.errors_by_states(readout, parts, positions, extent.steps),
        "by_place": measures.errors_by_place(read, truth, SIDE),
        "bits": measures.code_length(readout, parts, positions, extent.steps),
        "decoding": decoding(readout, parts, dataset.states, positions, dataset.radius),
        "read": read[:PICTURES].tolist(),
    }


def shuffled(readout: Readout, parts: Split, positions: Floats) -> float:
    """Median error (pixels) of a readout fitted to positions of other states: chance."""
    rng = np.random.default_rng(0)
    train = rng.permutation(positions[parts.train])
    read = readout.predict(train, rng.permutation(positions[parts.valid]))
    return float(np.median(np.linalg.norm(read - positions[parts.test], axis=1)))


def patterns(network: QNetwork, extent: Extent) -> Numbers:
    """Presence of a block among rings by its size, and the number of rectangles, by layer."""
    here = {}
    for size in extent.sizes:
        planted = presence(size, extent.states)
        seen = features(network, planted.states)
        here[f"block {size}"] = {layer: _presence(seen[layer], planted) for layer in LAYERS}
    return {"presence": here, "count": counts(network, extent)}


def counts(network: QNetwork, extent: Extent) -> dict[str, Numbers]:
    """How many rectangles there are, read from every layer."""
    planted = several(extent.states)
    seen = features(network, planted.states)
    return {layer: _count(seen[layer], planted) for layer in LAYERS}


def _presence(seen: Tensor, planted: Planted) -> float:
    parts = split(np.arange(len(seen)))  # states are each an episode of their own
    return measures.presence(Readout.of(seen, parts), parts, planted.present)


def _count(seen: Tensor, planted: Planted) -> Numbers:
    parts = split(np.arange(len(seen)))
    readout = Readout.of(seen, parts)
    return asdict(measures.count(readout, parts, planted.counts, planted.nearest))


def controls(extent: Extent) -> Numbers:
    """The same from the pixels of the newest frame instead of any network's features."""
    located, planted = {}, several(extent.states)
    for name, dataset in datasets(extent).items():
        seen, parts = pixels(dataset.states), dataset.parts
        chance = shuffled(Readout.of(seen, parts), parts, dataset.positions)
        located[name] = _layer(seen, dataset, _PIXEL_PITCH) | {"shuffled": chance}
    shown = {f"block {size}": presence(size, extent.states) for size in extent.sizes}
    return {
        "location": located,
        "presence": {name: _presence(pixels(some.states), some) for name, some in shown.items()},
        "count": _count(pixels(planted.states), planted),
    }


def measure_agent(agent: Path, extent: Extent, own: str | None = None) -> Numbers:
    """The profile of the trained agent in a checkpoint's folder; `own` names a `module:Class` whose
    code may run. Raises UnknownNetwork for a network whose layers are not known."""
    network, config, state = load_network(agent, own)
    known, game = matchable(network), config.emulators.game
    run = {"game": game, "seed": config.seed, "steps": state.steps}
    return {"run": run} | whole(known, extent) | agent_profile(known, game, extent.states)

"""Where a network takes the main object of a game to be, read from what it sees on every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from agent.networks import QNetwork
from envs.emulators import FRAME_SHAPE
from envs.episode_file import EpisodeHeader
from envs.labels import labels_of
from envs.trace import EpisodeTrace, resimulate
from harness.errors import UserError
from harness.evaluation.agents import load_network
from harness.players.second_network import States, stacks
from harness.probes.datasets import Dataset
from harness.probes.features import features
from harness.probes.games import game_dataset
from harness.probes.readout import LinearMap
from replay.ring import STACK_SIZE

STATES = 2_400
"""States with the object put at random places: 5/8 to fit the readout, 1/8 to choose its penalty,
2/8 to tell its error (count)."""
LAYER = "conv3"
COMPARED = 32
"""States of which Q-values are compared to find the network that played an episode (count)."""

Block = Literal["place", "other-place"]
"""Whose places: the agent's that played, the second network's."""


@dataclass(frozen=True)
class Locator:
    """A network and the linear readout of its last convolution."""

    block: Block
    network: QNetwork
    readout: LinearMap
    object: str
    error: float
    """Median distance from the true place on states that it was not fitted to (pixels of 84x84)."""
    guess: float
    """The same of the mean place of the states that it was fitted to."""

    def places(self, states: States) -> npt.NDArray[np.float32]:
        """float32 [B, 2] (x, y) of states uint8 [B, 4, 84, 84]: the middle of the object on the
        newest frame, in pixels of it, (0, 0) being the middle of the upper left one."""
        return self.readout(features(self.network, states, [LAYER])[LAYER]).astype(np.float32)


def locator(block: Block, network: nn.Module, game: str) -> Locator:
    """The locator of a network that plays `game`. Raises NoLabels for a game whose objects are
    not known, and UserError for a network without maps to read."""
    name = labels_of(game).main
    if not isinstance(network, QNetwork):
        raise UserError("--locate reads the networks of the table, not one of your own")
    return fitted(block, network, name, game_dataset(game, STATES))


def fitted(block: Block, network: QNetwork, name: str, dataset: Dataset) -> Locator:
    """The locator of the object called `name`, from a world's states."""
    parts, positions = dataset.parts, dataset.positions
    seen = features(network, dataset.states, [LAYER])[LAYER]
    readout = LinearMap.of(seen, parts, positions)
    truth = positions[parts.test]
    off = readout(seen[parts.test]) - truth
    middle = positions[parts.train].mean(0) - truth
    error, guess = (float(np.median(np.linalg.norm(far, axis=1))) for far in (off, middle))
    return Locator(block, network, readout, name, error, guess)


def describe(locators: Sequence[Locator]) -> dict[str, Any] | None:
    """What the page says of its marks; None where it has none."""
    if not locators:
        return None
    return {
        "object": locators[0].object,
        "guess": locators[0].guess,
        "tested": f"Errors are medians in pixels of 84x84 over a quarter of {STATES:,} states of "
        "random play with the object put anywhere, which the readout was not fitted to. There is "
        f"no mark while the game draws no {locators[0].object}.",
        "networks": [{"block": one.block, "error": one.error} for one in locators],
    }


def own_network(file: Path, header: EpisodeHeader, trace: EpisodeTrace) -> nn.Module | None:
    """The network that played the episode recorded in `file`, where its checkpoint is found: in
    the run that the file lies in, or under the agent's name here or in checkpoints/. It is the one
    whose Q-values are those of the recording; a run's best/ may be a later network by now."""
    if not trace.q_values.shape[1]:
        return None
    opening = _opening(trace)
    folders = [file.resolve().parent.parent]
    if header.agent is not None:
        folders += [Path(header.agent), "checkpoints" / Path(header.agent)]
    for folder in folders:
        for place in (folder / "best", folder / "last", folder):
            try:
                network, config, _ = load_network(place)
            except (UserError, OSError):  # the agent's name is a stranger's: any path at all
                continue
            network.requires_grad_(False).eval()
            of_game = config.emulators.game == header.protocol.game
            if of_game and _played(network, header, trace, opening):
                return network
    return None


def _opening(trace: EpisodeTrace) -> States:
    """The first states of an episode, at most COMPARED."""
    seen = [moment.frame for moment in islice(resimulate(trace), min(COMPARED, len(trace)))]
    blank = np.zeros((STACK_SIZE - 1, *FRAME_SHAPE), np.uint8)
    return stacks(np.concatenate([blank, np.stack(seen)]))


def _played(
    network: nn.Module, header: EpisodeHeader, trace: EpisodeTrace, opening: States
) -> bool:
    """Whether the recording's first Q-values are the network's, but for their rounding."""
    recorded = trace.q_values[: len(opening)]
    with torch.inference_mode():
        found = network(torch.from_numpy(opening))
    if found.shape != recorded.shape:
        return False
    # Evaluations in training may have been computed in bf16, which has three digits.
    most = header.top_step + header.gap_step + 0.02 * float(np.abs(recorded).max())
    return float(np.abs(found.float().numpy() - recorded).max()) <= most

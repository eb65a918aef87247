"""Where a network takes the main object of a game to be, read from its features at every step."""

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
"""States with the object at random places (count): 5/8 fit the readout, 1/8 choose its penalty,
2/8 measure its error."""
LAYER = "conv3"
COMPARED = 32
"""States (count) whose Q-values identify the network that played an episode."""

Block = Literal["place", "other-place"]
"""Whose places: those of the agent that played, or of the second network."""


@dataclass(frozen=True)
class Locator:
    """A network and the linear readout of its last convolution."""

    block: Block
    network: QNetwork
    readout: LinearMap
    object: str
    error: float
    """Median distance from the true place on the test states (pixels of 84x84)."""
    guess: float
    """The same distance where the mean place of the training states is the answer."""

    def places(self, states: States) -> npt.NDArray[np.float32]:
        """float32 [B, 2] (x, y) of states uint8 [B, 4, 84, 84]: the centre of the object in the
        newest frame (pixels of 84x84); (0, 0) is the centre of the upper left pixel."""
        return self.readout(features(self.network, states, [LAYER])[LAYER]).astype(np.float32)


def locator(block: Block, network: nn.Module, game: str) -> Locator:
    """The locator of a network that plays `game`. Raises NoLabels for a game without labelled
    objects, and UserError for a network that is not in the table."""
    name = labels_of(game).main
    if not isinstance(network, QNetwork):
        raise UserError("--locate reads the networks of the table, not one of your own")
    return fitted(block, network, name, game_dataset(game, STATES))


def fitted(block: Block, network: QNetwork, name: str, dataset: Dataset) -> Locator:
    """The locator of the object called `name`, fitted to a dataset."""
    parts, positions = dataset.parts, dataset.positions
    activations = features(network, dataset.states, [LAYER])[LAYER]
    readout = LinearMap.of(activations, parts, positions)
    answers = (readout(activations[parts.test]), positions[parts.train].mean(0))
    distances = (np.linalg.norm(answer - positions[parts.test], axis=1) for answer in answers)
    error, guess = (float(np.median(distance)) for distance in distances)
    return Locator(block, network, readout, name, error, guess)


def describe(locators: Sequence[Locator]) -> dict[str, Any] | None:
    """What the page tells about its marks; None where it has none."""
    if not locators:
        return None
    return {
        "object": locators[0].object,
        "guess": locators[0].guess,
        "tested": f"Errors are medians in pixels of 84x84 over a quarter of {STATES:,} states of "
        "random play with the object put anywhere, which the readout was not fitted to. There is "
        f"no mark while the game draws no {locators[0].object}.",
        "networks": [{"block": each.block, "error": each.error} for each in locators],
    }


def own_network(file: Path, header: EpisodeHeader, trace: EpisodeTrace) -> nn.Module | None:
    """The network that played the episode recorded in `file`; None where it is not here.

    Looks in the run that holds the file, and for the agent's name here and in checkpoints/. The
    network must have the Q-values of the recording: a run's best/ may be a later network by now.
    """
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
            except (UserError, OSError):  # the agent's name comes from the file: it may be any path
                continue
            network.requires_grad_(False).eval()
            of_game = config.emulators.game == header.protocol.game
            if of_game and _played(network, header, trace, opening):
                return network
    return None


def _opening(trace: EpisodeTrace) -> States:
    """The first states of an episode, at most COMPARED."""
    blank = np.zeros((STACK_SIZE - 1, *FRAME_SHAPE), np.uint8)
    moments = islice(resimulate(trace), min(COMPARED, len(trace)))
    return stacks(np.stack([*blank, *(moment.frame for moment in moments)]))


def _played(
    network: nn.Module, header: EpisodeHeader, trace: EpisodeTrace, opening: States
) -> bool:
    """Whether the first recorded Q-values are the network's, up to rounding."""
    recorded = trace.q_values[: len(opening)]
    with torch.inference_mode():
        q_values = network(torch.from_numpy(opening)).float().numpy()
    if q_values.shape != recorded.shape:
        return False
    # Evaluations in training may have been computed in bf16, which has three digits.
    most = header.top_step + header.gap_step + 0.02 * float(np.abs(recorded).max())
    return float(np.abs(q_values - recorded).max()) <= most

"""The trained agent whose weights a new run begins with."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from envs.games import game_title
from harness.errors import UserError
from harness.evaluation.agents import load_network, read_settings
from harness.run.checkpoint import read_state, read_tensors, read_whole
from harness.run.config import RunConfig
from harness.run.folder import Origin

Weights = dict[str, Tensor]
"""The tensors of a network, by name."""


def find_origin(path: Path, config: RunConfig) -> tuple[Origin, Weights]:
    """The trained agent in a run folder (its best/, else its last/) or a checkpoint folder, for a
    new run with `config`. Its weights are returned, too, since a run that still trains may replace
    them. Raises UserError for an agent that does not fit."""
    if config.learner.scale_match:
        raise UserError("--scale-match is for new weights: leave out either it or --from")
    for trained_with, asked_for in zip(
        _required_options(read_settings(path)), _required_options(config), strict=True
    ):
        if trained_with != asked_for:
            raise UserError(
                f"{path} was trained with {trained_with}, not {asked_for}: add {trained_with}"
            )
    name = config.learner.network
    folder, loaded = read_whole(path, lambda folder: (folder, load_network(folder, name)))
    network, _, state = loaded
    origin = Origin(str(folder.resolve()), state.steps, state.sha256["network"])
    return origin, network.state_dict()


def _required_options(config: RunConfig) -> tuple[str, ...]:
    """The options of train.py that must be the same for the weights to have the same meaning."""
    protocol = config.emulators
    return (
        f"--game {game_title(protocol.game)}",
        f"--{'' if protocol.full_action_space else 'no-'}full-action-space",
        f"--network {config.learner.network}",
    )


def first_weights(origin: Origin) -> Weights:
    """The weights that a run begins with. Raises UserError when its origin's checkpoint is gone or
    has other weights now."""
    folder = Path(origin.checkpoint)
    if not folder.is_dir() or (state := read_state(folder)).sha256["network"] != origin.sha256:
        raise UserError(
            f"the weights that this run begins with are no longer in {folder}: start a new run"
        )
    return read_tensors(folder, "network", state)

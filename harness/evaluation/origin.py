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
    run with this config, and its weights, which a run that still trains may soon replace. Raises
    UserError for one that does not fit."""
    if config.learner.scale_match:
        raise UserError("--scale-match is for weights that are drawn: leave it or --from out")
    for there, here in zip(_must_fit(read_settings(path)), _must_fit(config), strict=True):
        if there != here:
            raise UserError(f"{path} was trained with {there}, not {here}: add {there}")
    name = config.learner.network
    folder, found = read_whole(path, lambda folder: (folder, load_network(folder, name)))
    network, _, state = found
    origin = Origin(str(folder.resolve()), state.steps, state.sha256["network"])
    return origin, network.state_dict()


def _must_fit(config: RunConfig) -> tuple[str, ...]:
    """The options of train.py that decide what weights mean."""
    protocol = config.emulators
    return (
        f"--game {game_title(protocol.game)}",
        f"--{'' if protocol.full_action_space else 'no-'}full-action-space",
        f"--network {config.learner.network}",
    )


def first_weights(origin: Origin) -> Weights:
    """The weights that a run begins with. Raises UserError where they are no longer those that it
    was given."""
    folder = Path(origin.checkpoint)
    if not folder.is_dir() or (state := read_state(folder)).sha256["network"] != origin.sha256:
        raise UserError(
            f"the weights that this run begins with are no longer in {folder}: start a new run"
        )
    return read_tensors(folder, "network", state)

"""Trained agents, loaded from a run or a checkpoint, ready to play."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from agent.networks import make_network
from harness.checkpoint import CheckpointState, find_checkpoint, read_state, read_tensors
from harness.config import RunConfig, unflatten
from harness.errors import UserError
from harness.play import Policy


@dataclass(frozen=True)
class Agent:
    """A policy and the settings it was trained with."""

    q_values: Policy
    """float32 [B, A] of states uint8 [B, 4, 84, 84]."""
    config: RunConfig
    name: str
    """What tables call it: the checkpoint's folder, or `random`."""
    state: CheckpointState | None
    """What the checkpoint says of itself; None for an agent that was not trained."""


def load_agent(path: Path, device: torch.device) -> Agent:
    """The agent in a run folder (its best/, else its last/) or a checkpoint folder.

    Raises UserError with one clear line when there is none or it cannot be used.
    """
    folder = find_checkpoint(path)
    state = read_state(folder)
    try:
        config = unflatten(state.settings)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / 'state.json'}: {error}") from None
    network = make_network(config.learner.network, state.num_actions)
    try:
        network.load_state_dict(read_tensors(folder, "network"))
    except RuntimeError:
        raise UserError(
            f"{folder / 'network.safetensors'} does not fit network {config.learner.network!r}"
            f" with {state.num_actions} actions"
        ) from None
    return Agent(_greedy_values(network.to(device), device), config, str(folder), state)


def _greedy_values(network: nn.Module, device: torch.device) -> Policy:
    network.requires_grad_(False)

    def q_values(states: Tensor) -> Tensor:
        values: Tensor = network(states.to(device))
        return values.float()

    return q_values

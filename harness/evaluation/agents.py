"""Agents that play: trained ones, loaded from a run or a checkpoint, and random play."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from agent.core_pool import CorePool
from agent.errors import UnknownNetwork
from agent.networks import INPUT_SHAPE, is_user_network, make_network
from agent.precision import ComputeNetwork
from envs.emulators import EmulatorConfig, Emulators
from envs.games import game_title
from harness.errors import UserError
from harness.evaluation.play import Policy
from harness.run.checkpoint import (
    CheckpointState,
    find_checkpoint,
    read_state,
    read_tensors,
    read_whole,
)
from harness.run.config import RunConfig, unflatten
from harness.run.folder import read_run
from harness.run.hardware import allocate_cores


@dataclass(frozen=True)
class Agent:
    """A policy and the settings it was trained with."""

    q_values: Policy
    """Q-values float32 [B, A] of states uint8 [B, 4, 84, 84], always computed in fp32. For an agent
    of `load_agent`, states may also be a numpy array, or a single state [4, 84, 84], which gives
    [A]. It raises ValueError for other shapes and dtypes."""
    config: RunConfig
    """Settings of the run it was trained in."""
    name: str
    """Its name in tables: the checkpoint's folder, or `random`."""
    state: CheckpointState | None
    """Content of the checkpoint's state.json; None for an agent that was not trained."""


def load_agent(
    path: Path | str, device: torch.device | str = "cpu", network: str | None = None
) -> Agent:
    """The agent in a run folder (its best/, else its last/) or a checkpoint folder.

    With `network` its weights play in that network instead of the one they were trained in, which
    works for networks whose weights have the same shapes. A user's own `module:Class` is code, so
    it runs only when `network` names it, never because a file does.
    Raises UserError when there is no agent or it cannot be used.
    """
    path, device = Path(path).expanduser(), torch.device(device)
    folder = find_checkpoint(path)
    model, config, state = load_network(path, network)
    replaced = network not in (None, config.learner.network)
    # `best` alone, typed inside a run's folder, would not say which run's it is.
    shown_path = folder if len(folder.parts) > 1 else Path(*folder.resolve().parts[-2:])
    name = f"{shown_path} as {network}" if replaced else str(shown_path)
    return Agent(_greedy_values(model.to(device), device), config, name, state)


def load_network(
    path: Path, network: str | None = None
) -> tuple[nn.Module, RunConfig, CheckpointState]:
    """The network that `load_agent` plays with, its run's settings and its checkpoint's state.
    Raises UserError."""
    return read_whole(path, partial(_load, network=network))


def _load(folder: Path, network: str | None) -> tuple[nn.Module, RunConfig, CheckpointState]:
    state = read_state(folder)
    config = _settings(folder, state)
    game_actions = num_actions(config.emulators)
    if state.num_actions != game_actions:
        raise UserError(
            f"{folder} has {state.num_actions} actions and {game_title(config.emulators.game)} "
            f"has {game_actions}: its state.json is not that of its training"
        )
    if network is None:
        refuse_foreign_code(config.learner.network, None, folder)
    name = network or config.learner.network
    try:
        model = make_network(name, state.num_actions)
    except UnknownNetwork as error:
        source = folder / "state.json" if network is None else "--network"
        raise UserError(f"{source}: {error}") from None
    try:
        model.load_state_dict(read_tensors(folder, "network", state))
    except RuntimeError:
        raise UserError(
            f"{folder / 'network.safetensors'} does not fit network {name!r}"
            f" with {state.num_actions} actions"
        ) from None
    return model, config, state


def refuse_foreign_code(name: str, allowed: str | None, folder: Path) -> None:
    """Raise UserError when the network `name` of `folder` is a `module:Class` and not the one that
    the user `allowed`."""
    if is_user_network(name) and name != allowed:
        raise UserError(
            f"{folder} was trained with the network {name}, which is code of its own: "
            f"if you trust it, name it with --network {name}"
        )


def random_agent(config: RunConfig) -> Agent:
    """Uniformly random play under a run's protocol: all Q-values are 0, epsilon is 1."""
    actions = num_actions(config.emulators)
    exploration = replace(config.exploration, eval_epsilon=1.0)
    return Agent(
        lambda states: torch.zeros(len(states), actions),
        replace(config, exploration=exploration),
        "random",
        None,
    )


def read_settings(path: Path) -> RunConfig:
    """The settings of a run folder, even without a checkpoint, or of a checkpoint folder. Raises
    UserError."""
    if (path / "config.json").is_file():
        return read_run(path).config
    return read_whole(path, lambda folder: _settings(folder, read_state(folder)))


def num_actions(protocol: EmulatorConfig) -> int:
    """Number of actions of a game under a protocol (count)."""
    with closing(Emulators(replace(protocol, num_envs=1), num_threads=1)) as emulators:
        return emulators.num_actions


def _settings(folder: Path, state: CheckpointState) -> RunConfig:
    try:
        return unflatten(state.settings)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / 'state.json'}: {error}") from None


def _greedy_values(network: nn.Module, device: torch.device) -> Policy:
    network.requires_grad_(False).eval()
    compute_network = ComputeNetwork(network, "fp32", CorePool(allocate_cores(device, 1).shards))

    def q_values(states: Tensor | npt.NDArray[np.uint8]) -> Tensor:
        states = torch.as_tensor(states)
        if states.dtype != torch.uint8 or states.shape[-3:] != INPUT_SHAPE or states.ndim > 4:
            dtype = str(states.dtype).removeprefix("torch.")
            raise ValueError(
                "states must be uint8 [B, 4, 84, 84], grey from 0 to 255, the newest frame last, "
                f"not {dtype} {list(states.shape)}"
            )
        values = compute_network(states.reshape(-1, *INPUT_SHAPE).to(device))
        return values if states.ndim == 4 else values[0]

    return q_values

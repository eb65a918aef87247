"""Agents ready to play: trained ones, loaded from a run or a checkpoint, and random play."""

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
from agent.networks import INPUT_SHAPE, is_own, make_network
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
    """float32 [B, A] of states uint8 [B, 4, 84, 84], computed in fp32 whatever it trained in.
    One of `load_agent` takes arrays of numpy, too, and one state [4, 84, 84], whose values are
    [A]; it raises ValueError for anything else."""
    config: RunConfig
    name: str
    """What tables call it: the checkpoint's folder, or `random`."""
    state: CheckpointState | None
    """What the checkpoint says of itself; None for an agent that was not trained."""


def load_agent(
    path: Path | str, device: torch.device | str = "cpu", network: str | None = None
) -> Agent:
    """The agent in a run folder (its best/, else its last/) or a checkpoint folder.

    With `network` its weights play in that network instead of the one they were trained in: other
    ways of downsampling have the same shapes. Somebody's own `module:Class` is code, and loading
    must not run code that a file names: it is made only when `network` names it.
    Raises UserError with one clear line when there is no agent or it cannot be used.
    """
    path, device = Path(path).expanduser(), torch.device(device)
    folder = find_checkpoint(path)
    loaded, config, state = load_network(path, network)
    swapped = network not in (None, config.learner.network)
    # `best` alone, seen from within the run, is that of any run.
    whole = folder if len(folder.parts) > 1 else Path(*folder.resolve().parts[-2:])
    name = f"{whole} as {network}" if swapped else str(whole)
    return Agent(_greedy_values(loaded.to(device), device), config, name, state)


def load_network(
    path: Path, network: str | None = None
) -> tuple[nn.Module, RunConfig, CheckpointState]:
    """The network in a run or checkpoint folder as `load_agent` finds it, with its settings."""
    return read_whole(path, partial(_load, network=network))


def _load(folder: Path, network: str | None) -> tuple[nn.Module, RunConfig, CheckpointState]:
    state = read_state(folder)
    config = _settings(folder, state)
    offered = num_actions(config.emulators)
    if state.num_actions != offered:
        raise UserError(
            f"{folder} has {state.num_actions} actions and {game_title(config.emulators.game)} "
            f"has {offered}: its state.json is not that of its training"
        )
    if network is None:
        refuse_foreign_code(config.learner.network, None, folder)
    name = network or config.learner.network
    try:
        made = make_network(name, state.num_actions)
    except UnknownNetwork as error:
        whose = folder / "state.json" if network is None else "--network"
        raise UserError(f"{whose}: {error}") from None
    try:
        made.load_state_dict(read_tensors(folder, "network", state))
    except RuntimeError:
        raise UserError(
            f"{folder / 'network.safetensors'} does not fit network {name!r}"
            f" with {state.num_actions} actions"
        ) from None
    return made, config, state


def refuse_foreign_code(name: str, named: str | None, folder: Path) -> None:
    """Raise UserError when `folder` asks for a `module:Class` that the user did not name."""
    if is_own(name) and name != named:
        raise UserError(
            f"{folder} was trained with the network {name}, which is code of its own: "
            f"if you trust it, name it with --network {name}"
        )


def random_agent(config: RunConfig) -> Agent:
    """Uniformly random play under a run's protocol: no preference, and an epsilon of 1."""
    actions = num_actions(config.emulators)
    exploration = replace(config.exploration, eval_epsilon=1.0)
    return Agent(
        lambda states: torch.zeros(len(states), actions),
        replace(config, exploration=exploration),
        "random",
        None,
    )


def read_settings(path: Path) -> RunConfig:
    """The settings of a run, which need not have a checkpoint yet, or of a checkpoint folder.
    Raises UserError."""
    if (path / "config.json").is_file():
        return read_run(path).config
    return read_whole(path, lambda folder: _settings(folder, read_state(folder)))


def num_actions(protocol: EmulatorConfig) -> int:
    """Actions that a game offers under a protocol (count)."""
    with closing(Emulators(replace(protocol, num_envs=1), num_threads=1)) as emulators:
        return emulators.num_actions


def _settings(folder: Path, state: CheckpointState) -> RunConfig:
    try:
        return unflatten(state.settings)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / 'state.json'}: {error}") from None


def _greedy_values(network: nn.Module, device: torch.device) -> Policy:
    network.requires_grad_(False).eval()
    working = ComputeNetwork(network, "fp32", CorePool(allocate_cores(device, 1).shards))

    def q_values(states: Tensor | npt.NDArray[np.uint8]) -> Tensor:
        states = torch.as_tensor(states)
        if states.dtype != torch.uint8 or states.shape[-3:] != INPUT_SHAPE or states.ndim > 4:
            kind = str(states.dtype).removeprefix("torch.")
            raise ValueError(
                "states must be uint8 [B, 4, 84, 84], grey from 0 to 255, the newest frame last, "
                f"not {kind} {list(states.shape)}"
            )
        values = working(states.reshape(-1, *INPUT_SHAPE).to(device))
        return values if states.ndim == 4 else values[0]

    return q_values

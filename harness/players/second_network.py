"""Q-values of another network in the states of an episode, and which pixels move them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from envs.emulators import EmulatorConfig
from envs.games import game_title
from harness.errors import UserError
from harness.evaluation.agents import load_network
from harness.run.checkpoint import find_checkpoint

SHADES = 16
"""Levels of an attention picture: two pixels fit in a byte."""
FAINTEST = 3
"""Levels below this become 0. Most pixels have a little attention, which nobody would see but which
would double the size of the page."""

States = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SecondNetwork:
    """A trained network besides the one that played. It runs on the CPU."""

    name: str
    """The checkpoint's folder."""
    network: nn.Module

    def q_values(self, states: States) -> npt.NDArray[np.float32]:
        """float32 [B, A] of states uint8 [B, 4, 84, 84]."""
        with torch.inference_mode():
            values: npt.NDArray[np.float32] = self.network(torch.from_numpy(states)).float().numpy()
        return values

    def attention(self, states: States) -> npt.NDArray[np.uint8]:
        """How much each pixel moves the largest Q-value of states uint8 [B, 4, 84, 84].

        The sum over the four frames of |d max Q / d pixel| (Simonyan et al., "Deep Inside
        Convolutional Networks", 2014, section 3), divided by its largest value of the state and
        rounded to SHADES levels, 0 below FAINTEST: uint8 [B, 84, 84] from 0 to 15. A black pixel
        has a gradient too: what the value would gain if something appeared there.
        """
        pixels = torch.from_numpy(states).float().requires_grad_()
        largest: Tensor = self.network(pixels).max(1).values.sum()
        (gradient,) = torch.autograd.grad(largest, pixels)
        strength = gradient.abs().sum(1)
        most = strength.amax((1, 2), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
        shades = (strength / most * (SHADES - 1)).round().to(torch.uint8)
        levels: npt.NDArray[np.uint8] = torch.where(shades < FAINTEST, 0, shades).numpy()
        return levels


def second_network(run: Path, protocol: EmulatorConfig) -> SecondNetwork:
    """The network of a run or checkpoint folder, for an episode played under `protocol`.

    Raises UserError where there is none, or where it plays another game or has other actions.
    """
    folder = find_checkpoint(run)
    network, config, _ = load_network(run)
    trained = config.emulators
    if trained.game != protocol.game:
        raise UserError(
            f"{folder} plays {game_title(trained.game)}, the episode is one of "
            f"{game_title(protocol.game)}"
        )
    if trained.full_action_space != protocol.full_action_space:
        raise UserError(f"{folder} has other actions to choose from than the episode")
    return SecondNetwork(str(folder), network.requires_grad_(False).eval())


def stacks(seen: npt.NDArray[np.uint8]) -> States:
    """The B states uint8 [B, 4, 84, 84] that end with the last B of frames uint8 [3 + B, 84, 84],
    oldest first."""
    windows = np.lib.stride_tricks.sliding_window_view(seen, 4, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 3, 1, 2))


def packed(shades: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Attention [B, 84, 84] from 0 to 15 as bytes [B, 84, 42]: the left one of two
    pixels in the high bits."""
    return (shades[..., ::2] * SHADES + shades[..., 1::2]).astype(np.uint8)

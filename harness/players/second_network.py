"""What another network makes of the states of an episode, and which pixels move it."""

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
"""Levels below this count as none: most pixels have a little of it, which would not be seen but
double the size of the page."""

States = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SecondNetwork:
    """A trained network that looks on. It runs on the CPU, a chunk of the episode at a time."""

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
        has a gradient too: it is what the value would gain if something appeared there.
        """
        pixels = torch.from_numpy(states).float().requires_grad_()
        largest: Tensor = self.network(pixels).max(1).values.sum()
        (gradient,) = torch.autograd.grad(largest, pixels)
        strength = gradient.abs().sum(1)
        most = strength.amax((1, 2), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
        shades = (strength / most * (SHADES - 1)).round().to(torch.uint8)
        found: npt.NDArray[np.uint8] = torch.where(shades < FAINTEST, 0, shades).numpy()
        return found


def second_network(run: Path, protocol: EmulatorConfig) -> SecondNetwork:
    """The agent of a run or checkpoint folder on an episode played under `protocol`.

    Raises UserError when there is none, or when it plays another game or has other actions.
    """
    folder = find_checkpoint(run)
    network, config, _ = load_network(run)
    theirs = config.emulators
    if theirs.game != protocol.game:
        raise UserError(
            f"{folder} plays {game_title(theirs.game)}, the episode is one of "
            f"{game_title(protocol.game)}"
        )
    if theirs.full_action_space != protocol.full_action_space:
        raise UserError(f"{folder} has other actions to choose from than the episode")
    return SecondNetwork(str(folder), network.requires_grad_(False).eval())


def stacks(seen: npt.NDArray[np.uint8]) -> States:
    """Frames uint8 [3 + B, 84, 84] in the order of time as the B states that end with the last B
    of them, uint8 [B, 4, 84, 84]."""
    windows = np.lib.stride_tricks.sliding_window_view(seen, 4, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 3, 1, 2))


def packed(shades: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Attention pictures [B, 84, 84] of 4 bits as bytes [B, 84, 42], the left pixel of two high."""
    return (shades[..., ::2] * SHADES + shades[..., 1::2]).astype(np.uint8)

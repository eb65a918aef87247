"""When an evaluation is also drawn, in pictures and histograms, and what of the network is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import nn

from harness.config import RunConfig

SPACING = 50_000
"""At most one evaluation in so many steps is drawn: the curves of long runs stay small."""
MOST_LAYERS = 12
"""Of a network with more layers the first ones are drawn."""


def is_drawn(config: RunConfig, steps: int) -> bool:
    """Whether the evaluation at so many steps is drawn: the first of all, the first in every
    SPACING steps, and the one at the run's end. A function of the run, not of what was drawn."""
    number = steps // config.eval_every
    if steps >= config.steps or number <= 1:
        return True
    due, before = number * config.eval_every, (number - 1) * config.eval_every
    return due // SPACING > before // SPACING


def weights(network: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Weights of each layer by its name, biases left out."""
    named = [(name, value) for name, value in network.named_parameters() if value.dim() > 1]
    return {
        name.removesuffix(".weight"): value.detach().float().cpu().numpy()
        for name, value in named[:MOST_LAYERS]
    }

"""States of uniformly random play."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from envs.emulators import EmulatorConfig, Emulators
from replay.ring import STACK_SIZE, Ring

_SIDE_BY_SIDE = 8
_STEPS_BETWEEN = 16
"""Steps between two states of one emulator: consecutive states hardly differ."""


def random_states(protocol: EmulatorConfig, seed: int, count: int) -> Tensor:
    """States uint8 [count, 4, 84, 84] of uniformly random play under a protocol. They depend on the
    seed, not on `protocol.num_envs`."""
    rng = np.random.default_rng(seed)
    seeds = rng.integers(2**31, size=_SIDE_BY_SIDE)
    states: list[Tensor] = []
    with closing(Emulators(replace(protocol, num_envs=_SIDE_BY_SIDE), 1)) as emulators:
        ring = Ring(STACK_SIZE + 1, _SIDE_BY_SIDE, "cpu")
        ring.start(torch.from_numpy(emulators.reset(seeds)))
        none_ended = torch.zeros(_SIDE_BY_SIDE, dtype=torch.bool)
        while len(states) * _SIDE_BY_SIDE < count:
            for _ in range(_STEPS_BETWEEN):
                actions = rng.integers(emulators.num_actions, size=_SIDE_BY_SIDE)
                emulators.send(actions)
                step = emulators.recv()
                ring.add(
                    torch.from_numpy(actions),
                    torch.from_numpy(step.rewards),
                    terminal=none_ended,
                    void=none_ended,
                    frames=torch.from_numpy(step.frames),
                    first=torch.from_numpy(step.first),
                )
            states.append(ring.latest().clone())
    return torch.cat(states)[:count]

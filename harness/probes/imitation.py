"""Networks that learn, while they play, to do what a scripted expert would do.

Dataset aggregation (Ross, Gordon & Bagnell 2011, 1011.0686): the network plays, the expert names
the action for every state that comes up, and the network learns from all of them. Nothing is
explored and nothing is bootstrapped. So what is left of a network's score is what it can see.

    2,000 states of the expert, half of its actions random | the network plays and learns
    every 8 steps, one in each of 8 games: one update with a batch of 32 of all states so far
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from agent.precision import resolve_precision
from envs.experts import EXPERTS
from envs.watched import WatchedGame
from harness.probes.training import fresh
from replay.ring import STACK_SIZE

STEPS = {"Pong": 24_000, "Breakout": 16_000, "Asterix": 16_000}
"""Steps that a network plays, over all games at once. Those of the first quarter do not count."""
GAMES = 8
"""Played side by side (count)."""
WARM_UP = 2_000
"""States of the expert before the network plays (count)."""
EPSILON = 0.02
"""Share of random actions, of networks and experts."""
_BATCH = 32
_REFERENCE_SEED = 1_000_000
Actor = Callable[[list[WatchedGame]], npt.NDArray[np.int64]]
"""The actions of the games."""


@dataclass(frozen=True)
class Imitation:
    """How well a network played."""

    points: float
    """Points for 1,000 steps, over the last three quarters of all steps."""
    agreement: float
    """Share of these steps in which the greedy action was the expert's."""


class Games:
    """Games side by side, each begun again when it ends."""

    def __init__(self, game: str, seed: int) -> None:
        self.all = [WatchedGame(game, seed * GAMES + number) for number in range(GAMES)]
        self._names = [action.name for action in self.all[0].actions]
        self._expert = EXPERTS[game]
        self._rng = np.random.default_rng(seed)

    @property
    def count(self) -> int:
        """Actions of the game."""
        return len(self._names)

    def stacks(self) -> npt.NDArray[np.uint8]:
        """[GAMES, 4, 84, 84]."""
        return np.stack([game.stack for game in self.all])

    def advised(self) -> npt.NDArray[np.int64]:
        """The expert's actions [GAMES]."""
        memories = ((game.memory, game.memory_before) for game in self.all)
        names = [self._expert(now.astype(int), before.astype(int)) for now, before in memories]
        return np.array([self._names.index(name) for name in names])

    def step(self, actions: npt.NDArray[np.int64], epsilon: float) -> int:
        """Play actions [GAMES], some of them replaced by random ones; returns the points."""
        chance = self._rng.random(GAMES) < epsilon
        played = np.where(chance, self._rng.integers(self.count, size=GAMES), actions)
        points = 0
        for game, action in zip(self.all, played, strict=True):
            points += game.step(int(action))
            if game.over:
                game.reset()
        return points


def references(game: str, steps: int = 40_000) -> dict[str, float]:
    """Points for 1,000 steps of `random` play and of the `expert`."""
    rates = {}
    for player, epsilon in (("random", 1.0), ("expert", EPSILON)):
        games = Games(game, _REFERENCE_SEED)
        points = sum(games.step(games.advised(), epsilon) for _ in range(steps // GAMES))
        rates[player] = 1000 * points / steps
    return rates


def imitate(game: str, network: str, seed: int, learning_rate: float, steps: int) -> Imitation:
    """Train a network of that name by imitation for `steps` steps, and score it as it plays."""
    games, rng = Games(game, seed), np.random.default_rng(seed)
    states = np.empty((WARM_UP + steps, STACK_SIZE, 84, 84), np.uint8)
    labels = np.empty(WARM_UP + steps, np.int64)
    count = 0

    def remember() -> npt.NDArray[np.int64]:
        nonlocal count
        advised = games.advised()
        states[count : count + GAMES], labels[count : count + GAMES] = games.stacks(), advised
        count += GAMES
        return advised

    while count < WARM_UP:
        games.step(remember(), 0.5)
    learner = fresh(network, games.count, seed, states[: count : count // 64])
    optimizer = torch.optim.Adam(learner.parameters(), learning_rate)
    bf16 = resolve_precision("auto", torch.device("cpu")) == "bf16"
    points, agreed = [], []
    for _ in range(steps // GAMES):
        advised = remember()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            values = learner(torch.from_numpy(states[count - GAMES : count]))
        greedy = values.argmax(1).numpy()
        agreed.append(float((greedy == advised).mean()))
        points.append(games.step(greedy, EPSILON))
        batch = rng.integers(count, size=_BATCH)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            values = learner(torch.from_numpy(states[batch]))
        loss = F.cross_entropy(values.float(), torch.from_numpy(labels[batch]))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 10.0)
        optimizer.step()
    first = len(points) // 4
    rate = 1000 * float(np.mean(points[first:])) / GAMES
    return Imitation(rate, float(np.mean(agreed[first:])))

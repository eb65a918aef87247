"""Learning on a game whose values are known, through the real loop, ring and learner.

Four states, two actions, drawn as one bright block each; gamma is 1/2. Rewards are raw here and
clipped to -1, 0, 1 by the learner. `x` is the end of the game.

    state   action 0        action 1
    0       to 1,   0       to 2, +10
    1       to 2,   0       x,     +3
    2       to 0,   0       to 3,  -4
    3       x,     +50      to 3,   0

By hand: V(3) = max(1, V(3)/2) = 1. V(2) = max(V(0)/2, -1 + 1/2) = V(0)/2 and
V(0) = max(V(1)/2, 1 + V(2)/2) = 1 + V(0)/4 = 4/3, so V(2) = 2/3; V(1) = max(V(2)/2, 1) = 1.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from agent.learner import Learner, LearnerConfig
from envs.emulators import Emulators, Step
from harness.run.config import unflatten
from harness.run.state import Counters
from replay.batch import Batch
from replay.ring import Ring
from support.rehearsal import begun

GAMMA = 0.5
END = -1
GAME = {0: [(1, 0), (2, 10)], 1: [(2, 0), (END, 3)], 2: [(0, 0), (3, -4)], 3: [(END, 50), (3, 0)]}
"""For each state and action: the next state and the raw reward."""
OPTIMAL = np.array([[1 / 2, 4 / 3], [1 / 3, 1], [2 / 3, -1 / 2], [1, 1 / 2]])


def fixed_point(n: int) -> npt.NDArray[np.float64]:
    """Where n-step Q-learning from uniformly random play ends, [4, 2].

    Actions after the first are the random player's, so for n > 1 these are not the optimal
    values (Sutton and Barto 2018, section 7.3).
    """
    q = np.zeros((4, 2))

    def backup(state: int, action: int, steps: int) -> float:
        after, raw = GAME[state][action]
        reward = max(-1.0, min(1.0, raw))
        if after == END:
            return reward
        if steps == 1:
            return reward + GAMMA * max(q[after])
        return reward + GAMMA * (backup(after, 0, steps - 1) + backup(after, 1, steps - 1)) / 2

    for _ in range(60):
        q = np.array([[backup(state, action, n) for action in (0, 1)] for state in GAME])
    return q


def draw(state: int) -> npt.NDArray[np.uint8]:
    """A block for the state; for END, a picture of all blocks that no state has."""
    image = np.zeros((84, 84), np.uint8)
    for shown in GAME if state == END else [state]:
        image[20:60, 20 * shown : 20 * shown + 15] = 255
    return image


class Blocks(nn.Module):
    """One weight for each state and action, from the newest frame."""

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.q = nn.Linear(len(GAME), num_actions, bias=False)
        nn.init.zeros_(self.q.weight)

    def forward(self, states: Tensor) -> Tensor:
        q_values: Tensor = self.q(states[:, -1, 40, 5:84:20].float() / 255)
        return q_values


class Games:
    """`num_envs` of the game above, with the interface and timeline of `Emulators`.

    An episode is cut off after a step with probability `cut_off`; the frame is then stale: END's.
    """

    def __init__(self, num_envs: int, cut_off: float) -> None:
        self.num_envs, self._cut_off = num_envs, cut_off
        self._random = np.random.default_rng(0)
        self._states = [0] * num_envs
        self._over = np.zeros(num_envs, np.bool_)

    def reset(self, seeds: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        return np.stack([draw(0) for _ in seeds])

    def send(self, actions: npt.NDArray[np.int64]) -> None:
        self._actions = actions.tolist()

    def recv(self) -> Step:
        first, rewards = self._over, np.zeros(len(self._over), np.int32)
        for env, state in enumerate(self._states):
            if first[env]:
                self._states[env] = int(self._random.integers(4))
            else:
                self._states[env], rewards[env] = GAME[state][self._actions[env]]
        terminated = np.array([state == END for state in self._states])
        cut = self._random.random(len(first)) < self._cut_off
        truncated = cut & ~terminated & ~first
        self._over = terminated | truncated
        shown = [END if over else s for s, over in zip(self._states, self._over, strict=True)]
        return Step(
            frames=np.stack([draw(state) for state in shown]),
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
            life_lost=np.zeros_like(first),
            first=first,
        )


def learned(rows: int, cut_off: float = 0.0, **settings: Any) -> npt.NDArray[np.float64]:
    """Q [4, 2] after random play in four games, an update for each two steps."""
    default = {
        "num_envs": 4, "network": "test_learning:Blocks", "gamma": GAMMA, "warmup": 200,
        "replay_size": 2000, "batch_size": 32, "update_period": 2, "target_period": 40,
        "epsilon_final": 1.0, "learning_rate": 0.02, "optimizer_epsilon": 1e-4,
    }  # fmt: skip
    config = unflatten(default | settings)
    learner = Learner(config.learner, 2, "cpu")
    counters = Counters(learn_from=config.warmup)
    games = cast(Emulators, Games(4, cut_off))
    ring = Ring(config.replay_rows, 4)
    for _ in islice(begun(config, games, ring, learner, counters), rows):
        pass
    states = torch.from_numpy(np.stack([draw(state) for state in GAME]))
    q_values = learner.q_values(states[:, None].repeat(1, 4, 1, 1))
    return q_values.double().numpy()


def test_the_fixed_point_of_one_step_is_optimal() -> None:
    """The table by hand agrees with value iteration; three steps have another one."""
    assert np.allclose(fixed_point(1), OPTIMAL)
    assert np.abs(fixed_point(3) - OPTIMAL).max() > 0.3


@pytest.mark.parametrize(("double", "loss"), [(False, "huber"), (True, "mse")])
def test_one_step_learning_finds_the_optimal_values(double: bool, loss: str) -> None:
    """Within 0.001, although a tenth of the steps are cut off and show a false frame."""
    q_values = learned(300, cut_off=0.1, double=double, loss=loss)
    assert np.abs(q_values - OPTIMAL).max() < 0.001


def test_rmsprop_finds_them_too() -> None:
    q_values = learned(400, optimizer="rmsprop", optimizer_epsilon=0.01, learning_rate=0.01)
    assert np.abs(q_values - OPTIMAL).max() < 0.05


@pytest.mark.parametrize("double", [False, True])
def test_three_step_learning_finds_its_fixed_point(double: bool) -> None:
    """Within 0.1: the returns are random. Wrong windows are further off: the optimal values by
    up to 0.39."""
    q_values = learned(500, n_step=3, loss="mse", double=double, learning_rate=0.005)
    assert np.abs(q_values - fixed_point(3)).max() < 0.1


def test_raw_rewards_reach_the_learner() -> None:
    """Unclipped: V(3) = 50, V(2) = -4 + 25 = 21, V(0) = 10 + 10.5, V(1) = 10.5."""
    q_values = learned(300, clip_rewards=False, loss="mse", learning_rate=0.5)
    raw = np.array([[5.25, 20.5], [10.5, 3], [10.25, 21], [50, 25]])
    assert np.abs(q_values - raw).max() < 0.01


# The learner by itself.


def batch(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)

    def images() -> Tensor:
        return torch.randint(256, (8, 4, 84, 84), generator=generator, dtype=torch.uint8)

    return Batch(
        states=images(),
        actions=torch.randint(3, (8,), generator=generator),
        rewards=torch.randn(8, 1, generator=generator),
        lengths=torch.ones(8, dtype=torch.int64),
        terminal=torch.rand(8, generator=generator) < 0.3,
        next_states=images(),
    )


def copies(module: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_an_update_moves_the_online_network_alone() -> None:
    learner = Learner(LearnerConfig(), 3, "cpu")
    online, target = copies(learner.online), copies(learner.target)
    assert same(online, target)
    learner.update(batch())
    assert not any(map(torch.equal, online, copies(learner.online)))
    assert same(target, copies(learner.target))


def test_a_copy_is_a_copy() -> None:
    """The target takes the values, and does not follow later updates."""
    learner = Learner(LearnerConfig(), 3, "cpu")
    learner.update(batch())
    learner.copy_to_target()
    copied = copies(learner.target)
    assert same(copied, copies(learner.online))
    learner.update(batch())
    assert same(copied, copies(learner.target))


def test_repeating_a_batch_lowers_its_loss() -> None:
    learner = Learner(LearnerConfig(learning_rate=1e-3), 3, "cpu")
    losses = []
    for _ in range(12):
        learner.update(batch())
        losses.append(learner.metrics()["loss"])
    assert losses[-1] < losses[0] / 3


def test_metrics_are_means_since_the_last_call() -> None:
    both, first, second = (Learner(LearnerConfig(learning_rate=1e-9), 3, "cpu") for _ in range(3))
    for other in (first, second):
        other.load_state(both.state())
    both.update(batch(0))
    both.update(batch(1))
    first.update(batch(0))
    second.update(batch(1))
    figures = [learner.metrics() for learner in (both, first, second)]
    for name in Learner.METRICS:
        assert figures[0][name] == pytest.approx((figures[1][name] + figures[2][name]) / 2, 1e-4)
    assert both.metrics() == {}


def test_gradients_are_scaled_down_to_the_limit() -> None:
    """The figure is the norm before that; 0 leaves gradients alone."""
    free, limited = (Learner(LearnerConfig(max_grad_norm=limit), 3, "cpu") for limit in (0, 1e-3))
    limited.load_state(free.state())
    norms = []
    for learner in (free, limited):
        learner.update(batch())
        grads = [p.grad.norm() for p in learner.online.parameters() if p.grad is not None]
        norms.append((learner.metrics()["grad_norm"], torch.stack(grads).norm().item()))
    (free_figure, free_norm), (figure, norm) = norms
    assert free_figure == pytest.approx(free_norm, rel=1e-4)
    assert figure == pytest.approx(free_figure, rel=1e-4)
    assert norm == pytest.approx(1e-3, rel=1e-2)
    assert free_norm > 2e-3


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_a_restored_learner_goes_on_as_if_nothing_happened(optimizer: Any) -> None:
    """Online, target, the optimizer's averages and the figures are equal to the bit."""
    config = LearnerConfig(optimizer=optimizer)
    first, second = Learner(config, 3, "cpu"), Learner(config, 3, "cpu")
    for seed in range(3):
        first.update(batch(seed))
    # As from a file: fresh memory, plain layout.
    second.load_state({name: t.detach().clone().contiguous() for name, t in first.state().items()})
    for seed in range(3, 6):
        first.update(batch(seed))
        second.update(batch(seed))
    restored = second.state()
    assert all(torch.equal(tensor, restored[name]) for name, tensor in first.state().items())


def test_acting_leaves_no_gradient() -> None:
    learner = Learner(LearnerConfig(), 3, "cpu")
    q_values = learner.q_values(batch().states)
    assert not q_values.requires_grad
    assert (q_values.shape, q_values.dtype) == ((8, 3), torch.float32)

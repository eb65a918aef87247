"""Stable-Baselines3's DQN as pip installs it: its wrappers, its buffer, one environment."""

from __future__ import annotations

import sys

import ale_py
import gymnasium
import numpy as np
from clock import Clock
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

gymnasium.register_envs(ale_py)


class Tick(BaseCallback):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def _on_step(self) -> bool:
        self._clock.tick(self.num_timesteps, self.model._n_updates)
        return True


def main(seconds: float) -> None:
    env = VecFrameStack(make_atari_env("PongNoFrameskip-v4", n_envs=1, seed=0), 4)
    model = DQN(
        "CnnPolicy",
        env,
        learning_rate=1e-4,
        buffer_size=100_000,
        learning_starts=1_000,
        batch_size=32,
        train_freq=4,
        gradient_steps=1,
        target_update_interval=1_000,
        exploration_fraction=1e-6,
        exploration_final_eps=0.01,
    )
    buffer = model.replay_buffer
    for memory in (buffer.observations, buffer.next_observations):
        memory[:] = np.random.default_rng(0).integers(256, size=memory.shape[1:], dtype=np.uint8)
    buffer.full = True
    model.learn(10**9, callback=Tick(Clock(1_500, seconds)))


if __name__ == "__main__":
    main(float(sys.argv[1]))

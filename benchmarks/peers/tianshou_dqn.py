"""Tianshou's DQN as pip installs it: its Atari environments (4 processes), network and buffer."""

from __future__ import annotations

import sys

import ale_py
import gymnasium
from clock import Clock
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env.atari.atari_network import DQNet, ScaledObsInputActionReprNet
from tianshou.env.atari.atari_wrapper import make_atari_env
from tianshou.utils.torch_utils import policy_within_training_step

gymnasium.register_envs(ale_py)
ENVS = 4


def main(seconds: float) -> None:
    env, training_envs, _ = make_atari_env("PongNoFrameskip-v4", 0, ENVS, 1)
    channels, height, width = env.observation_space.shape
    net = ScaledObsInputActionReprNet(DQNet(channels, height, width, env.action_space.n))
    policy = DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.01)
    algorithm = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=1e-4),
        gamma=0.99,
        n_step_return_horizon=1,
        target_update_freq=250,
        is_double=False,
        huber_loss_delta=1.0,
    )
    buffer = VectorReplayBuffer(
        100_000, buffer_num=ENVS, ignore_obs_next=True, save_only_last_obs=True, stack_num=4
    )
    collector = Collector(algorithm, training_envs, buffer, exploration_noise=True)
    collector.reset()
    clock, steps, updates = Clock(1_500, seconds), 0, 0
    with policy_within_training_step(policy):
        while True:
            collector.collect(n_step=ENVS)
            steps += ENVS
            # One update for 4 steps, as update_per_step=0.25 gives it.
            if steps >= 1_000:
                algorithm.update(buffer, 32)
                updates += 1
            clock.tick(steps, updates)


if __name__ == "__main__":
    main(float(sys.argv[1]))

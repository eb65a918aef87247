"""Train a DQN agent on an Atari game: `python train.py --help`."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from agent.exploration import epsilon_at, epsilon_greedy
from agent.learner import Learner
from envs.emulators import Emulators, Step
from harness.checkpoint import CheckpointState, read_state, read_tensors, save_checkpoint
from harness.commands.train import TrainCommand, parse_command, pick_device
from harness.config import RunConfig, flatten
from harness.errors import UserError, run_cli
from harness.metrics import MetricLog
from harness.progress import Display
from harness.rundir import Run, create_run_dir, default_run_dir, settings_text
from harness.scoring import evaluation_episodes
from replay.placement import place_replay
from replay.ring import Ring


@dataclass
class Counters:
    """Where a run stands. Units: agent steps summed over emulators, gradient updates."""

    steps: int = 0
    updates: int = 0
    owed: int = 0
    """Steps since the last update; an update is due whenever there are `update_period`."""
    learn_from: int = 0
    """Steps at which the warm-up ends and updates begin."""


def training(
    config: RunConfig, emulators: Emulators, ring: Ring, learner: Learner, counters: Counters
) -> Iterator[Step]:
    """Act, learn, store, for ever; yields after each step of the emulators.

    At every yield updates = (steps - learn_from) // update_period, whatever the number of
    emulators, and each update has seen every transition up to the one before it.
    """
    num_envs = config.emulators.num_envs
    seeds = np.random.SeedSequence([config.seed, counters.steps])
    seed_envs, seed_acting, seed_sampling = (int(s) for s in seeds.generate_state(3) >> 1)
    acting = torch.Generator(learner.device).manual_seed(seed_acting)
    sampling = torch.Generator(ring.device).manual_seed(seed_sampling)

    frames = emulators.reset(np.arange(seed_envs % 2**30, seed_envs % 2**30 + num_envs))
    ring.start(torch.from_numpy(frames))
    while True:
        epsilon = epsilon_at(counters.steps, config.warmup, config.exploration)
        actions = epsilon_greedy(
            learner.q_values(ring.latest().to(learner.device)), epsilon, acting
        )
        emulators.send(actions.cpu().numpy())
        counters.steps += num_envs
        learn(config, ring, learner, counters, sampling)
        step = emulators.recv()
        ring.add(
            actions,
            torch.from_numpy(step.rewards),
            terminal=torch.from_numpy(step.terminated | (step.life_lost & config.life_loss_ends)),
            void=torch.from_numpy(step.first | step.truncated),
            frames=torch.from_numpy(step.frames),
            first=torch.from_numpy(step.first),
        )
        yield step


def learn(
    config: RunConfig, ring: Ring, learner: Learner, counters: Counters, sampling: torch.Generator
) -> None:
    """The updates that are due, and the target copies among them."""
    learned = counters.steps - counters.learn_from
    counters.owed += min(max(learned, 0), config.emulators.num_envs)
    while counters.owed >= config.update_period:
        counters.owed -= config.update_period
        batch = ring.sample(config.learner.batch_size, config.learner.n_step, sampling)
        learner.update(batch.to(learner.device))
        counters.updates += 1
        # The copy is due at every multiple of target_period steps, counted in updates.
        if counters.updates * config.update_period % config.target_period < config.update_period:
            learner.copy_to_target()


class Returns:
    """Running score and length of each emulator's episode."""

    def __init__(self, num_envs: int) -> None:
        self._score = np.zeros(num_envs, np.int64)
        self._length = np.zeros(num_envs, np.int64)

    def finished(self, step: Step) -> list[tuple[int, int]]:
        """(raw score, length in agent steps) of the games that `step` ended."""
        self._score += step.rewards
        self._length += ~step.first
        ended = np.flatnonzero(step.ended)
        games = [(int(self._score[env]), int(self._length[env])) for env in ended]
        self._score[ended] = self._length[ended] = 0
        return games


class Stop:
    """Set by Ctrl-C or SIGTERM: the loop ends at its next step. A second one kills."""

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._request)

    def _request(self, number: int, _: object) -> None:
        self.requested = signal.Signals(number)
        signal.signal(number, signal.SIG_DFL)


def run(run_dir: Path, run: Run, device: torch.device, resumed: CheckpointState | None) -> int:
    """Train from `run`'s config in its folder; returns the process's exit code."""
    config = run.config
    replay_device, placement = place_replay(config.replay_rows * config.emulators.num_envs, device)
    emulators = Emulators(config.emulators, overlap=device.type == "cuda")
    torch.manual_seed(config.seed)
    learner = Learner(config.learner, emulators.num_actions, device)
    counters = Counters(learn_from=config.warmup)
    if resumed:
        learner.load_state(load_learner(run_dir / "last"))
        counters = Counters(resumed.steps, resumed.updates, 0, resumed.steps + config.warmup)
    ring = Ring(config.replay_rows, config.emulators.num_envs, replay_device)

    log = MetricLog(run_dir)
    display = Display(config.steps, counters.steps)
    display.say(f"{settings_text(run)}\n{placement}\nrun folder: {run_dir}")
    log.settings(flatten(config), settings_text(run))
    stop = Stop()
    best = -math.inf
    returns = Returns(config.emulators.num_envs)
    for step in training(config, emulators, ring, learner, counters):
        games = returns.finished(step)
        for score, length in games:
            log.write(counters.steps, {"episode/return": score, "episode/length": length})
        display.episodes(score for score, _ in games)
        epsilon = epsilon_at(counters.steps, config.warmup, config.exploration)
        display.update(counters.steps, counters.updates, epsilon)
        if passed(counters.steps, config.log_every, config):
            figures = learner.metrics()
            rate, update_rate = display.rates()
            log.write(
                counters.steps,
                {f"learner/{name}": value for name, value in figures.items()}
                | {
                    "exploration/epsilon": epsilon,
                    "replay/size": len(ring),
                    "updates": counters.updates,
                }
                | {"speed/steps_per_second": rate, "speed/updates_per_second": update_rate},
            )
            if not all(math.isfinite(value) for value in figures.values()):
                display.close()
                raise UserError(f"the loss is no longer finite at {counters.steps:,} steps")
        over = counters.steps >= config.steps or stop.requested is not None
        if over or passed(counters.steps, config.eval_every, config):
            state = CheckpointState(
                flatten(config), learner.num_actions, counters.steps, counters.updates
            )
            if not stop.requested:
                traces = [
                    t for _, t in evaluation_episodes(learner, config, config.eval_episodes, device)
                ]
                scores = [t.score for t in traces]
                mean = float(np.mean(scores))
                log.write(
                    counters.steps,
                    {
                        "evaluation/return": mean,
                        "evaluation/length": float(np.mean([len(t) for t in traces])),
                    },
                )
                display.say(
                    f"{counters.steps:,} steps: evaluation {mean:.2f} over {len(scores)} games"
                )
                state = replace(state, score=mean)
                if mean > best:
                    best = mean
                    save_checkpoint(run_dir / "best", learner.state(), state)
            save_checkpoint(run_dir / "last", learner.state(), state)
        if over:
            break
    display.close()
    log.close()
    return 0


def passed(steps: int, every: int, config: RunConfig) -> bool:
    """Whether the step that led to `steps` crossed a multiple of `every`."""
    return steps // every > (steps - config.emulators.num_envs) // every


def load_learner(folder: Path) -> dict[str, torch.Tensor]:
    tensors = {f"online.{k}": v for k, v in read_tensors(folder, "network").items()}
    return tensors | read_tensors(folder, "learner")


def main() -> int:
    torch.set_flush_denormal(True)
    command: TrainCommand = parse_command(sys.argv[1:])
    device = pick_device(command.device)
    chosen = Run(command.preset, command.config)
    if command.resume:
        return run(command.resume, chosen, device, read_state(command.resume / "last"))
    run_dir = command.run_dir or default_run_dir(command.preset, command.config)
    create_run_dir(run_dir, chosen, device)
    return run(run_dir, chosen, device, None)


if __name__ == "__main__":
    run_cli(main)

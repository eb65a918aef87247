"""evaluate.py record: let an agent play whole games and keep them as files."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from envs.episode_file import SUFFIX, save_episode
from envs.trace import EpisodeTrace
from harness.agents import load_agent
from harness.checkpoint import find_checkpoint
from harness.commands.train import DeviceName, pick_device
from harness.errors import UserError
from harness.play import play_episodes
from harness.scoring import EVALUATION_SEED, SIDE_BY_SIDE


@dataclass(frozen=True)
class RecordCommand:
    """Let an agent play whole games and write each to a small file.

    The games are played under the run's own protocol; `evaluate.py replay` shows such a file,
    verifies it frame by frame, or makes a video of it.
    """

    agent: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder (its best/ plays, else its last/) or checkpoint folder."""
    episodes: int = 1
    """How many games (episodes)."""
    out: Path | None = None
    """Folder for the files [default: episodes/ in the run's folder]."""
    seed: int = EVALUATION_SEED
    """Seed of the first game; the others count up from it."""
    epsilon: float | None = None
    """Probability of a random action, 0 to 1 [default: the run's eval-epsilon]."""
    network: str | None = None
    """Your own module:Class that the agent was trained with: naming it lets its code run."""
    device: DeviceName = "auto"
    """Where the network runs; auto takes CUDA, then MPS, then the CPU."""

    def run(self) -> int:
        """Play, write, and list the files; returns the exit code."""
        self._check()
        device = pick_device(self.device)
        agent = load_agent(self.agent, device, self.network)
        checkpoint = find_checkpoint(self.agent).resolve()
        folder = self.out or _episodes_folder(checkpoint)
        epsilon = agent.config.exploration.eval_epsilon if self.epsilon is None else self.epsilon
        protocol = replace(agent.config.emulators, num_envs=SIDE_BY_SIDE)
        seeds = range(self.seed, self.seed + self.episodes)
        written: dict[int, tuple[Path, EpisodeTrace]] = {}
        console = Console()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with torch.inference_mode():
                games = play_episodes(agent.q_values, protocol, seeds, epsilon, device)
                for index, trace in track(
                    games,
                    "playing",
                    self.episodes,
                    console=console,
                    transient=True,
                    disable=not console.is_terminal,
                ):
                    file = folder / f"{_name(trace)}{SUFFIX}"
                    save_episode(
                        file,
                        trace,
                        epsilon=epsilon,
                        agent=f"{checkpoint.parent.name}/{checkpoint.name}",
                        agent_steps=agent.state.steps if agent.state else None,
                    )
                    written[index] = file, trace
        except OSError as error:
            raise UserError(
                f"cannot write to {folder}: {error.strerror or error}; choose another --out"
            ) from None
        _report(console, [written[index] for index in sorted(written)])
        return 0

    def _check(self) -> None:
        if self.episodes < 1:
            raise UserError(f"--episodes must be at least 1, not {self.episodes}")
        if self.epsilon is not None and not 0 <= self.epsilon <= 1:
            raise UserError(f"--epsilon must be in [0, 1], not {self.epsilon}")
        if not 0 <= self.seed <= 2**31 - self.episodes:
            raise UserError(f"--seed must be in [0, 2^31 - episodes], not {self.seed}")


def _episodes_folder(checkpoint: Path) -> Path:
    """episodes/ of the run that a checkpoint belongs to; of the checkpoint when it stands alone."""
    run = checkpoint.parent
    return (run if (run / "config.json").is_file() else checkpoint) / "episodes"


def _name(trace: EpisodeTrace) -> str:
    return f"{trace.protocol.game}-seed{trace.seed}-score{trace.score}"


def _report(console: Console, games: list[tuple[Path, EpisodeTrace]]) -> None:
    table = Table("file", box=None)
    for name in ("score", "steps", "kB"):
        table.add_column(name, justify="right")
    for file, trace in games:
        size = f"{file.stat().st_size / 1000:.1f}"
        table.add_row(file.name, f"{trace.score:,}", f"{len(trace):,}", size)
    console.print(table)
    first = shlex.quote(_shortest(games[0][0]))
    console.print(f"see the first: python evaluate.py replay {first}", soft_wrap=True)


def _shortest(file: Path) -> str:
    """The path as seen from the current folder, if it lies below it."""
    file = file.resolve()
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)

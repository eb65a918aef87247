"""evaluate.py score: whole games of one agent, their raw scores, and what these say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from envs.emulators import EmulatorConfig
from harness.agents import Agent, load_agent, random_agent, read_settings
from harness.commands.train import DeviceName, pick_device
from harness.config import RunConfig
from harness.errors import UserError
from harness.json_file import check_writable, write_json
from harness.score_result import ScoreResult
from harness.scoring import EVALUATION_SEED, SIDE_BY_SIDE, Episode, score_episodes

SEEDS = 2**31
"""Emulators take seeds below this."""


def _option(metavar: str, hint: str) -> object:
    """An option that may be left out, and what happens then."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {hint})")


@dataclass(frozen=True)
class ScoreCommand:
    """Play whole games with an agent and report their raw scores.

    Every game has an emulator and a seed of its own, and all are played to their end. Protocol
    (sticky actions, no-ops, frame cap) and epsilon are those of the run. The same options score
    the same games on the same machine.
    """

    agent: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN_OR_CHECKPOINT", help_behavior_hint="(optional with --random)"),
    ] = None
    """Run folder (its best checkpoint, else its last) or checkpoint folder."""
    episodes: int = 100
    """Games to play (episodes)."""
    json: Annotated[Path | None, _option("FILE", "no file")] = None
    """Write every episode and the figures here, as JSON."""
    seed: int = EVALUATION_SEED
    """Seed of the first game; the next ones count up from it."""
    epsilon: Annotated[float | None, _option("FLOAT", "the run's eval-epsilon")] = None
    """Probability of a random action (0 to 1)."""
    random: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Score random play instead, in the game and under the protocol of the run or of --game."""
    game: Annotated[str | None, _option("GAME", "the run's")] = None
    """Game of --random without a run, under the default protocol."""
    network: Annotated[str | None, _option("module:Class", "the network table alone")] = None
    """Your own network that the agent was trained with: naming it lets its code run."""
    num_envs: int = SIDE_BY_SIDE
    """Games played side by side (count)."""
    device: DeviceName = "auto"
    """Where the network runs; auto takes CUDA, then MPS, then the CPU."""

    def run(self) -> int:
        """Play, print the table, write the JSON file; returns the exit code."""
        self._check()
        if self.json:
            check_writable(self.json)
        device = pick_device(self.device)
        agent = self._load(device)
        epsilon = agent.config.exploration.eval_epsilon if self.epsilon is None else self.epsilon
        protocol = replace(agent.config.emulators, num_envs=min(self.num_envs, self.episodes))
        seeds = range(self.seed, self.seed + self.episodes)
        started = time.monotonic()
        games = watch(
            score_episodes(agent.q_values, protocol, seeds, epsilon, device), self.episodes
        )
        result = ScoreResult(agent, protocol, epsilon, games, time.monotonic() - started)
        Console(markup=False, emoji=False, highlight=False).print(result.table())
        if self.json:
            write_json(self.json, result.content(device))
        return 0

    def _check(self) -> None:
        """Raise UserError for options that cannot be, or not together."""
        if self.episodes < 1 or self.num_envs < 1:
            raise UserError("--episodes and --num-envs must be at least 1")
        if not 0 <= self.seed <= SEEDS - self.episodes:
            raise UserError(f"--seed must be from 0 to {SEEDS - self.episodes}, not {self.seed}")
        if self.epsilon is not None and not 0 <= self.epsilon <= 1:
            raise UserError(f"--epsilon must be from 0 to 1, not {self.epsilon}")
        if self.random and self.epsilon is not None:
            raise UserError("--random plays with an epsilon of 1: leave --epsilon out")
        if self.game and not self.random:
            raise UserError("--game goes with --random; an agent plays the game of its run")
        if self.game and self.agent:
            raise UserError(f"give either {self.agent} or --game, not both")
        if not self.game and not self.agent:
            raise UserError(
                "nothing to score: give a run folder or a checkpoint folder, "
                "or --random with --game"
            )

    def _load(self, device: torch.device) -> Agent:
        if self.agent is None:
            return random_agent(RunConfig(emulators=EmulatorConfig(game=self.game or "")))
        return (
            random_agent(read_settings(self.agent))
            if self.random
            else load_agent(self.agent, device, self.network)
        )


def watch(played: Iterator[tuple[int, Episode]], total: int) -> list[Episode]:
    """All games, in the order of their seeds; shows on standard error how many are over.

    No score is shown on the way: the games that end first are the short ones.
    """
    console = Console(stderr=True, markup=False, highlight=False)
    games: dict[int, Episode] = {}
    live = console.is_terminal
    columns = (TextColumn("episodes"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not live, transient=True) as progress:
        task = progress.add_task("", total=total)
        for index, game in played:
            games[index] = game
            progress.update(task, completed=len(games))
            # Elsewhere a line for each tenth of the games.
            if not live and len(games) * 10 // total > (len(games) - 1) * 10 // total:
                console.print(f"{len(games)}/{total} episodes")
    return [games[index] for index in range(total)]

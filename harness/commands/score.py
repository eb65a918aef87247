"""evaluate.py score: play whole games with an agent and report their raw scores."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from envs.emulators import EmulatorConfig
from envs.games import departs_from_id
from harness.cli.parser import option
from harness.commands.game_options import GameOptions, watched
from harness.console import Console, say_error
from harness.errors import UserError
from harness.evaluation.agents import Agent, load_agent, random_agent, read_settings
from harness.evaluation.score_report import ScoreResult
from harness.evaluation.scoring import SIDE_BY_SIDE, score_episodes
from harness.files.atomic import check_writable, write_json
from harness.run.config import Flat, RunConfig
from harness.run.hardware import pick_device


@dataclass(frozen=True)
class ScoreCommand:
    """Play whole games with an agent and report their raw scores.

    Every game has its own emulator and seed, and is played to its end, or until nothing happens any
    more. The protocol (sticky actions, no-ops, frame cap) and epsilon are those of the run. The
    same options give the same games on the same machine.
    """

    agent: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN_OR_CHECKPOINT", help_behavior_hint="(optional with --random)"),
    ] = None
    """Run folder (its best checkpoint, else its last) or checkpoint folder."""
    games: Annotated[GameOptions, Flat] = GameOptions(episodes=100)  # noqa: RUF009
    json: Annotated[Path | None, option("FILE", "no file")] = None
    """Write every episode and the statistics here, as JSON."""
    random: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Score random play instead, under the run's protocol, or in the game of --game."""
    game: Annotated[str | None, option("GAME", "the run's")] = None
    """Game of --random without a run, under the default protocol."""
    num_envs: int = SIDE_BY_SIDE
    """Games played side by side (count)."""

    def run(self) -> int:
        """Play, print the table, write the JSON file; returns the exit code."""
        self._check()
        if self.json:
            check_writable(self.json, self)
        device = pick_device(self.games.device)
        agent = self._load(device)
        epsilon, seeds = self.games.epsilon_for(agent), self.games.seeds
        protocol = replace(agent.config.emulators, num_envs=min(self.num_envs, len(seeds)))
        stuck_after = self.games.stuck_after_for(agent)
        started = time.monotonic()
        with watched(len(seeds)) as on_step:
            played = dict(
                score_episodes(
                    agent.q_values,
                    protocol,
                    seeds,
                    epsilon,
                    device,
                    stuck_after=stuck_after,
                    on_step=on_step,
                )
            )
        games = [played[index] for index in range(len(seeds))]
        seconds = time.monotonic() - started
        result = ScoreResult(agent, protocol, epsilon, stuck_after, games, seconds)
        Console().print(result.table())
        if self.json:
            write_json(self.json, result.content(device), self)
        return 0

    def _check(self) -> None:
        """Raise UserError for impossible options, or for options that exclude each other."""
        self.games.check()
        if self.num_envs < 1:
            raise UserError(f"--num-envs must be at least 1, not {self.num_envs}")
        if self.random and self.games.epsilon is not None:
            raise UserError("--random plays with an epsilon of 1: leave --epsilon out")
        if self.random and self.games.network:
            raise UserError("--random plays without a network: leave --network out")
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
            protocol = EmulatorConfig(game=self.game or "")
            if departure := departs_from_id(self.game or "", protocol.sticky_actions):
                say_error(f"note: {departure}")
            return random_agent(RunConfig(emulators=protocol))
        if self.random:
            return random_agent(read_settings(self.agent))
        return load_agent(self.agent, device, self.games.network)

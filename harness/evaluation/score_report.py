"""The report of `evaluate.py score`: a table for people, JSON for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from envs.emulators import FRAMES_PER_STEP, EmulatorConfig
from envs.games import game_title
from envs.scores import REFERENCE_FRAMES, REFERENCE_SCORES, human_normalised
from harness.console import Table
from harness.evaluation.agents import Agent
from harness.evaluation.scoring import Episode
from harness.evaluation.statistics import CONFIDENCE, Summary, summarise
from harness.run.config import flatten
from harness.run.hardware import allocate_cores
from harness.run.provenance import provenance
from harness.text import counted, duration

FORMAT = 1


@dataclass(frozen=True)
class ScoreResult:
    """The games of one agent."""

    agent: Agent
    protocol: EmulatorConfig
    epsilon: float
    stuck_after: int
    """Agent steps without anything new after which a game was cut off as stuck (0: never)."""
    games: list[Episode]
    seconds: float
    """Time it took to play the games."""

    @property
    def summary(self) -> Summary:
        """Statistics of the raw scores."""
        return summarise([game.score for game in self.games])

    @property
    def mean_length(self) -> float:
        """Mean length of an episode (agent steps)."""
        return sum(game.length for game in self.games) / len(self.games)

    @property
    def truncated(self) -> int:
        """Games that the frame cap ended (count)."""
        return sum(game.truncated for game in self.games)

    @property
    def stuck(self) -> int:
        """Games that were cut off because nothing happened any more (count)."""
        return sum(game.stuck for game in self.games)

    @property
    def is_one_game(self) -> bool:
        """Whether nothing is random, so that all games are the same."""
        return not (self.protocol.sticky_actions or self.protocol.noop_max or self.epsilon)

    @property
    def human_normalised(self) -> float | None:
        """Human-normalised mean score; None without a published reference, or if the published
        frame cap would have changed a game's length."""
        cap = self.protocol.max_episode_frames
        if cap != REFERENCE_FRAMES and any(
            game.truncated or game.length * FRAMES_PER_STEP > REFERENCE_FRAMES
            for game in self.games
        ):
            return None
        return human_normalised(self.protocol.game, self.summary.mean)

    def table(self) -> Table:
        """The table for people."""
        summary, state, length = self.summary, self.agent.state, self.mean_length
        first, last = self.games[0].seed, self.games[-1].seed
        seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
        stuck = f"{self.stuck:,} as stuck (nothing new for {self.stuck_after:,} steps)"
        if not self.stuck_after:
            stuck = "none as stuck (--stuck-after 0)"
        std = "" if summary.std is None else f"standard deviation {summary.std:,.2f}, "
        rows = {
            "agent": self.agent.name,
            "trained for": f"{state.steps if state else 0:,} steps",
            "game": game_title(self.protocol.game),
            "protocol": _protocol_text(self.protocol),
            "epsilon": f"{self.epsilon:g}",
            "episodes": f"{len(self.games):,}, {seeds}",
            "cut off": f"{self.truncated:,} by the frame cap, {stuck}",
            "mean score": f"{summary.mean:,.2f}",
            f"{CONFIDENCE:.0%} interval": self._interval_text(),
            "median score": f"{summary.median:,.1f}",
            "spread": f"{std}from {summary.minimum:,.0f} to {summary.maximum:,.0f}",
            "human-normalised": self._human_text(),
            "mean length": f"{length:,.0f} steps ({length * FRAMES_PER_STEP:,.0f} frames)",
            "time": duration(self.seconds),
        }
        table = Table(
            "", "", show_header=False, padding=(0, 3), collapse_padding=True, pad_edge=False
        )
        for name, value in rows.items():
            table.add_row(name, value)
        return table

    def content(self, device: torch.device) -> dict[str, Any]:
        """The content of the JSON file, with every game. Scores are in points, lengths in agent
        steps."""
        state, game, protocol = self.agent.state, self.protocol.game, flatten(self.protocol)
        reference = REFERENCE_SCORES.get(game)
        return {
            "format": FORMAT,
            "agent": self.agent.name,
            "steps_trained": state.steps if state else None,
            "settings": state.settings if state else None,
            "num_envs": protocol.pop("num_envs"),
            "protocol": protocol,
            "epsilon": self.epsilon,
            "stuck_after": self.stuck_after,
            "summary": {
                "episodes": len(self.games),
                **asdict(self.summary),
                "confidence": CONFIDENCE,
                "human_normalised": self.human_normalised,
                "mean_length": self.mean_length,
                "truncated": self.truncated,
                "stuck": self.stuck,
            },
            "reference": reference._asdict() if reference else None,
            "episodes": [asdict(game) for game in self.games],
            "seconds": round(self.seconds, 3),
            **asdict(provenance(device, allocate_cores(device, self.protocol.num_envs))),
        }

    def _interval_text(self) -> str:
        if (interval := self.summary.interval_over_episodes) is not None:
            low, high = interval
            return f"{low:,.2f} to {high:,.2f}, of the mean, over episodes of this one agent"
        if len(self.games) == 1:
            return "none: a single episode"
        if self.is_one_game:
            return "none: nothing is left to chance, so all games are the same one"
        return "none: all games scored the same"

    def _human_text(self) -> str:
        value, reference = self.human_normalised, REFERENCE_SCORES.get(self.protocol.game)
        if reference is None:
            return "no published reference"
        if value is None:
            return f"none: the frame cap is not the published one of {REFERENCE_FRAMES:,}"
        scale = f"0 = random {reference.random:,}, 1 = human {reference.human:,}"
        stuck = f", with {counted(self.stuck, 'stuck game')}" if self.stuck else ""
        return f"{value:.3f} ({scale}){stuck}"


def _protocol_text(protocol: EmulatorConfig) -> str:
    """The protocol in words."""
    return (
        f"sticky actions {protocol.sticky_actions:g}, up to {protocol.noop_max} no-ops, "
        f"{'FIRE' if protocol.fire_on_reset else 'no FIRE'} at the start, "
        f"{'all 18' if protocol.full_action_space else 'minimal'} actions, "
        f"cut off at {protocol.max_episode_frames:,} frames"
    )

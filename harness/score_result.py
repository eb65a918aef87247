"""What `evaluate.py score` says of an agent: a table for people, JSON for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.table import Table

from envs.emulators import FRAMES_PER_STEP, EmulatorConfig
from envs.games import game_title
from envs.scores import REFERENCE_SCORES, human_normalised
from harness.agents import Agent
from harness.config import flatten
from harness.cores import arrange
from harness.progress import duration
from harness.rundir import made
from harness.scoring import Episode
from harness.statistics import CONFIDENCE, Summary, summarise

FORMAT = 1


@dataclass(frozen=True)
class ScoreResult:
    """The games of one agent."""

    agent: Agent
    protocol: EmulatorConfig
    epsilon: float
    games: list[Episode]
    seconds: float
    """Time it took to play them."""

    @property
    def summary(self) -> Summary:
        """Figures of the raw scores."""
        return summarise([game.score for game in self.games])

    @property
    def mean_length(self) -> float:
        """Agent steps an episode."""
        return sum(game.length for game in self.games) / len(self.games)

    @property
    def truncated(self) -> int:
        """Games that the frame cap ended (count)."""
        return sum(game.truncated for game in self.games)

    def table(self) -> Table:
        """The figures for people."""
        summary, state, length = self.summary, self.agent.state, self.mean_length
        std = "" if summary.std is None else f"standard deviation {summary.std:,.2f}, "
        rows = {
            "agent": self.agent.name,
            "trained for": f"{state.steps if state else 0:,} steps",
            "game": game_title(self.protocol.game),
            "protocol": _protocol_text(self.protocol),
            "epsilon": f"{self.epsilon:g}",
            "episodes": f"{len(self.games):,}, seeds {self.games[0].seed} to {self.games[-1].seed}",
            "cut off": f"{self.truncated:,} by the frame cap",
            "mean score": f"{summary.mean:,.2f}",
            f"{CONFIDENCE:.0%} interval": _interval_text(summary),
            "median score": f"{summary.median:,.1f}",
            "spread": f"{std}from {summary.minimum:,.0f} to {summary.maximum:,.0f}",
            "human-normalised": _human_text(self.protocol.game, summary.mean),
            "mean length": f"{length:,.0f} steps ({length * FRAMES_PER_STEP:,.0f} frames)",
            "time": duration(self.seconds),
        }
        table = Table.grid(padding=(0, 3))
        for name, value in rows.items():
            table.add_row(name, value)
        return table

    def content(self, device: torch.device) -> dict[str, Any]:
        """The same for programs, with every game; scores in points, lengths in agent steps."""
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
            "summary": {
                "episodes": len(self.games),
                **asdict(self.summary),
                "confidence": CONFIDENCE,
                "human_normalised": human_normalised(game, self.summary.mean),
                "mean_length": self.mean_length,
                "truncated": self.truncated,
            },
            "reference": reference._asdict() if reference else None,
            "episodes": [asdict(game) for game in self.games],
            "seconds": round(self.seconds, 3),
            **made(device, arrange(device, self.protocol.num_envs)),
        }


def _protocol_text(protocol: EmulatorConfig) -> str:
    """How the games were played, in words."""
    return (
        f"sticky actions {protocol.sticky_actions:g}, up to {protocol.noop_max} no-ops, "
        f"{'FIRE' if protocol.fire_on_reset else 'no FIRE'} at the start, "
        f"{'all 18' if protocol.full_action_space else 'minimal'} actions, "
        f"cut off at {protocol.max_episode_frames:,} frames"
    )


def _interval_text(summary: Summary) -> str:
    """The interval, and what it is over."""
    if summary.interval_over_episodes is None:
        return "none: a single episode"
    low, high = summary.interval_over_episodes
    return f"{low:,.2f} to {high:,.2f}, of the mean, over episodes of this one agent"


def _human_text(game: str, score: float) -> str:
    """The human-normalised score, and the ends of its scale."""
    value = human_normalised(game, score)
    if value is None:
        return "no published reference"
    reference = REFERENCE_SCORES[game]
    return f"{value:.3f} (0 = random {reference.random:,}, 1 = human {reference.human:,})"

"""The trained agent that ships with the repository works the minute it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from envs.episode_file import load_episode, read_header
from envs.trace import resimulate
from harness.agents import load_agent
from harness.commands.replay import first_difference

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints" / "pong-quick"


def test_the_agent_loads_and_has_a_preference() -> None:
    agent = load_agent(SHIPPED, torch.device("cpu"))
    q_values = agent.q_values(torch.zeros(1, 4, 84, 84, dtype=torch.uint8))
    assert q_values.shape == (1, 6)
    assert q_values.isfinite().all()
    assert q_values.std() > 0


def test_its_episode_is_the_same_when_simulated_again() -> None:
    (episode,) = (SHIPPED / "episodes").glob("*.episode")
    header, trace = read_header(episode), load_episode(episode)
    assert first_difference(trace, header.score, resimulate(trace)) is None


def test_its_score_stands_beside_it() -> None:
    score = json.loads((SHIPPED / "score.json").read_text())
    assert len(score["episodes"]) == 100
    assert score["protocol"]["sticky_actions"] == 0.25

"""The trained agent that ships with the repository works the minute it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from envs.episode_file import load_episode, read_header
from envs.trace import resimulate
from harness.claims.page import report as claims_report
from harness.claims.results import read_results as read_claims
from harness.compare.page import report as compare_report
from harness.compare.results_file import read_results as read_compare
from harness.evaluation.agents import load_agent
from harness.metrics.reader import read_figures
from harness.players.verify import first_difference
from harness.report.page import page

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


@pytest.mark.parametrize(
    ("name", "read", "report"),
    [("claims", read_claims, claims_report), ("compare", read_compare, compare_report)],
)
def test_its_reports_are_what_is_made_of_their_results(name: str, read: Any, report: Any) -> None:
    folder = SHIPPED.parent.parent / "docs" / "results" / f"{name}-quick"
    made = page(report(read(folder / "results.json")))
    same = made == (folder / "report.html").read_text(encoding="utf-8")
    assert same, "make it anew from its results.json"  # a difference would be a megabyte
    assert (folder / "report.html").stat().st_size < 3_000_000


def test_tensorboard_shows_its_curves() -> None:
    events = EventAccumulator(str(SHIPPED), size_guidance={"scalars": 0}).Reload()
    lines = read_figures(SHIPPED / "metrics.jsonl")
    tags = set(events.Tags()["scalars"])
    assert tags == {tag for line in lines for tag in line} - {"steps", "seconds"}
    for tag in tags:
        written = [(line["steps"], line[tag]) for line in lines if line.get(tag) is not None]
        points = [(point.step, point.value) for point in events.Scalars(tag)]
        assert points == [(steps, pytest.approx(value, rel=1e-6)) for steps, value in written]
    assert {"custom_scalars", "hparams"} <= {
        data.plugin_data.plugin_name for data in events.summary_metadata.values()
    }
    assert sum(file.stat().st_size for file in SHIPPED.glob("events.*")) < 300_000

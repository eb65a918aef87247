"""Whole results of comparisons with made-up scores, as results.json holds them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from envs.scores import REFERENCE_SCORES
from harness.compare.analysis import RunScore, analyse
from harness.compare.design import Design, Job
from harness.compare.results import BINS
from harness.run.config import flatten

DESIGN = Design(
    games=("pong", "breakout"),
    networks=("stride", "dense_sub", "half_max"),
    seeds=5,
    steps=20_000,
    preset="quick",
    settings={"n_step": 3, "double": True},
    episodes=30,
    margin=0.1,
)

SIZES = {"stride": (9.35, 36), "dense_sub": (61.46, 36), "stride_gap": (9.35, None)}


def results_of(
    design: Design,
    levels: Mapping[str, float],
    lost: Collection[tuple[str, str, int]] = (),
    spread: float = 0.06,
) -> dict[str, Any]:
    """Results of runs whose final scores above random play are ten times the level of their arm.

    `lost` has game, arm and seed of runs that broke off; those of arms without a level wait.
    """
    draw = np.random.default_rng(3)
    jobs = [
        _job(job, levels.get(job.arm), (job.game, job.arm, job.seed) in lost, spread, draw)
        for job in (*design.jobs, *design.tandem_jobs)
    ]
    scores, missing = [], {}
    for job in jobs:
        if job["score"] is None:
            missing.setdefault(job["arm"], []).append(f"{job['game']} seed {job['seed']}")
        else:
            named = (job[name] for name in ("game", "arm", "seed", "score", "score_at_equal_time"))
            scores.append(RunScore(*named))
    analysis = analyse(design, scores, missing)
    return json.loads(
        json.dumps(
            {
                "format": 1,
                "design": asdict(design),
                "settings": flatten(design.config),
                "command": ["evaluate.py", "compare", "--out", "out folder"],
                "date": "2026-01-01",
                "git_commit": None,
                "versions": {"python": "3.11", "torch": "2"},
                "machine": {"processor": "none", "arrangement": {"parts": 2}, "device": "cpu"},
                "sizes": {name: _size(name) for name in {job["network"]: None for job in jobs}},
                **analysis,
                "jobs": jobs,
            }
        )
    )


def _job(
    job: Job, level: float | None, lost: bool, spread: float, draw: np.random.Generator
) -> dict[str, Any]:
    random = REFERENCE_SCORES[job.game].random
    above = 10 * draw.normal(level or 0.0, spread)
    state = "waiting" if level is None else "failed" if lost else "finished"
    until = {"waiting": 0, "failed": BINS // 2, "finished": BINS}[state]
    share = np.arange(1, BINS + 1) / BINS
    curve = [
        {
            "steps": int(1000 * (at + 1)),
            "games": int(at < until and at != 5),
            "score": random + above * share[at] ** 2 + draw.normal(0, 0.3)
            if at < until and at != 5
            else None,
            "seconds": 60.0 * (at + 1) if at < until else None,
        }
        for at in range(BINS)
    ]
    said = asdict(job) | {
        "arm": job.arm,
        "state": state,
        "problem": "the loss is no longer a finite number" if lost else "",
        "run": "runs/some",
        "score": None,
        "curve": curve,
    }
    if state != "finished":
        return said
    return said | {
        "score": random + above,
        "seconds": 3600.0 * (2 if job.network.startswith("dense") else 1),
        "steps_per_second": 100.0,
        "seconds_compared": 3600.0,
        "score_at_equal_time": None if job.teacher else random + above * 0.9,
    }


def _size(name: str) -> dict[str, Any]:
    macs, field = SIZES.get(name, (25.35, 48))
    return {
        "name": name,
        "parameters": 1_687_206,
        "macs": int(1e6 * macs),
        "shapes": ["39-20", "17-9", "7", "512", "6"],
        "receptive_field": field,
        "scale_matched": ":" not in name,
    }

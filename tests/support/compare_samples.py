"""Whole results of comparisons with made-up scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from envs.scores import REFERENCE_SCORES
from harness.compare.analysis import analyse
from harness.compare.collection import BINS
from harness.compare.design import Design, Job
from harness.compare.results import CurvePoint, Game, MatchedSize, Results, RunResult
from harness.run.config import flatten
from harness.run.provenance import Machine, Provenance

DESIGN = Design(
    games=("pong", "breakout"),
    networks=("stride", "dense_sub", "half_max"),
    seeds=5,
    steps=20_000,
    preset="quick",
    settings={"n_step": 3, "double": True, "epsilon_decay": 4_000},
    episodes=30,
    margin=0.2,
)

SIZES = {"stride": (9.35, 36), "dense_sub": (61.46, 36), "stride_gap": (9.35, None)}


def results_of(
    design: Design,
    levels: Mapping[str, float],
    lost: Collection[tuple[str, str, int]] = (),
    spread: float = 0.06,
) -> Results:
    """Results of runs whose outcomes above random play are ten times the level of their arm.

    `lost` has game, arm and seed of runs that broke off; those of arms without a level wait.
    """
    draw = np.random.default_rng(3)
    jobs = [
        _job(job, levels.get(job.arm), (job.game, job.arm, job.seed) in lost, spread, draw)
        for job in (*design.jobs, *design.tandem_jobs)
    ]
    machine = Machine("none", "none", {"parts": 2}, "cpu")
    command = ("evaluate.py", "compare", "--out", "out folder")
    versions = {"python": "3.11", "torch": "2"}
    return Results(
        **vars(analyse(design, jobs)),
        format=2,
        design=design,
        settings=flatten(design.config),
        provenance=Provenance(command, "2026-01-01", None, versions, machine),
        sizes={name: _size(name) for name in dict.fromkeys(job.network for job in jobs)},
        jobs=tuple(jobs),
        outcome_from=design.config.epsilon_ends,
    )


def _job(
    job: Job, level: float | None, lost: bool, spread: float, draw: np.random.Generator
) -> RunResult:
    random = REFERENCE_SCORES[job.game].random
    above = 10 * draw.normal(level or 0.0, spread)
    state = "waiting" if level is None else "failed" if lost else "finished"
    until = {"waiting": 0, "failed": BINS // 2, "finished": BINS}[state]
    share = np.arange(1, BINS + 1) / BINS
    curve = tuple(
        CurvePoint(
            int(1000 * (at + 1)),
            int(at < until and at != 5),
            random + above * share[at] ** 2 + draw.normal(0, 0.3)
            if at < until and at != 5
            else None,
            60.0 * (at + 1) if at < until else None,
        )
        for at in range(BINS)
    )
    problem = "the loss is no longer a finite number" if lost else ""
    common = vars(job) | {"arm": job.arm, "state": state, "problem": problem, "run": "runs/some"}
    if state != "finished":
        return RunResult(**common, outcome=None, curve=curve)
    return RunResult(
        **common,
        outcome=random + above,
        outcome_games=40,
        second=None if job.teacher else random + above * 1.1,
        second_games=0 if job.teacher else 24,
        episodes=(Game(0, round(random + above), 100, False),),
        curve=curve,
        seconds=3600.0 * (2 if job.network.startswith("dense") else 1),
        steps_per_second=100.0,
        seconds_compared=3600.0,
        at_equal_time=None if job.teacher else random + above * 0.9,
    )


def _size(name: str) -> MatchedSize:
    macs, field = SIZES.get(name, (25.35, 48))
    shapes = ("39-20", "17-9", "7", "512", "6")
    return MatchedSize(name, 1_687_206, int(1e6 * macs), shapes, field, ":" not in name)

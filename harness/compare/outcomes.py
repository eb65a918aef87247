"""The outcomes of a run, from its log: how good it was after it had stopped exploring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from harness.compare.results import RunResult
from harness.metrics.reader import Scored

LAST = 3
"""Evaluations whose mean is the second outcome (count)."""


def outcome(games: Iterable[Scored], start: int, until: float = inf) -> tuple[float | None, int]:
    """Mean score of the training games that ended at step `start` or later, at most `until` seconds
    after the run's start, and their number; None without any."""
    scores = [game.score for game in games if game.steps >= start and game.seconds <= until]
    return (sum(scores) / len(scores) if scores else None), len(scores)


def second_outcome(evaluations: Sequence[Scored], games_each: int) -> tuple[float | None, int]:
    """Mean of the last evaluations, and the number of their games; None without any."""
    last = [evaluation.score for evaluation in evaluations[-LAST:]]
    return (sum(last) / len(last) if last else None), len(last) * games_each


def timed(
    jobs: Sequence[RunResult], games: Iterable[Sequence[Scored]], start: int
) -> list[RunResult]:
    """The runs with their outcomes after equal time: in each game, that of its fastest run. `games`
    has the training games of each run."""
    times: dict[str, list[float]] = {}
    for job in jobs:
        if job.outcome is not None and job.seconds is not None and job.teacher is None:
            times.setdefault(job.game, []).append(job.seconds)
    results = []
    for job, played in zip(jobs, games, strict=True):
        if job.outcome is not None and job.teacher is None:
            until = min(times.get(job.game, [0.0]))
            then, _ = outcome(played, start, until)
            job = replace(job, seconds_compared=until, at_equal_time=then)
        results.append(job)
    return results

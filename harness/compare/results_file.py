"""results.json of a comparison: written, and read again, earlier formats too.

In format 1 a run's score was that of its final agent. Its training games stand there as a curve of
50 parts, from which the outcome is computed: the parts that begin where epsilon has its final
value, weighted by their games. So the analysis is made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from envs.fields import object_of
from harness.compare.analysis import analyse
from harness.compare.design import Design
from harness.compare.outcomes import outcome, timed
from harness.compare.results import FORMAT, Results, RunResult
from harness.metrics.games import cut_off
from harness.metrics.reader import Scored
from harness.run.config import unflatten

_JSON = TypeAdapter(Results)
_RUNS = TypeAdapter(list[RunResult])


def read_results(file: Path) -> Results:
    """What `as_json` gave, from its file. Raises OSError, and ValueError for a file of something
    else."""
    content = object_of(file.read_bytes(), FORMAT)
    if content["format"] == 1:
        content |= _with_outcomes(content)
    return _JSON.validate_python({**content, "provenance": content})


def as_json(results: Results) -> dict[str, Any]:
    """The object of results.json."""
    content: dict[str, Any] = _JSON.dump_python(results, by_alias=True, exclude_defaults=True)
    return {**content.pop("provenance"), **content, "design": asdict(results.design)}


def _with_outcomes(content: Mapping[str, Any]) -> dict[str, Any]:
    """What format 2 has instead of format 1."""
    design = TypeAdapter(Design).validate_python(content["design"])
    start = unflatten(content["settings"]).epsilon_ends
    games = [list(_games(job["curve"])) for job in content["jobs"]]
    jobs = []
    for job, played in zip(content["jobs"], games, strict=True):
        score, passive = job.get("score"), job["teacher"] is not None
        scored = len(job.get("episodes", ()))
        mean, count = (None, 0) if score is None else outcome(played, start)
        mean, count = (score, scored) if passive else (mean, count)
        second = {} if score is None or passive else {"second": score, "second_games": scored}
        jobs.append({**job, "outcome": mean, "outcome_games": count, **second})
    runs = timed(_RUNS.validate_python(jobs), games, start)
    found = analyse(design, runs)
    ended_early = [game for run in runs for game in run.episodes]
    counts = sum(g.truncated for g in ended_early), sum(bool(g.stuck) for g in ended_early)
    notes = (
        f"outcomes are means of parts of {design.steps // len(runs[0].curve):,} steps of the "
        "training curve, weighted by their games: the results were written in format 1",
        "this outcome was chosen after the runs were known; their design had the final score",
        *(f"of {len(ended_early):,} scored games {part}" for part in cut_off(*counts)),
    )
    return {
        **{name: getattr(found, name) for name in ("games", "networks", "tandems", "control")},
        "power": found.power,
        "notes": (*found.notes, *notes),
        "jobs": tuple(runs),
        "format": FORMAT,
        "design": design,
        "outcome_from": start,
    }


def _games(curve: list[dict[str, Any]]) -> Iterator[Scored]:
    """The training games of a curve, each with its part's mean score; it ended after the part's
    first step."""
    begin = 0
    for part in curve:
        if part["games"]:
            seconds = part["seconds"]
            game = Scored(begin, inf if seconds is None else seconds, part["score"])
            yield from [game] * part["games"]
        begin = part["steps"]

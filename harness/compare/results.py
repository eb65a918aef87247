"""results.json: everything that a comparison found, from the folders of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from envs.emulators import EmulatorConfig
from envs.games import game_title
from harness.compare.analysis import RunScore, analyse
from harness.compare.design import Design
from harness.compare.stages import read_score, trained
from harness.compare.status import Status
from harness.evaluation.agents import num_actions
from harness.evaluation.network_sizes import size_of
from harness.metrics.games import cut_off
from harness.metrics.reader import RECENT, read_figures, scored
from harness.run.checkpoint import CheckpointState
from harness.run.config import flatten
from harness.run.hardware import allocate_cores
from harness.run.provenance import provenance

FORMAT = 1
BINS = 50
"""Points of a training curve (count)."""


def content(
    out: Path,
    design: Design,
    statuses: Sequence[Status],
    unmatched: frozenset[str],
    device: torch.device,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The object of results.json; scores in points, steps in agent steps, times in seconds.

    Failed and unfinished runs are in it, without a score.
    """
    jobs = [_job(out, design, status) for status in statuses]
    analysis = analyse(design, run_scores(jobs), _missing(jobs))
    actions = num_actions(EmulatorConfig(design.games[0]))
    sizes = {
        name: asdict(size_of(name, actions)) | {"scale_matched": name not in unmatched}
        for name in {job["network"]: None for job in jobs}
    }
    return {
        "format": FORMAT,
        "design": asdict(design),
        "settings": flatten(design.config),
        **provenance(device, allocate_cores(device, design.config.emulators.num_envs)),
        "notes": [
            *notes,
            *analysis.pop("notes"),
            *cut_off_notes(jobs),
            *_differences(jobs),
            *_unequal(sizes),
        ],
        "sizes": sizes,
        **analysis,
        "jobs": jobs,
    }


def _job(out: Path, design: Design, status: Status) -> dict[str, Any]:
    """All that is known of one run."""
    job, folder = status.job, status.run_dir
    said = {
        **asdict(job),
        "arm": job.arm,
        "state": status.state,
        "problem": status.problem,
        "run": str(folder.relative_to(out)),
    }
    state = trained(folder, design.steps)
    games = read_score(folder, state, design.episodes) if state else None
    if state is None or games is None or status.state != "finished":
        return {**said, "score": None, "curve": curve(folder, design.steps)}
    return {
        **said,
        **_effort(folder, state),
        "score": sum(game["score"] for game in games) / len(games),
        "episodes": games,
        "curve": curve(folder, design.steps),
        "training_games": _training_games(folder),
    }


def _effort(folder: Path, state: CheckpointState) -> dict[str, Any]:
    """What a run took. Its time includes the evaluations during training."""
    figures = read_figures(folder / "metrics.jsonl")
    position = state.position
    seconds = position.seconds if position else max((f["seconds"] for f in figures), default=0.0)
    return {
        "steps": state.steps,
        "updates": state.updates,
        "seconds": seconds,
        "steps_per_second": state.steps / seconds if seconds else None,
        "made_with": position.made_with if position else None,
    }


def _training_games(folder: Path) -> list[list[float]]:
    """[seconds, score] of each training game, in the order in which they ended."""
    games = scored(read_figures(folder / "metrics.jsonl"))
    return [[game.seconds, game.score] for game in games]


def curve(folder: Path, steps: int) -> list[dict[str, Any]]:
    """A run's training scores in BINS equal parts of its steps: where each part ends, how many
    games ended in it, their mean score (None without any), and the wall time then."""
    bins: list[list[float]] = [[] for _ in range(BINS)]
    times = [0.0] * BINS
    lines = read_figures(folder / "metrics.jsonl")

    def bin_of(at: int) -> int:
        return min(max(at - 1, 0) * BINS // steps, BINS - 1)

    for line in lines:
        at = bin_of(line["steps"])
        times[at] = max(times[at], line.get("seconds", 0.0))
    for game in scored(lines):
        bins[bin_of(game.steps)].append(game.score)
    return [
        {
            "steps": (at + 1) * steps // BINS,
            "games": len(scores),
            "score": sum(scores) / len(scores) if scores else None,
            "seconds": times[at] or None,
        }
        for at, scores in enumerate(bins)
    ]


def run_scores(jobs: Sequence[dict[str, Any]]) -> list[RunScore]:
    """The finished runs as the statistics take them. Takes the list of training games out of the
    jobs: it is needed for the score after equal time alone.

    That time is, in each game, the one in which the fastest run was over.
    """
    finished = [job for job in jobs if job["score"] is not None]
    fastest: dict[str, float] = {}
    for job in finished:
        if job["teacher"] is None:
            fastest[job["game"]] = min(job["seconds"], fastest.get(job["game"], job["seconds"]))
    scores = []
    for job in finished:
        games, until = job.pop("training_games"), fastest.get(job["game"], 0.0)
        by_then = [score for seconds, score in games if seconds <= until][-RECENT:]
        job["seconds_compared"] = until
        job["score_at_equal_time"] = sum(by_then) / len(by_then) if by_then else None
        scores.append(
            RunScore(job["game"], job["arm"], job["seed"], job["score"], job["score_at_equal_time"])
        )
    return scores


def _missing(jobs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """What each arm lacks, a line a run."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        if job["score"] is None:
            why = f": {job['problem']}" if job["problem"] else ""
            line = f"{game_title(job['game'])} seed {job['seed']} {job['state']}{why}"
            found.setdefault(job["arm"], []).append(line)
    return found


def cut_off_notes(jobs: Sequence[dict[str, Any]]) -> list[str]:
    """Notes on scored games that did not come to their end."""
    games = [game for job in jobs if job["score"] is not None for game in job["episodes"]]
    counts = (sum(bool(game.get(name)) for game in games) for name in ("truncated", "stuck"))
    return [f"of {len(games):,} scored games {part}" for part in cut_off(*counts)]


def _differences(jobs: Sequence[dict[str, Any]]) -> list[str]:
    """A note on what was not the same for all runs: versions, device, arithmetic."""
    seen: dict[str, set[str]] = {}
    for job in jobs:
        for name, value in (job.get("made_with") or {}).items():
            if name != "cartridge":  # one for each game
                seen.setdefault(name, set()).add(value)
    return [
        f"not all runs were made with the same {name}: {', '.join(sorted(values))}"
        for name, values in seen.items()
        if len(values) > 1
    ]


def _unequal(sizes: dict[str, dict[str, Any]]) -> list[str]:
    """Notes on what is not held equal between networks."""
    counts = {name: size["parameters"] for name, size in sizes.items()}
    odd = {name: n for name, n in counts.items() if n != counts["stride"]}
    notes = [
        f"{name} has {n:,} parameters and stride {counts['stride']:,}: size is not held equal"
        for name, n in odd.items()
    ]
    return notes + [
        f"{name} is a network of its own form: its scale at the start is not matched"
        for name, size in sizes.items()
        if not size["scale_matched"]
    ]

"""Everything that a comparison found, from the folders of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from envs.emulators import EmulatorConfig
from harness.compare.analysis import analyse
from harness.compare.design import Design
from harness.compare.outcomes import outcome, second_outcome, timed
from harness.compare.results import FORMAT, CurvePoint, MatchedSize, Results, RunResult
from harness.compare.stages import read_score, trained
from harness.compare.status import Status
from harness.evaluation.agents import num_actions
from harness.evaluation.network_sizes import size_of
from harness.metrics.games import cut_off
from harness.metrics.reader import read_figures, scored
from harness.run.config import flatten
from harness.run.hardware import allocate_cores
from harness.run.provenance import provenance

BINS = 50
"""Points of a training curve (count)."""


def collect(
    out: Path,
    design: Design,
    statuses: Sequence[Status],
    unmatched: frozenset[str],
    device: torch.device,
    notes: Sequence[str] = (),
) -> Results:
    """The results of a comparison in `out`. Failed and unfinished runs have no outcome there;
    `unmatched` names networks whose scale at the start was not matched."""
    runs, games = [], []
    for status in statuses:
        lines = read_figures(status.run_dir / "metrics.jsonl")
        runs.append(_collected(out, design, status, lines))
        games.append(scored(lines))
    jobs = timed(runs, games, design.config.epsilon_ends)
    analysis = analyse(design, jobs)
    actions = num_actions(EmulatorConfig(design.games[0]))
    sizes = {
        name: MatchedSize(**vars(size_of(name, actions)), scale_matched=name not in unmatched)
        for name in dict.fromkeys(job.network for job in jobs)
    }
    more = (*cut_off_notes(jobs), *_differences(jobs), *_unequal(sizes))
    return Results(
        **vars(replace(analysis, notes=(*notes, *analysis.notes, *more))),
        format=FORMAT,
        design=design,
        settings=flatten(design.config),
        provenance=provenance(device, allocate_cores(device, design.config.emulators.num_envs)),
        sizes=sizes,
        jobs=tuple(jobs),
        outcome_from=design.config.epsilon_ends,
    )


def _collected(
    out: Path, design: Design, status: Status, lines: Sequence[dict[str, Any]]
) -> RunResult:
    """All that is known of one run, whose log has these lines: outcomes and what it took if it is
    finished."""
    job, folder, start = status.job, status.run_dir, design.config.epsilon_ends
    result = RunResult(
        **vars(job),
        arm=job.arm,
        state=status.state,
        problem=status.problem,
        run=str(folder.relative_to(out)),
        curve=curve(lines, design.steps),
        outcome=None,
    )
    state = trained(folder, design.steps)
    if state is None or status.state != "finished":
        return result
    games = read_score(folder, state, design.episodes) if design.scores(job) else None
    result = replace(result, episodes=tuple(games or ()))
    final = result.final_score, len(result.episodes)
    evaluations = second_outcome(scored(lines, "evaluation"), design.config.eval_episodes)
    first = outcome(scored(lines), start) if job.teacher is None else final
    second = evaluations if job.teacher is not None or evaluations[1] else final
    if first[0] is None:
        return replace(result, problem=f"no training game ended from step {start:,} on")
    position = state.position
    seconds = position.seconds if position else max((x["seconds"] for x in lines), default=0.0)
    return replace(
        result,
        outcome=first[0],
        outcome_games=first[1],
        second=second[0],
        second_games=second[1],
        steps=state.steps,
        updates=state.updates,
        seconds=seconds,
        steps_per_second=state.steps / seconds if seconds else None,
        made_with=dict(position.made_with) if position else None,
    )


def curve(lines: Sequence[dict[str, Any]], steps: int) -> tuple[CurvePoint, ...]:
    """Training scores in BINS equal parts of a run's steps, from the lines of its log."""
    bins: list[list[float]] = [[] for _ in range(BINS)]
    times = [0.0] * BINS

    def bin_of(at: int) -> int:
        return min(max(at - 1, 0) * BINS // steps, BINS - 1)

    for line in lines:
        at = bin_of(line["steps"])
        times[at] = max(times[at], line.get("seconds", 0.0))
    for game in scored(lines):
        bins[bin_of(game.steps)].append(game.score)
    return tuple(
        CurvePoint(
            (at + 1) * steps // BINS,
            len(scores),
            sum(scores) / len(scores) if scores else None,
            times[at] or None,
        )
        for at, scores in enumerate(bins)
    )


def cut_off_notes(jobs: Iterable[RunResult]) -> list[str]:
    """Notes on scored games that did not come to their end."""
    games = [game for job in jobs for game in job.episodes]
    counts = sum(game.truncated for game in games), sum(bool(game.stuck) for game in games)
    return [f"of {len(games):,} scored games {part}" for part in cut_off(*counts)]


def _differences(jobs: Sequence[RunResult]) -> list[str]:
    """A note on what was not the same for all runs: versions, device, arithmetic."""
    values: dict[str, set[Any]] = {}
    for job in jobs:
        for name, value in (job.made_with or {}).items():
            if name != "cartridge":  # one for each game
                values.setdefault(name, set()).add(value)
    return [
        f"not all runs were made with the same {name}: {', '.join(sorted(several))}"
        for name, several in values.items()
        if len(several) > 1
    ]


def _unequal(sizes: dict[str, MatchedSize]) -> list[str]:
    base = sizes["stride"].parameters
    notes = [
        f"{name} has {size.parameters:,} parameters and stride {base:,}: size is not held equal"
        for name, size in sizes.items()
        if size.parameters != base
    ]
    return notes + [
        f"{name} is a network of its own form: its scale at the start is not matched"
        for name, size in sizes.items()
        if not size.scale_matched
    ]

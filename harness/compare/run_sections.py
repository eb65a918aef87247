"""Of the report of a comparison: its runs, one by one: curves, scores, time and networks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from agent.networks import is_user_network
from envs.games import game_title
from harness.compare.design import BASELINE
from harness.compare.formatting import INTERVAL, outcome_cells
from harness.compare.results import CurvePoint, MatchedSize, Results, RunResult
from harness.compare.verdict_sections import equal_time
from harness.evaluation.statistics import mean_interval
from harness.report.blocks import (
    Block,
    Cell,
    Column,
    Curves,
    Reference,
    Section,
    Series,
    Table,
    Value,
)
from harness.report.markup import number
from harness.text import counted

LEAST = 3
"""Runs from which a curve has an interval; fewer are seen as they are (count)."""
Place = Callable[[CurvePoint], Value]
"""Where a point of a training curve lies on the x axis."""


def curves(results: Results) -> Section:
    """Training scores over steps, a figure a game."""
    blocks = tuple(
        _figure(results, game, game_title(game), "steps", lambda point: point.steps)
        for game in results.games
    )
    lead = (
        "Scores of the games that were played while training, exploration included; a point is the "
        "mean of those that ended since the one before. Thin: every run. "
        f"Thick: the mean of the finished ones, with its {INTERVAL} where there are {LEAST} "
        "or more."
    )
    return Section("Learning curves", lead, blocks)


def _figure(results: Results, game: str, title: str, x_label: str, place: Place) -> Curves:
    jobs = [job for job in results.jobs if job.game == game and not job.teacher]
    arms = dict.fromkeys(job.arm for job in jobs if any(point.games for point in job.curve))
    lines = tuple(_line(arm, [job for job in jobs if job.arm == arm], place) for arm in arms)
    random = Reference(results.games[game].random, "random play")
    states = Counter(job.state for job in jobs if job.outcome is None)
    unfinished = [f"{counted(count, 'run')} {state}" for state, count in states.items()]
    note = f"{', '.join(unfinished)}." if unfinished else ""
    return Curves(title, x_label, "training score, points", lines, references=(random,), note=note)


def _line(name: str, jobs: Sequence[RunResult], place: Place) -> Series:
    """A network's curve: finished runs as a mean, all of them as thin lines."""
    finished = [job.curve for job in jobs if job.outcome is not None]
    points = [
        (float(np.mean(places)), *_mean(scores))
        for parts in zip_longest(*finished)
        if (scores := [p.score for p in parts if p and p.score is not None])
        and (places := [at for p in parts if p and (at := place(p)) is not None])
    ]
    x, y, low, high = zip(*points, strict=True) if points else ((), (), (), ())
    return Series(name, x, y, low, high, tuple(_thin(job.curve, place) for job in jobs))


def _thin(curve: Sequence[CurvePoint], place: Place) -> tuple[list[Value], list[Value]]:
    """A run; parts in which no game ended are passed over."""
    there = [p for p in curve if p.score is not None and place(p) is not None]
    return [place(p) for p in there], [p.score for p in there]


def _mean(scores: Sequence[float]) -> tuple[float, Value, Value]:
    """Mean over runs, and the ends of its interval."""
    values = np.array(scores, float)
    ends = mean_interval(values) if len(values) >= LEAST else (None, None)
    return (float(values.mean()), *ends)


def _timed(curve: tuple[CurvePoint, ...]) -> tuple[CurvePoint, ...]:
    """A curve with a time at each point, where nothing was logged one between its neighbours':
    else the mean of runs goes back in time where one of them has none."""
    known = [(point.steps, point.seconds) for point in curve if point.seconds is not None]
    if not known:
        return curve
    places, seconds = zip(*known, strict=True)
    times = np.interp([point.steps for point in curve], places, seconds)
    return tuple(replace(p, seconds=float(at)) for p, at in zip(curve, times, strict=True))


def scores(results: Results) -> Section:
    """The outcome of every run, a table a game; what is missing by name."""
    cells = outcome_cells(results)
    blocks: list[Block] = [_scores(results, game, cells) for game in results.games]
    missing = defaultdict(list)
    for job in results.jobs:
        if job.outcome is None:
            why = job.problem or None
            missing[job.arm, game_title(job.game), job.state, why].append(job.seed)
    if missing:
        columns = tuple(map(Column, ("network", "game", "state", "why", "seeds")))
        rows = [(*same, ", ".join(map(str, seeds))) for same, seeds in missing.items()]
        rows.sort(key=lambda row: row[2])  # failed, running, waiting
        blocks.append(Table("Missing runs", columns, tuple(rows)))
    else:
        blocks.append("No run is missing.")
    lead = (
        f"Mean raw score of each run's training games from step {results.outcome_from:,} on, where "
        "epsilon has its final value, every seed. The second outcome is the mean of the last "
        "evaluations, of a run without any that of its final agent's games."
    )
    return Section("Scores", lead, tuple(blocks))


def _scores(results: Results, game: str, cells: Mapping[tuple[str, str], list[Cell]]) -> Table:
    info, rows = results.games[game], []
    for (of, arm), row in cells.items():
        if of == game:
            points = [cell for cell in row if isinstance(cell, float)]
            runs = [job for job in results.jobs if (job.game, job.arm) == (game, arm)]
            second = _mean_of(runs, "second")
            rows.append((arm, sum(points) / len(points) if points else None, second, *row))
    counted_games = sum(job.outcome_games for job in results.jobs if job.game == game)
    left_out = "" if info.counts else f" Left out: {BASELINE} is not above it, or has no runs."
    seeds = (Column(f"seed {seed}", ",.1f") for seed in range(results.design.most_seeds))
    return Table(
        f"{game_title(game)}, points",
        (Column("network"), Column("mean", ",.1f"), Column("second outcome", ",.1f"), *seeds),
        tuple(rows),
        f"Random play {number(info.random, ',.1f')}; {counted(counted_games, 'game')}.{left_out}",
    )


def clock(results: Results) -> Section:
    """What runs took, and scores over time."""
    acting: dict[tuple[str, str], list[RunResult]] = {}
    for job in results.jobs:
        if not job.teacher and job.seconds:
            acting.setdefault((job.arm, job.game), []).append(job)
    lead = (
        "Equal steps come first; equal time second, since it depends on the machine and on what "
        "ran beside. The time of a run includes its evaluations."
    )
    if not acting:
        return Section("Wall time", lead, ("No run is finished.",))
    table = Table.of(
        "Time of the finished runs, means",
        acting.values(),
        (
            ("network", "", lambda jobs: jobs[0].arm),
            ("game", "", lambda jobs: game_title(jobs[0].game)),
            ("runs", "d", len),
            ("steps/s", ",.0f", lambda jobs: _mean_of(jobs, "steps_per_second")),
            ("hours a run", ".2f", lambda jobs: _mean_of(jobs, "seconds", 3600)),
            ("compared after, hours", ".2f", lambda jobs: _mean_of(jobs, "seconds_compared", 3600)),
            ("score then", ",.1f", lambda jobs: _mean_of(jobs, "at_equal_time")),
        ),
    )
    jobs = tuple(replace(job, curve=_timed(job.curve)) for job in results.jobs)
    timed = replace(results, jobs=jobs)
    figures = [
        _figure(timed, game, f"{game_title(game)} over time", "hours", lambda point: point.hours)
        for game in results.games
    ]
    return Section("Wall time", lead, (table, equal_time(results), *figures))


def _mean_of(jobs: Sequence[RunResult], name: str, unit: float = 1.0) -> Value:
    values = [value for job in jobs if (value := getattr(job, name)) is not None]
    return float(np.mean(values)) / unit if values else None


def sizes(results: Results) -> Section:
    """What the networks cost, and what is not the same for all."""
    base = results.sizes.get(BASELINE)
    table = Table.of(
        "Networks",
        results.sizes.values(),
        (
            ("network", "", lambda size: size.name),
            ("parameters", ",d", lambda size: size.parameters),
            ("multiplications, M", ",.2f", lambda size: size.macs / 1e6),
            ("receptive field, pixels", "", _field),
            ("layers", "", lambda size: " \N{MIDDLE DOT} ".join(size.shapes)),
            ("not held equal", "", lambda size: _unequal(size, base)),
        ),
        "Multiplications of one state. Receptive field: what one value behind conv3 sees, in a row "
        "of pixels. Layers: width of what each makes, before and after a reducer, then units.",
    )
    lead = (
        "Weights, layers and settings are the same unless it says so here; signals at the start "
        f"are scaled to those of {BASELINE}. The gradient of a maximum reaches one value of its "
        "window: that belongs to the operator."
    )
    return Section("Networks", lead, (table,))


def _field(size: MatchedSize) -> str:
    if size.receptive_field is not None:
        return str(size.receptive_field)
    return "not known" if is_user_network(size.name) else "all"


def _unequal(size: MatchedSize, base: MatchedSize | None) -> Cell:
    if not base:
        return None
    unequal = []
    if size.parameters != base.parameters:
        unequal.append(f"parameters ({size.parameters / base.parameters:.2f} times)")
    if size.macs != base.macs:
        unequal.append(f"multiplications ({size.macs / base.macs:.1f} times)")
    if size.receptive_field != base.receptive_field:
        unequal.append("receptive field")
    if not size.scale_matched:
        unequal.append("scale at the start")
    return ", ".join(unequal) or None

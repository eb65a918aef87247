"""From the outcomes of runs to a result for each network; the arithmetic is in statistics.py.

A network is compared with `stride` in the games in which both have runs. Networks that compute the
same function as `stride` count as more runs of it. Two parts of these runs, compared in the same
way, are the A/A control: what is found there is false.

| finding | when |
|---|---|
| costs score | the whole interval lies below minus the margin |
| lowers the score | the whole interval lies below 0 |
| helps | the whole interval lies above 0 |
| does not cost score | the whole interval lies above minus the margin |
| undetermined | none of these |

The first that fits is taken. There is no verdict if the control's interval leaves out 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from envs.games import game_title
from envs.scores import REFERENCE_SCORES
from harness.compare.design import BASELINE, TWINS, Design, role_of, teacher_of
from harness.compare.pairs import Pair, pair, tabulate
from harness.compare.power import design_notes, design_power
from harness.compare.results import (
    Analysis,
    ControlResult,
    Finding,
    GameInfo,
    NetworkResult,
    RunResult,
    TandemResult,
)
from harness.compare.statistics import (
    Interval,
    Outcomes,
    holm,
    probability_of_improvement,
    variation_of,
)
from harness.text import counted

LEARNED = 3.0
"""Games whose runs are not so many standard errors above random play in the mean are noted."""


def analyse(design: Design, jobs: Sequence[RunResult]) -> Analysis:
    """The analysis of all runs; those without an outcome are named as missing."""
    missing = _missing(jobs)
    pool = (BASELINE, *TWINS)
    baseline = tabulate(jobs, pool, _outcome)
    control = _control(jobs)
    networks = []
    for name in design.networks:
        entry = NetworkResult(**_common(jobs, name, missing), role=role_of(name))
        if entry.role == "compared":
            pairs = [
                pair(tabulate(jobs, [name], of), tabulate(jobs, against, of))
                for of, against in ((_second, pool), (_timed, (BASELINE,)))
            ]
            second, timed = (one.effect() for one in pairs)
            timed = timed if timed and timed.low is not None else None
            mine = pair(tabulate(jobs, [name], _outcome), baseline)
            entry = replace(entry, **_compared(mine), second=second, at_equal_time=timed)
        networks.append(entry)
    networks = _judged(networks, design.margin, control)
    tandems = []
    for name in design.tandems:
        teacher = tabulate(jobs, [teacher_of(name)[0]], _final)
        mine = pair(tabulate(jobs, [name], _outcome), teacher)
        tandems.append(TandemResult(**_common(jobs, name, missing) | _compared(mine)))
    games = {game: _game(jobs, design, game, baseline) for game in design.games}
    counting = [outcomes for game, outcomes in baseline.items() if games[game].counts]
    return Analysis(
        games=games,
        networks=tuple(networks),
        tandems=tuple(tandems),
        control=control,
        power=design_power(len(counting) or len(design.games), design, variation_of(counting)),
        notes=(*design_notes(design), *_notes(jobs, design, games, missing)),
    )


def _outcome(job: RunResult) -> float | None:
    return job.outcome


def _second(job: RunResult) -> float | None:
    return job.second


def _timed(job: RunResult) -> float | None:
    return job.at_equal_time


def _final(job: RunResult) -> float | None:
    return job.final_score if job.outcome is not None else None


def _missing(jobs: Sequence[RunResult]) -> dict[str, list[str]]:
    """What each arm lacks, a line a run."""
    lines: dict[str, list[str]] = {}
    for job in jobs:
        if job.outcome is None:
            why = f": {job.problem}" if job.problem else ""
            line = f"{game_title(job.game)} seed {job.seed} {job.state}{why}"
            lines.setdefault(job.arm, []).append(line)
    return lines


def _common(
    jobs: Sequence[RunResult], arm: str, missing: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The fields that every arm has."""
    runs = sum(job.arm == arm and job.outcome is not None for job in jobs)
    return {"name": arm, "missing": tuple(missing.get(arm, ())), "runs": runs}


def _compared(mine: Pair) -> dict[str, Any]:
    """The fields of an arm that is compared."""
    if not mine.games:
        return {}
    chance = probability_of_improvement(mine.network, mine.baseline)
    return {
        "effect": mine.effect(),
        "by_game": mine.by_game(),
        "probability_of_improvement": chance,
    }


def _control(jobs: Sequence[RunResult]) -> ControlResult | None:
    """Twins against the baseline; without twins its even seeds against its odd ones."""
    twins = tabulate(jobs, TWINS, _outcome)
    alone = [job for job in jobs if job.arm == BASELINE]
    names = [twin for twin in TWINS if any(job.arm == twin for job in jobs)]
    if names:
        return ControlResult(
            f"{' and '.join(names)} against {BASELINE}",
            pair(twins, tabulate(alone, [BASELINE], _outcome)).effect(),
        )
    even, odd = (
        tabulate([job for job in alone if job.seed % 2 == rest], [BASELINE], _outcome)
        for rest in (0, 1)
    )
    parts = f"even seeds of {BASELINE} against its odd ones"
    effect = pair(even, odd).effect()
    return ControlResult(parts, effect) if effect else None


def _judged(
    networks: Sequence[NetworkResult], margin: float, control: ControlResult | None
) -> list[NetworkResult]:
    """The same, with p-values corrected for the number of compared networks, and findings."""
    family = [(e.name, e.effect.p) for e in networks if e.effect]
    adjusted = dict(zip((name for name, _ in family), holm([p for _, p in family]), strict=True))
    fails = bool(control and control.fails)
    return [
        replace(
            entry,
            p_holm=adjusted[entry.name],
            finding="no verdict" if fails else finding(entry.effect, margin),
        )
        if entry.effect
        else entry
        for entry in networks
    ]


def finding(effect: Interval, margin: float) -> Finding:
    """What follows from an interval, by the table at the top."""
    if effect.low is None or effect.high is None:
        return "undetermined"
    if effect.high < -margin:
        return "costs score"
    if effect.high < 0:
        return "lowers the score"
    if effect.low > 0:
        return "helps"
    return "does not cost score" if effect.low > -margin else "undetermined"


def _game(
    jobs: Sequence[RunResult], design: Design, game: str, baseline: Mapping[str, Outcomes]
) -> GameInfo:
    """Random play, means, and whether the game counts."""
    random = REFERENCE_SCORES[game].random
    runs = {name: tabulate(jobs, [name], _outcome).get(game) for name in design.networks}
    return GameInfo(
        random=random,
        counts=game in baseline and bool(baseline[game].mean() > 0),
        means={
            name: None if of is None else float(of.mean()) + random for name, of in runs.items()
        },
    )


def _notes(
    jobs: Sequence[RunResult],
    design: Design,
    games: Mapping[str, GameInfo],
    missing: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    everyone = tabulate(jobs, design.networks, _outcome)
    for game, runs in everyone.items():
        error = float(runs.std(ddof=1)) / len(runs) ** 0.5 if len(runs) > 1 else 0.0
        if not games[game].counts:
            yield (
                f"{game_title(game)} is left out: {BASELINE} has no runs whose mean is above "
                "random play"
            )
        elif runs.mean() <= LEARNED * error:
            yield f"{game_title(game)}: the runs are not clearly above random play"
    if lacking := sum(map(len, missing.values())):
        runs_are = "run is" if lacking == 1 else "runs are"
        yield f"{lacking} {runs_are} missing; the numbers are of those that finished"
    by_arm = {e: [j.second_games for j in jobs if j.arm == e and j.second] for e in design.networks}
    fewest = min((min(games) for games in by_arm.values() if games), default=None)
    if fewest is not None:
        yield f"the second outcome is of {counted(fewest, 'game')} a run, or more"

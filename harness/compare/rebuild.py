"""The design of a comparison from the folders of its runs alone, as after design.json was lost or
runs were brought together from several machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.compare.design import EPISODES, EQUAL, Design, Job, role_of, run_dir
from harness.compare.stages import SCORE_FILE
from harness.errors import UserError
from harness.run.config import PresetName, RunConfig, flatten
from harness.run.folder import read_run
from harness.run.presets import departures

ROLES = ("baseline", "twin", "compared")


def has_runs(out: Path) -> bool:
    """Whether there are runs in a comparison's folder."""
    return any(_configs(out))


def design_of_runs(out: Path, episodes: int | None, margin: float) -> Design:
    """The design that the runs below a folder fit. Runs that are missing in it, by seed, are
    missing in the comparison. Final agents were scored by `episodes` games; None: by as many as
    stand there. Raises UserError where the runs do not fit together."""
    seeds: dict[str, int] = {}
    games, tandems, steps = set(), set(), 0
    first: tuple[Path, PresetName, RunConfig] | None = None
    for folder in _configs(out):
        run = read_run(folder)
        job = _job(folder, run.config)
        if run_dir(out, job).resolve() != folder.resolve():
            raise UserError(f"{folder} holds {job}: its place is {run_dir(out, job)}")
        first = first or (folder, run.preset, run.config)
        _refuse_other(first, (folder, run.preset, run.config))
        games.add(job.game)
        if job.teacher is None:
            steps = max(steps, run.config.steps)
            seeds[job.network] = max(seeds.get(job.network, 0), job.seed + 1)
        else:
            tandems.add(job.arm)
    assert first
    _, preset, config = first
    settings = {n: here for n, (_, here) in departures(config, preset).items() if n not in EQUAL}
    most = max(seeds.values(), default=1)
    return Design(
        games=tuple(sorted(games)),
        networks=tuple(sorted(seeds, key=lambda name: (ROLES.index(role_of(name)), name))),
        seeds=most,
        steps=steps,
        preset=preset,
        settings=settings,
        episodes=episodes or max(map(_scored_games, _configs(out))) or EPISODES,
        margin=margin,
        tandems=tuple(sorted(tandems)),
        seeds_of={name: count for name, count in seeds.items() if count != most},
    )


def _configs(out: Path) -> list[Path]:
    """The folders of runs."""
    return sorted(file.parent for file in (out / "runs").glob("*/*/config.json"))


def _scored_games(folder: Path) -> int:
    """Games that scored a run's final agent; 0 where it was not scored."""
    try:
        return len(json.loads((folder / SCORE_FILE).read_text())["episodes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _job(folder: Path, config: RunConfig) -> Job:
    """The job of a run; of one that learned passively with the network of its teacher."""
    job = Job(config.emulators.game, config.learner.network, config.seed)
    tandem = folder / "tandem.json"
    if not tandem.exists():
        return job
    try:
        name = Path(json.loads(tandem.read_text())["teacher"]).name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{tandem} does not name a teacher: {error}") from None
    teacher = read_run(folder.parent / name).config.learner.network
    return Job(job.game, job.network, job.seed, teacher)


def _refuse_other(
    first: tuple[Path, PresetName, RunConfig], other: tuple[Path, PresetName, RunConfig]
) -> None:
    """Raise UserError for a run with other settings than the first one."""

    def settings(of: tuple[Path, PresetName, RunConfig]) -> Mapping[str, Any]:
        return {"preset": of[1], **flatten(of[2])}

    here, there = settings(first), settings(other)
    for name, value in here.items():
        if name not in EQUAL and value != there[name]:
            raise UserError(
                f"runs do not fit together: {first[0]} has {name} {value}, {other[0]} {there[name]}"
            )

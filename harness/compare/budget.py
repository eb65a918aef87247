"""Jobs that fit side by side, and a design that fits into the time given: every network is timed,
then the design is cut by rule.

1. What fits stays as it is.
2. Runs become shorter, down to LEAST_STEPS of the steps asked for.
3. Seeds are dropped, down to LEAST_SEEDS.
4. What still does not fit is refused, with the time that it takes.

Runs are cut before seeds, since a p-value needs seeds, but not far, since agents that have learned
nothing cannot differ.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from harness.compare.design import Design, Job
from harness.compare.runner import Runner, Stage, script
from harness.compare.stages import setting_option
from harness.compare.status import Status, Watch
from harness.errors import UserError
from harness.metrics.reader import read_figures
from harness.run.hardware import DeviceName, usable_cores
from harness.text import duration
from replay.placement import room_for
from replay.ring import SLOT_BYTES

LEAST_STEPS = 0.5
"""Of the steps asked for (share)."""
LEAST_SEEDS = 3
TRIAL_UPDATES = 200
"""Updates in which a network is timed (count)."""
EXTRA = 1.15
"""Time of a job beside its steps, evaluations among it, as a factor: an assumption."""
ROUND = 1_000
"""Steps are cut to a multiple of this."""

JOB_BYTES = 1_500_000_000
"""Main memory of a training run beside its replay memory, roughly."""


def jobs_at_once(design: Design, device: torch.device) -> int:
    """As many runs as there are cores, and as fit into the memory that is free."""
    size = design.config.replay_slots * SLOT_BYTES + JOB_BYTES
    return max(1, min(usable_cores(), *(room_for(size, d) for d in (torch.device("cpu"), device))))


def hours_of(design: Design, step_seconds: Mapping[str, float], at_once: int) -> float:
    """Time of a design whose networks take so many seconds a step, `at_once` jobs side by side."""
    jobs = (*design.jobs, *design.tandem_jobs)
    seconds = sum(step_seconds[job.network] for job in jobs) * design.steps * EXTRA
    return seconds / at_once / 3600


def fit(
    design: Design, step_seconds: Mapping[str, float], hours: float, at_once: int
) -> tuple[Design, str]:
    """The design cut to `hours` by the rule above, and a line about the decision. Raises
    UserError when the rule does not reach so far."""

    def needs(cut: Design) -> float:
        return hours_of(cut, step_seconds, at_once)

    asked = needs(design)
    if asked <= hours:
        return design, f"budget: about {clock(asked)} of {clock(hours)}, nothing is cut"
    # A run that ends before epsilon does has no outcome.
    least = min(max(int(design.steps * LEAST_STEPS), design.config.epsilon_ends + 1), design.steps)
    steps = max(int(design.steps * hours / asked), least)
    cut = replace(design, steps=max(steps // ROUND * ROUND, least))
    while needs(cut) > hours and cut.most_seeds > LEAST_SEEDS:
        most = cut.most_seeds - 1
        fewer = {network: min(seeds, most) for network, seeds in cut.seeds_of.items()}
        cut = replace(cut, seeds=min(cut.seeds, most), seeds_of=fewer)
    if needs(cut) > hours:
        raise UserError(
            f"--budget {hours:g}: {cut.most_seeds} seeds of {cut.steps:,} steps take about "
            f"{needs(cut):.1f} hours: give more time, or fewer games, networks or steps"
        )
    # Dropping a seed may leave time for longer runs again.
    longer = int(cut.steps * hours / needs(cut)) // ROUND * ROUND
    cut = replace(cut, steps=min(max(longer, cut.steps), design.steps))
    return cut, (
        f"budget: about {clock(asked)} asked for, {clock(hours)} given; cut from "
        f"{design.steps:,} to {cut.steps:,} steps and from {design.most_seeds} to "
        f"{cut.most_seeds} seeds: about {clock(needs(cut))}"
    )


def clock(hours: float) -> str:
    """Hours as people read them."""
    return duration(hours * 3600)


def time_networks(
    out: Path, design: Design, device: DeviceName, runner: Runner, watch: Watch
) -> dict[str, float]:
    """Seconds that a step takes with each network, updates included, beside as many others as will
    run side by side. Raises UserError when one cannot be timed."""
    folder = out / "timing"
    names = dict.fromkeys(design.learners)
    statuses = [
        Status(Job(design.games[0], name, 0), folder / name.replace(":", ".")) for name in names
    ]
    watch.say(f"timing {len(names)} networks, {TRIAL_UPDATES} updates each")
    watch.expect(_trial_steps(design)[1])
    folders = {status.job: status.run_dir for status in statuses}

    def trial(job: Job) -> Stage | None:
        done = _step_seconds(folders[job]) is not None
        return None if done else Stage("timing", _trial(design, job, folders[job], device))

    shutil.rmtree(folder, ignore_errors=True)
    try:
        runner.run(statuses, trial)
        for status in statuses:
            if status.state != "finished":
                raise UserError(f"{status.job.network} cannot be timed: {status.problem}")
        return {s.job.network: _step_seconds(s.run_dir) or 0.0 for s in statuses}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _trial_steps(design: Design) -> tuple[int, int]:
    """Steps of a trial's warm-up, hardly any, and of all of it."""
    config = design.config
    warmup = config.emulators.num_envs * (config.learner.n_step + 32)
    return warmup, warmup + TRIAL_UPDATES * config.update_period


def _trial(design: Design, job: Job, folder: Path, device: DeviceName) -> list[str]:
    warmup, steps = _trial_steps(design)
    settings = design.settings | {
        "steps": steps,
        "warmup": warmup,
        "log_every": max(1, (steps - warmup) // 8),
        "eval_every": steps,
        "eval_episodes": 1,
        "max_episode_frames": 4_000,
        "game": job.game,
        "network": job.network,
    }
    options = [text for name, value in settings.items() for text in setting_option(name, value)]
    common = ["--preset", design.preset, "--device", device, "--run-dir", folder]
    return script("train.py", *common, *options)


def _step_seconds(folder: Path) -> float | None:
    """Seconds a step of a timed run once it learns; None before it is over."""
    learning = [
        line
        for line in read_figures(folder / "metrics.jsonl")
        if line.get("learner/updates") and "learner/loss" in line
    ]
    if len(learning) < 4 or learning[-1]["learner/updates"] < TRIAL_UPDATES - 1:
        return None
    first, last = learning[1], learning[-1]
    return float(last["seconds"] - first["seconds"]) / float(last["steps"] - first["steps"])

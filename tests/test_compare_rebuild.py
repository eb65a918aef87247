"""The design of a comparison from its runs alone, and the report of such runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.commands.train import parse_command
from harness.compare.design import run_dir
from harness.compare.rebuild import design_of_runs, has_runs
from harness.compare.stages import Stages
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.run.folder import Run, create_run_dir
from harness.run.hardware import CoreAllocation
from support.compare_samples import DESIGN

SMALL = replace(DESIGN, seeds=2, seeds_of={"stride": 3})


def begun(out, job, design=SMALL, **changes):
    """The folder of a run that has begun."""
    stages = Stages(out, design, "cpu", frozenset())
    command = stages(replace(job, teacher=None)).command
    config = replace(parse_command(command[2:]).config, **changes)
    folder = run_dir(out, job)
    create_run_dir(folder, Run("quick", config), torch.device("cpu"), CoreAllocation(1, 1, 1))
    return folder


def test_a_design_is_read_from_its_runs(tmp_path):
    assert not has_runs(tmp_path)
    for job in SMALL.jobs:
        begun(tmp_path, job)
    assert has_runs(tmp_path)
    found = design_of_runs(tmp_path, 30, 0.2)
    assert found.games == ("breakout", "pong")  # by name: their order is not in the runs
    assert found.seeds_of == {"dense_sub": 2, "half_max": 2}
    assert set(found.jobs) == set(SMALL.jobs)
    assert found.config == SMALL.config


def test_passive_runs_are_known_by_their_teachers(tmp_path):
    design = replace(SMALL, tandems=("half_max->stride",))
    for job in (*design.jobs, *design.tandem_jobs):
        folder = begun(tmp_path, job, design)
        if job.teacher:
            teacher = f"/elsewhere/runs/Pong/half_max-s{job.seed}"
            write_json(folder / "tandem.json", {"teacher": teacher, "initial_seed": 1})
            write_json(folder / "score.json", {"episodes": [1, 2, 3, 4]})
    found = design_of_runs(tmp_path, None, 0.2)
    assert found.episodes == 4  # as many as stand there
    assert found.tandems == ("half_max->stride",)
    assert set(found.tandem_jobs) == set(design.tandem_jobs)


def test_runs_that_do_not_fit_together_are_named(tmp_path):
    first, second, *_ = SMALL.jobs
    begun(tmp_path, first)
    folder = begun(tmp_path, second, warmup=6_000)
    with pytest.raises(UserError, match=r"stride-s0 has warmup 5000|dense_sub-s0 has warmup 6000"):
        design_of_runs(tmp_path, 30, 0.2)
    folder.rename(folder.with_name("dense_sub-s7"))
    with pytest.raises(UserError, match=r"dense_sub-s7 holds Pong dense_sub seed 0: its place is"):
        design_of_runs(tmp_path, 30, 0.2)


def test_runs_without_the_baseline_are_no_comparison(tmp_path):
    begun(tmp_path, SMALL.jobs[1])
    with pytest.raises(UserError, match="must have stride"):
        design_of_runs(tmp_path, 30, 0.2)

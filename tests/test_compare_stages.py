"""The programs that the jobs of a comparison run, and what of them counts as done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from harness.commands.train import parse_command
from harness.compare.design import Job, run_dir
from harness.compare.stages import SCORE_FILE, Stages, read_score
from harness.run.checkpoint import CheckpointState, save_checkpoint
from harness.run.config import flatten
from harness.run.folder import Run, create_run_dir
from harness.run.hardware import CoreAllocation
from support.compare_samples import DESIGN


def stages(tmp_path, design=DESIGN, unmatched=()):
    return Stages(tmp_path, design, "cpu", frozenset(unmatched))


def test_every_run_has_equal_settings_and_a_matched_start(tmp_path):
    for job in DESIGN.jobs:
        stage = stages(tmp_path)(job)
        assert stage
        assert stage.name == "training"
        assert stage.command[1].endswith("train.py")
        parsed = parse_command(stage.command[2:])
        wanted = flatten(DESIGN.config) | {
            "game": job.game,
            "network": job.network,
            "seed": job.seed,
            "scale_match": True,
        }
        assert flatten(parsed.config) == wanted
        assert parsed.run_dir == run_dir(tmp_path, job)
    assert len({run_dir(tmp_path, job) for job in DESIGN.jobs}) == len(DESIGN.jobs)


def test_a_network_of_another_form_starts_as_it_is(tmp_path):
    design = replace(DESIGN, networks=("stride", "own:Network"))
    job = Job("pong", "own:Network", 0)
    stage = stages(tmp_path, design, ["own:Network"])(job)
    assert stage
    assert "--no-scale-match" in stage.command
    assert run_dir(tmp_path, job).name == "own.Network-s0"


def begun(tmp_path, job, **changes):
    config = parse_command(stages(tmp_path)(job).command[2:]).config
    folder = run_dir(tmp_path, job)
    run = Run("quick", replace(config, **changes))
    create_run_dir(folder, run, torch.device("cpu"), CoreAllocation(1, 1, 1))
    return folder


def test_a_run_that_began_is_resumed(tmp_path):
    job = DESIGN.jobs[0]
    folder = begun(tmp_path, job)
    stage = stages(tmp_path, replace(DESIGN, steps=30_000))(job)
    assert stage
    parsed = parse_command(stage.command[2:])
    assert parsed.resume == folder
    assert parsed.config.steps == 30_000
    assert not stages(tmp_path).problem(job)


def test_a_run_with_other_settings_is_not_this_one(tmp_path):
    job = DESIGN.jobs[0]
    begun(tmp_path, job, seed=4, warmup=6_000)
    assert "holds a run with another seed, warmup" in stages(tmp_path).problem(job)


STATE = CheckpointState({}, 6, 20_000, 100)
GAME = {"seed": 1, "score": -3, "length": 10, "truncated": False}


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        ({"steps_trained": 20_000, "episodes": [GAME] * 2}, True),
        ({"steps_trained": 10_000, "episodes": [GAME] * 2}, False),
        ({"steps_trained": 20_000, "episodes": [GAME] * 3}, False),
        ({"steps_trained": 20_000, "episodes": [GAME, {**GAME, "score": "9"}]}, False),
        ({"steps_trained": 20_000, "episodes": [GAME, 3]}, False),
        ({"episodes": []}, False),
        ([], False),
    ],
)
def test_a_score_counts_for_the_agent_and_the_games_it_was_made_with(tmp_path, content, counts):
    (tmp_path / SCORE_FILE).write_text(json.dumps(content))
    assert (read_score(tmp_path, STATE, 2) is not None) is counts


def test_a_trained_agent_is_scored_only_where_that_is_needed(tmp_path):
    job = DESIGN.jobs[0]
    folder = begun(tmp_path, job)
    checkpoint = CheckpointState(flatten(DESIGN.config), 6, 20_000, 100)
    save_checkpoint(folder / "last", {}, checkpoint)
    assert stages(tmp_path)(job) is None
    passive = replace(DESIGN, tandems=("stride->half_max",))
    stage = stages(tmp_path, passive)(job)
    assert stage
    assert stage.name == "scoring"

"""Passive learning: from the same data in the same order, but for the weights it begins with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import harness.training.tandem as tandem
from envs.action_log import CHUNK_ROWS
from harness.commands.train import TrainCommand
from harness.compare.design import Job
from harness.compare.stages import Stages, trained
from harness.errors import UserError
from harness.evaluation.agents import load_agent
from harness.run.checkpoint import read_state, read_tensors
from harness.run.config import unflatten
from harness.run.folder import Run
from harness.training.session import assemble
from harness.training.tandem import TandemCommand, initial_seed
from support.compare_samples import DESIGN
from support.resume_samples import listing
from train import train

CPU = torch.device("cpu")
SETTINGS = {
    "game": "pong",
    "seed": 5,
    "num_envs": 2,
    # A whole chunk of the action log and a tail, and several keyframes.
    "steps": 2 * CHUNK_ROWS + 100,
    "warmup": 1_700,
    "update_period": 16,
    "target_period": 64,
    "replay_size": 800,
    "max_episode_frames": 1_600,
    "keyframe_period": 700,
    "eval_every": 10_000,
    "eval_episodes": 1,
    "log_every": 100,
    "n_step": 3,
    "scale_match": True,
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of stride."""
    run_dir = tmp_path_factory.mktemp("tandem") / "stride-s5"
    config = unflatten(SETTINGS)
    command = TrainCommand(config=config, run_dir=run_dir, device="cpu")
    assert train(command, run_dir, Run("quick", config), assemble(config, CPU, CPU), None) == 0
    return run_dir


def passive(
    teacher: Path, tmp_path: Path, network: str = "stride", seed: int | None = None
) -> Path:
    run_dir = tmp_path / "passive"
    with pytest.MonkeyPatch.context() as patch:
        if seed is not None:
            patch.setattr(tandem, "initial_seed", lambda _: seed)
        assert TandemCommand(teacher, network, run_dir, device="cpu").run() == 0
    return run_dir


def weights(run_dir: Path) -> dict[str, torch.Tensor]:
    folder = run_dir / "last"
    state = read_state(folder)
    return read_tensors(folder, "network", state) | {
        name: tensor
        for name, tensor in read_tensors(folder, "learner", state).items()
        if name.startswith(("target.", "optimizer."))
    }


def test_with_the_teachers_weights_it_becomes_the_teacher(teacher, tmp_path):
    """Bit by bit: the same transitions in the same batches, updates and copies at the same
    time."""
    mine, theirs = weights(passive(teacher, tmp_path, seed=5)), weights(teacher)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_it_takes_no_other_runs_place(teacher, tmp_path):
    other = shutil.copytree(teacher, tmp_path / "other")
    before = listing(other)
    with pytest.raises(UserError, match="holds a run that is not passive"):
        TandemCommand(teacher, "stride", other, device="cpu").run()
    assert listing(other) == before


def test_with_its_own_weights_it_is_another(teacher, tmp_path):
    mine, theirs = weights(passive(teacher, tmp_path)), weights(teacher)
    assert not torch.equal(mine["fc2.weight"], theirs["fc2.weight"])
    assert initial_seed(5) not in (5, initial_seed(6))


def test_another_network_can_be_scored_and_says_whose_data_it_saw(teacher, tmp_path):
    run_dir = passive(teacher, tmp_path, "half_max")
    agent = load_agent(run_dir, CPU)
    assert agent.config.learner.network == "half_max"
    assert agent.q_values(torch.zeros((1, 4, 84, 84), dtype=torch.uint8)).shape == (1, 6)
    state, theirs = trained(run_dir, SETTINGS["steps"]), read_state(teacher / "last")
    assert state
    assert (state.steps, state.updates) == (theirs.steps, theirs.updates)
    said = json.loads((run_dir / "tandem.json").read_text())
    assert said == {"teacher": str(teacher), "initial_seed": initial_seed(5)}
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["learner/updates"] == theirs.updates
    assert not any("episode/return" in line for line in lines)


def test_a_teacher_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        TandemCommand(tmp_path, "stride", tmp_path / "passive", device="cpu").run()


def test_a_damaged_log_is_one_clear_line(teacher, tmp_path):
    copy = shutil.copytree(teacher, tmp_path / "copy")
    (log,) = copy.glob("*.actions")
    log.write_bytes(log.read_bytes()[:-40])
    with pytest.raises(UserError, match="cannot be played again"):
        TandemCommand(copy, "stride", tmp_path / "passive", device="cpu").run()


def test_a_comparison_starts_it_beside_its_teacher(tmp_path):
    design = replace(DESIGN, tandems=("stride->half_max",))
    stage = Stages(tmp_path, design, "cpu", frozenset())(Job("pong", "half_max", 3, "stride"))
    assert stage
    folder = tmp_path / "runs" / "Pong"
    assert stage.command[1:4] == ["-m", "harness.training.tandem", str(folder / "stride-s3")]
    assert str(folder / "stride-teaches-half_max-s3") in stage.command

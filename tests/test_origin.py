"""Runs that begin with the weights of a trained agent: which fit, and that they are found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from harness.commands.train import TrainCommand, notes, origin_of, parse_command
from harness.errors import UserError
from harness.evaluation.origin import find_origin, first_weights
from harness.run.config import RunConfig, flatten, unflatten
from harness.run.folder import Run, create_run_dir, read_run
from harness.training.session import assemble
from support.agent_samples import CUT_OFF, copy_of
from train import train

CPU = torch.device("cpu")
CONFIG = unflatten(
    flatten(RunConfig(emulators=replace(CUT_OFF, num_envs=2)))
    | {"steps": 240, "warmup": 200, "replay_size": 400, "eval_episodes": 1, "batch_size": 8}
    | {"seed": 5}
)


def changed(**settings: Any) -> RunConfig:
    return unflatten(flatten(CONFIG) | settings)


def trained(run_dir: Path, run: Run, command: TrainCommand) -> dict[str, torch.Tensor]:
    """The tensors of a run's last checkpoint, once it is over."""
    parts = assemble(run.config, CPU, CPU)
    assert train(command, run_dir, run, parts, None) == 0
    files = [run_dir / "last" / f"{name}.safetensors" for name in ("network", "learner")]
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def test_both_networks_begin_with_its_weights(checkpoint: Path, tmp_path: Path) -> None:
    """Without an update they end with them."""
    origin, _ = find_origin(checkpoint.parent, CONFIG)
    run = Run("quick", changed(update_period=100), origin)
    assert run.origin
    assert run.origin.steps == 1_234
    learner = trained(tmp_path / "run", run, TrainCommand())
    for name, tensor in load_file(checkpoint / "network.safetensors").items():
        assert torch.equal(learner[name], tensor)
        assert torch.equal(learner[f"target.{name}"], tensor)


def test_one_that_died_before_its_first_checkpoint_begins_with_them(
    checkpoint: Path, tmp_path: Path
) -> None:
    run = Run("quick", CONFIG, find_origin(checkpoint, CONFIG)[0])
    one, other = tmp_path / "one", tmp_path / "other"
    expected = trained(one, run, TrainCommand())
    parts = assemble(CONFIG, CPU, CPU)
    create_run_dir(other, run, CPU, parts.allocation)
    command = TrainCommand(resume=other)
    assert origin_of(command) == (run.origin, None)
    learner = trained(other, read_run(other), command)
    assert learner.keys() == expected.keys()
    assert all(torch.equal(learner[name], expected[name]) for name in expected)
    drawn = trained(tmp_path / "drawn", Run("quick", CONFIG), TrainCommand())
    assert not torch.equal(learner["conv1.weight"], drawn["conv1.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"game": "Pong"},
            "was trained with --game Breakout, not --game Pong: add --game Breakout",
        ),
        ({"network": "half_max"}, "was trained with --network stride, not"),
        ({"full_action_space": True}, "add --no-full-action-space"),
        ({"scale_match": True}, "--scale-match is for new weights"),
    ],
)
def test_what_does_not_fit_is_one_line(
    settings: dict[str, Any], message: str, checkpoint: Path
) -> None:
    with pytest.raises(UserError, match=message):
        find_origin(checkpoint, changed(**settings))


def _gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _other(folder: Path) -> None:
    content = json.loads((folder / "state.json").read_text())
    content["sha256"]["network"] = "0" * 64
    (folder / "state.json").write_text(json.dumps(content))


@pytest.mark.parametrize("change", [_gone, _other])
def test_weights_that_are_no_longer_there_are_not_replaced_by_others(
    change: Callable[[Path], None], checkpoint: Path, tmp_path: Path
) -> None:
    folder = copy_of(checkpoint, tmp_path)
    origin, _ = find_origin(folder, CONFIG)
    change(folder)
    with pytest.raises(UserError, match=r"no longer in .*: start a new run|was changed"):
        first_weights(origin)


def test_a_new_run_has_them_although_their_run_goes_on(checkpoint: Path, tmp_path: Path) -> None:
    folder = copy_of(checkpoint, tmp_path)
    origin, weights = find_origin(folder, CONFIG)
    _gone(folder)
    parts = assemble(CONFIG, CPU, CPU)
    run = Run("quick", CONFIG, origin)
    assert train(TrainCommand(), tmp_path / "run", run, parts, None, weights) == 0


def test_a_run_that_goes_on_has_weights_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    parts = assemble(CONFIG, CPU, CPU)
    create_run_dir(tmp_path / "run", Run("quick", CONFIG), CPU, parts.allocation)
    with pytest.raises(UserError, match="leave --from out"):
        parse_command(["--resume", str(tmp_path / "run"), "--from", str(checkpoint)])
    assert read_run(tmp_path / "run").origin is None


def test_it_is_told_where_the_weights_are_from(checkpoint: Path) -> None:
    words = ["--game", "Breakout", "--init", "torch", "--from", str(checkpoint)]
    command = parse_command(words)
    (line,) = notes(words, command, Run("quick", command.config, origin_of(command)[0]))
    assert line.startswith(f"note: begins with the weights of {checkpoint}, trained for 1,234 ")

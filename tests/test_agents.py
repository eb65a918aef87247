"""Agents from checkpoints: which are refused, with what words, and whose code runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.errors import UserError
from harness.evaluation import agents
from harness.evaluation.agents import load_agent
from harness.run.checkpoint import save_checkpoint
from support.agent_samples import copy_of, edit_state, untrained
from support.programs import program

CPU = torch.device("cpu")


def edited(edit):
    """Damage to what state.json says, whose seal fits all the same."""
    return lambda folder: edit_state(folder, edit)


def state(**changes):
    return edited(lambda content: content.update(changes))


def settings(**changes):
    return edited(lambda content: content["settings"].update(changes))


def replaced(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def flipped(word, other):
    """Damage within state.json that leaves it JSON."""

    def damage(folder):
        content = (folder / "state.json").read_text()
        assert word in content
        (folder / "state.json").write_text(content.replace(word, other))

    return damage


def cut(folder):
    file = folder / "network.safetensors"
    os.truncate(file, file.stat().st_size // 2)


def of_all_actions(content):
    content["settings"]["full_action_space"], content["num_actions"] = True, 18


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "network.safetensors was changed"),
        (replaced("network.safetensors", b""), "network.safetensors was changed"),
        (replaced("network.safetensors", b"\x80\x04" * 99), "network.safetensors was changed"),
        (lambda folder: (folder / "network.safetensors").unlink(), "holds no checkpoint"),
        (lambda folder: (folder / "state.json").unlink(), "state.json is missing"),
        (replaced("state.json", b""), "not a checkpoint's state"),
        (replaced("state.json", b"garbage"), "not a checkpoint's state"),
        (replaced("state.json", b"\xff\xfe\x00"), "not a checkpoint's state"),
        (replaced("state.json", b"[" * 100_000), "not a checkpoint's state"),
        (replaced("state.json", b"[]"), "not a checkpoint's state"),
        (replaced("state.json", b"{}"), "not a checkpoint's state"),
        (flipped("steps", "stepz"), "not a checkpoint's state"),
        (flipped("1234", "1235"), "state.json was changed"),
        (state(format=99), "update unpooled"),
        (state(format="1"), "not a checkpoint's state"),
        (state(surprise=1), "not a checkpoint's state"),
        (state(settings=[]), "state.json"),
        (state(steps="many"), "steps must be a valid integer"),
        (state(steps=1.5), "steps must be a valid integer"),
        (state(score="high"), "score must be a valid number"),
        (state(num_actions="4"), "num_actions must be a valid integer"),
        (state(num_actions=10**15), "Breakout has 4"),
        (state(num_actions=-1), "Breakout has 4"),
        (settings(surprise=1), "unknown setting 'surprise'"),
        (settings(gamma="high"), "gamma must be a valid number, not 'high'"),
        (settings(noop_max=-1), "noop-max must be from 0 to"),
        (settings(game="Pnog"), "did you mean Pong"),
        (settings(game="pong"), "has 4 actions and Pong has 6"),
        (settings(full_action_space=True), "has 4 actions and Breakout has 18"),
        (edited(of_all_actions), "does not fit network"),
        (settings(network="cube"), "unknown network 'cube'"),
        (settings(network="no_such_module:Net"), "name it with --network no_such_module:Net"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_one_clear_line(damage, message, checkpoint, tmp_path):
    folder = copy_of(checkpoint, tmp_path)
    damage(folder)
    with pytest.raises(UserError, match=message) as caught:
        load_agent(folder, CPU)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_of_ones_own_runs_only_when_named(checkpoint, here):
    """Loading must not run code that a file names: importing this module leaves a mark."""
    folder = copy_of(checkpoint, here)
    settings(network="own_network:Net")(folder)
    (here / "own_network.py").write_text(
        "import agent.networks, pathlib\n"
        "pathlib.Path('imported').touch()\n"
        "class Net(agent.networks.QNetwork):\n"
        "    def __init__(self, num_actions):\n"
        "        super().__init__(num_actions, agent.networks.NETWORKS['stride'])\n"
    )
    with pytest.raises(UserError, match="if you trust it"):
        load_agent(folder, CPU)
    with pytest.raises(UserError, match="cannot import 'other'"):
        load_agent(folder, CPU, "other:Net")
    assert not (here / "imported").exists()
    load_agent(folder, CPU, "own_network:Net")
    assert (here / "imported").exists()


def test_states_are_tensors_or_arrays_many_or_one(checkpoint):
    agent = load_agent(str(checkpoint))
    states = torch.randint(0, 255, (3, 4, 84, 84), dtype=torch.uint8)
    values = agent.q_values(states)
    assert torch.equal(agent.q_values(states.numpy()), values)
    assert agent.q_values(states[0].numpy()).shape == (4,)
    torch.testing.assert_close(agent.q_values(states[0]), values[0])


@pytest.mark.parametrize(
    "states",
    [
        torch.rand(1, 4, 84, 84),
        torch.rand(4, 84, 84).mul(255).numpy(),
        torch.zeros(1, 4, 84, 84, dtype=torch.int64),
        torch.zeros(1, 84, 84, 4, dtype=torch.uint8),
        torch.zeros(84, 84, dtype=torch.uint8),
        torch.zeros(1, 1, 4, 84, 84, dtype=torch.uint8),
    ],
    ids=lambda states: f"{states.dtype} {list(states.shape)}",
)
def test_states_that_a_network_would_answer_wrongly_are_refused(states, checkpoint):
    """Pixels from 0 to 1 are black to it."""
    with pytest.raises(ValueError, match=r"^states must be uint8 \[B, 4, 84, 84\], .* not "):
        load_agent(checkpoint).q_values(states)


def test_weights_play_in_another_network(checkpoint):
    """`dense_sub` computes what `stride` does; pooling something else with the same weights."""
    states = torch.randint(0, 255, (3, 4, 84, 84), dtype=torch.uint8)
    own, same, pooled = (
        load_agent(checkpoint, CPU, name) for name in (None, "dense_sub", "half_max")
    )
    torch.testing.assert_close(own.q_values(states), same.q_values(states), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(own.q_values(states), pooled.q_values(states), rtol=1e-2)
    assert pooled.name.endswith(" as half_max")
    with pytest.raises(UserError, match="does not fit network 'imagenet'"):
        load_agent(checkpoint, CPU, "imagenet")


@pytest.mark.parametrize("inside", [".", "best"])
def test_an_agent_is_named_with_its_run(inside, checkpoint, tmp_path, monkeypatch):
    """Wherever somebody stands."""
    shutil.copytree(checkpoint, tmp_path / "mine" / "best")
    monkeypatch.chdir(tmp_path)
    assert load_agent(Path("mine"), CPU).name == "mine/best"
    monkeypatch.chdir("mine")
    assert load_agent(Path(inside), CPU).name == "mine/best"


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    """state.json of one and weights of the next are no damage."""
    run, read = tmp_path / "run", agents.read_tensors
    untrained(run / "best")

    def replaced_just_now(folder, name, state):
        if state.steps == 1_234:
            tensors = {f"online.{name}": t + 1 for name, t in read(folder, name, state).items()}
            save_checkpoint(folder, tensors, replace(state, steps=5_678))
        return read(folder, name, state)

    monkeypatch.setattr(agents, "read_tensors", replaced_just_now)
    assert load_agent(run, CPU).state.steps == 5_678


@pytest.mark.parametrize("damage", [cut, state(format=99)], ids=["cut off", "too new"])
def test_the_command_line_shows_one_line_and_no_traceback(damage, checkpoint, tmp_path):
    folder = copy_of(checkpoint, tmp_path)
    damage(folder)
    done = program("evaluate.py", "score", folder, "--device", "cpu", code=2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {folder}")

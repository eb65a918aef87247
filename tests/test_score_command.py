"""`evaluate.py score`: what it plays, prints and writes."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import tyro

import harness.commands.score as score_module
from agent.exploration import ExplorationConfig
from envs.emulators import EmulatorConfig
from harness.commands.game_options import watched
from harness.commands.score import ScoreCommand
from harness.errors import UserError
from harness.evaluation.agents import Agent, load_agent, random_agent, read_settings
from harness.evaluation.play import play_episodes
from harness.evaluation.score_report import ScoreResult
from harness.evaluation.scoring import Episode
from harness.run.checkpoint import read_state
from harness.run.config import RunConfig, flatten
from harness.run.folder import Run, create_run_dir
from harness.run.hardware import allocate_cores
from support.agent_samples import CUT_OFF, copy_of
from test_scoring import SEEDS, contents, no_preference

CPU = torch.device("cpu")


def score(*arguments, tmp_path, fresh=True):
    """What the command writes to its JSON file."""
    file = tmp_path / "score.json"
    command = tyro.cli(ScoreCommand, args=[*map(str, arguments), "--json", str(file)])
    if fresh:
        file.unlink(missing_ok=True)
    assert command.run() == 0
    return json.loads(file.read_text())


def test_a_checkpoint_scores_the_same_games_twice(checkpoint, tmp_path, capsys):
    options = (checkpoint.parent, "--episodes", 2, "--device", "cpu")
    once = score(*options, tmp_path=tmp_path)
    assert once["epsilon"] == 0.5
    assert once["agent"] == str(checkpoint)
    assert once["steps_trained"] == 1_234
    assert once["settings"] == read_state(checkpoint).settings
    assert "trained for        1,234 steps" in capsys.readouterr().out
    assert score(*options, tmp_path=tmp_path)["episodes"] == once["episodes"]
    with pytest.raises(UserError, match="is there already and is something else"):
        score(*options, "--epsilon", 0, tmp_path=tmp_path, fresh=False)
    assert score(*options, "--epsilon", 0, tmp_path=tmp_path)["epsilon"] == 0


def test_a_network_sees_and_does_the_same_twice(checkpoint):
    agent = load_agent(checkpoint, CPU)
    protocol = replace(CUT_OFF, max_episode_frames=160, num_envs=2)

    def play(seeds):
        traces = dict(play_episodes(agent.q_values, protocol, seeds, 0.2))
        return [(contents(traces[i]), traces[i].q_values.tolist()) for i in range(len(seeds))]

    first = play(SEEDS[:2])
    assert play(SEEDS[:2]) == first
    assert play(SEEDS[2:4]) != first


def test_random_play_is_written_whole_and_in_order_of_seeds(tmp_path, capsys):
    content = score(
        "--random", "--game", "Breakout", "--episodes", 3, "--num-envs", 3, tmp_path=tmp_path
    )
    games = content["episodes"]
    assert [game["seed"] for game in games] == list(SEEDS[:3])
    assert not any(game["truncated"] for game in games)
    scores = [game["score"] for game in games]
    summary = content["summary"]
    assert summary["mean"] == pytest.approx(np.mean(scores))
    assert summary["median"] == np.median(scores)
    assert summary["mean_length"] == pytest.approx(np.mean([game["length"] for game in games]))
    assert summary["human_normalised"] == pytest.approx((np.mean(scores) - 1.7) / 28.8)
    assert (summary["episodes"], summary["truncated"]) == (3, 0)
    protocol = flatten(EmulatorConfig(game="breakout"))
    del protocol["num_envs"]
    assert content["protocol"] == protocol
    assert (content["agent"], content["epsilon"], content["steps_trained"]) == ("random", 1, None)
    assert {"versions", "git_commit", "machine", "seconds", "command"} <= set(content)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "score.json"]
    shown = capsys.readouterr()
    assert "over episodes of this one agent" in shown.out
    assert "sticky actions 0.25" in shown.out


def test_games_cut_off_as_stuck_are_counted_and_told(tmp_path, capsys, monkeypatch):
    """NOOP for ever, so that no ball comes."""
    config = RunConfig(emulators=CUT_OFF, exploration=ExplorationConfig(eval_epsilon=0.0))
    agent = Agent(no_preference, config, "noop", None)
    monkeypatch.setattr(score_module, "load_agent", lambda *_: agent)
    content = score("run", "--episodes", 3, "--stuck-after", 20, tmp_path=tmp_path)
    assert (content["stuck_after"], content["summary"]["stuck"]) == (20, 3)
    assert content["summary"]["truncated"] == 0
    assert all(game["stuck"] and 20 <= game["length"] < 30 for game in content["episodes"])
    shown = capsys.readouterr().out
    assert "0 by the frame cap, 3 as stuck (nothing new for 20 steps)" in shown
    assert "none: all games scored the same" in shown
    assert content["summary"]["interval_over_episodes"] is None
    content = score("run", "--episodes", 3, tmp_path=tmp_path)
    assert (content["stuck_after"], content["summary"]["stuck"]) == (0, 0)
    assert content["summary"]["truncated"] == 3
    assert "3 by the frame cap, none as stuck" in capsys.readouterr().out


def test_elsewhere_a_line_says_every_ten_seconds_how_far_the_games_are(monkeypatch, capsys):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("harness.console.time", clock)
    with watched(3) as on_step:
        for second in range(24):
            clock.now = second
            on_step(second // 8, 40 * second)
        on_step(3, 0)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 3 games over, longest game at 400 steps",
        "2 of 3 games over, longest game at 800 steps",
    ]


def result(config, games, stuck_after=0, **protocol):
    """The table of such games, as {name: text}, and the object for programs."""
    agent = Agent(no_preference, config, "random", None)
    protocol = replace(config.emulators, **protocol)
    score = ScoreResult(agent, protocol, 0.0, stuck_after, games, 1.0)
    names, texts = (list(column.cells) for column in score.table().columns)
    return dict(zip(names, texts, strict=True)), score.content(CPU)["summary"]


def test_games_without_chance_are_one_sample():
    games = [Episode(seed, 4, 20, False) for seed in range(30)]
    table, summary = result(RunConfig(), games, sticky_actions=0.0)
    assert "all games are the same one" in table["95% interval"]
    assert summary["interval_over_episodes"] is None
    for protocol in ({"sticky_actions": 0.25}, {"sticky_actions": 0.0, "noop_max": 30}):
        assert "the same one" not in result(RunConfig(), games, **protocol)[0]["95% interval"]


@pytest.mark.parametrize(
    ("cap", "game", "told"),
    [
        (108_000, Episode(1, 4, 27_000, True), "(0 = random"),
        (400, Episode(1, 4, 99, False), "(0 = random"),
        (400, Episode(1, 4, 100, True), "none: the frame cap"),
        (200_000, Episode(1, 4, 27_000, False), "(0 = random"),
        (200_000, Episode(1, 4, 27_001, False), "none: the frame cap"),
        (108_000, Episode(1, 4, 1_100, False, True), "), with 1 stuck game"),
    ],
)
def test_human_normalised_scores_are_of_whole_games(cap, game, told):
    games = [game, Episode(2, 5, 50, False)]
    table, summary = result(RunConfig(), games, stuck_after=1_000, max_episode_frames=cap)
    assert told in table["human-normalised"]
    assert (summary["human_normalised"] is None) == ("none" in told)


def test_random_play_takes_a_runs_protocol_before_its_first_checkpoint(tmp_path):
    config = RunConfig(emulators=replace(CUT_OFF, max_episode_frames=40, sticky_actions=0.0))
    create_run_dir(tmp_path / "run", Run("quick", config), CPU, allocate_cores(CPU, 1))
    content = score("--random", tmp_path / "run", "--episodes", 1, tmp_path=tmp_path)
    assert content["protocol"]["sticky_actions"] == 0
    assert content["summary"]["truncated"] == 1
    assert content["summary"]["interval_over_episodes"] is None
    assert content["episodes"][0]["length"] == 10


def test_random_play_of_a_checkpoint_needs_no_weights_that_fit(checkpoint, tmp_path):
    (folder := copy_of(checkpoint, tmp_path)).joinpath("network.safetensors").write_bytes(b"")
    assert random_agent(read_settings(folder)).config.emulators == CUT_OFF


def test_a_game_without_reference_says_so(tmp_path, capsys, monkeypatch):
    played = iter([(1, Episode(8, 4, 20, True)), (0, Episode(7, 2, 10, False))])
    monkeypatch.setattr(score_module, "score_episodes", lambda *_, **__: played)
    content = score("--random", "--game", "Adventure", "--episodes", 2, tmp_path=tmp_path)
    assert [game["seed"] for game in content["episodes"]] == [7, 8]
    assert content["summary"]["truncated"] == 1
    assert content["summary"]["human_normalised"] is None
    assert content["reference"] is None
    assert "no published reference" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to score"),
        (["--random"], "nothing to score"),
        (["--game", "Pong"], "--game goes with --random"),
        (["run", "--game", "Pong"], "--game goes with --random"),
        (["run", "--random", "--game", "Pong"], "not both"),
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--random"], "nowhere does not exist"),
        (["run", "--episodes", "0"], "at least 1"),
        (["run", "--num-envs", "0"], "at least 1"),
        (["run", "--epsilon", "1.5"], "--epsilon"),
        (["run", "--epsilon", "nan"], "--epsilon"),
        (["run", "--stuck-after", "-1"], "--stuck-after"),
        (["run", "--random", "--epsilon", "0.1"], "leave --epsilon out"),
        (["run", "--seed", "-1"], "--seed"),
        (["run", "--seed", str(2**31 - 99)], "--seed"),
        (["run", "--json", "."], "it is no file"),
        (["run", "--json", "nowhere/score.json"], "No such file"),
    ],
)
def test_options_that_cannot_be_are_refused_before_playing(arguments, message, here, monkeypatch):
    monkeypatch.setattr(score_module, "score_episodes", lambda *_, **__: pytest.fail("played"))
    with pytest.raises(UserError, match=message):
        tyro.cli(ScoreCommand, args=arguments).run()
    assert not list(here.iterdir())

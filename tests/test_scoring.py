"""Scoring: which games are played, what is said of them, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from agent.exploration import ExplorationConfig
from envs.games import all_games
from envs.scores import REFERENCE_SCORES, human_normalised
from harness.evaluation.play import play_episodes
from harness.evaluation.scoring import (
    EVALUATION_SEED,
    SELECTION_SEED,
    Episode,
    evaluation_episodes,
    score_episodes,
)
from harness.run.config import RunConfig
from support.agent_samples import CUT_OFF

CPU = torch.device("cpu")
SEEDS = range(EVALUATION_SEED, EVALUATION_SEED + 5)


def no_preference(states):
    return torch.zeros(len(states), 4)


def contents(trace):
    """All of a trace that a different episode would not share."""
    series = (trace.actions, trace.rewards, trace.digests)
    return trace.seed, trace.truncated, *(values.tolist() for values in series)


# Reference scores


def test_reference_scores_are_of_57_games_that_ale_has():
    assert len(REFERENCE_SCORES) == 57
    assert set(REFERENCE_SCORES) <= set(all_games())


def test_the_human_tester_beats_random_play_everywhere():
    assert all(reference.human > reference.random for reference in REFERENCE_SCORES.values())


def test_human_normalised_scores_by_hand():
    assert human_normalised("pong", -20.7) == 0
    assert human_normalised("pong", 14.6) == 1
    assert human_normalised("breakout", 30.5 + 28.8) == pytest.approx(2)
    assert human_normalised("double_dunk", -19.7) == pytest.approx(-0.5)


def test_a_game_without_reference_has_no_human_normalised_score():
    assert human_normalised("adventure", 1.0) is None


# Which episodes are played


@pytest.fixture(scope="module")
def random_play():
    """Traces of SEEDS by index, in order of finishing, played 1, 2 and 5 side by side."""
    return {
        num_envs: dict(play_episodes(no_preference, replace(CUT_OFF, num_envs=num_envs), SEEDS, 1))
        for num_envs in (1, 2, 5)
    }


def test_every_episode_is_awaited_under_its_own_seed(random_play):
    for traces in random_play.values():
        assert sorted(traces) == list(range(len(SEEDS)))
        assert [traces[index].seed for index in range(len(SEEDS))] == list(SEEDS)


def test_the_last_to_finish_need_not_be_the_last_seed(random_play):
    assert list(random_play[1]) == [0, 1, 2, 3, 4]
    lengths = {index: len(trace) for index, trace in random_play[5].items()}
    assert list(lengths) == sorted(lengths, key=lengths.__getitem__)
    assert list(lengths) != [0, 1, 2, 3, 4]


def test_episodes_do_not_depend_on_how_many_are_played_side_by_side(random_play):
    one_by_one = [contents(random_play[1][index]) for index in range(len(SEEDS))]
    assert len({str(episode[1:]) for episode in one_by_one}) == len(SEEDS)
    for num_envs in (2, 5):
        assert [contents(random_play[num_envs][i]) for i in range(len(SEEDS))] == one_by_one


def test_the_frame_cap_is_kept_and_told(random_play):
    traces = random_play[2].values()
    assert {trace.truncated for trace in traces} == {True, False}
    for trace in traces:
        assert (len(trace) == CUT_OFF.max_episode_frames // 4) == trace.truncated
        assert len(trace) <= CUT_OFF.max_episode_frames // 4
        assert len(trace.digests) == len(trace) + 1


def test_a_score_is_the_raw_return_of_the_whole_game(random_play):
    played = dict(score_episodes(no_preference, replace(CUT_OFF, num_envs=2), SEEDS, 1))
    for index, trace in random_play[2].items():
        score = sum(int(reward) for reward in trace.rewards)
        assert played[index] == Episode(SEEDS[index], score, len(trace), trace.truncated)
    assert any(game.score > 0 for game in played.values())


def test_seeds_of_training_selection_and_report_never_meet():
    room = 1_000_000  # more episodes, or emulators, than anyone plays
    assert 2**30 + room <= SELECTION_SEED
    assert SELECTION_SEED + room <= EVALUATION_SEED
    assert EVALUATION_SEED + room <= 2**31


def test_evaluations_during_training_keep_the_runs_protocol():
    config = RunConfig(
        eval_episodes=3,
        emulators=replace(CUT_OFF, max_episode_frames=80, sticky_actions=0.5),
        exploration=ExplorationConfig(eval_epsilon=0.0),
        eval_stuck_after=100,
    )
    up = torch.tensor([0.0, 0.0, 1.0, 0.0])
    learner = SimpleNamespace(q_values=lambda states: up.repeat(len(states), 1), device=CPU)
    traces = evaluation_episodes(learner.q_values, CPU, config)
    assert [t.seed for t in traces] == [SELECTION_SEED + i for i in range(3)]
    for trace in traces:
        assert trace.protocol == replace(config.emulators, num_envs=1)
        assert trace.actions.tolist() == [2] * 20
    config = replace(config, eval_stuck_after=8)
    assert all(trace.stuck for trace in evaluation_episodes(learner.q_values, CPU, config))

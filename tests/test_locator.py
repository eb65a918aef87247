"""Where a network takes an object to be: a readout that is right puts its mark on the object."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.networks import QNetwork
from envs.emulators import EmulatorConfig
from envs.episode_file import load_episode, read_header, save_episode
from envs.interventions import intervened
from envs.labels import RED, NoLabels
from envs.trace import EpisodeTrace, screens
from harness.commands.replay import ReplayCommand
from harness.errors import UserError
from harness.players.locator import LAYER, fitted, locator, own_network
from harness.probes import games
from harness.probes.readout import LinearMap, Readout, split
from support.episode_samples import made_up
from support.locator_samples import spotter
from test_page_player import page_of, short

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints" / "pong-quick"


def test_a_linear_map_says_what_its_readout_says() -> None:
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(3, 2, (80, 3, 5)).astype(np.float32))
    targets = features.flatten(1)[:, :2].double().numpy() * 4 + rng.normal(size=(80, 2))
    parts = split(np.arange(80) // 2)
    readout = Readout.of(features, parts).predict(targets[parts.train], targets[parts.valid])
    answers = LinearMap.of(features, parts, targets)(features[torch.from_numpy(parts.test)])
    assert answers == pytest.approx(readout, abs=1e-3)
    assert np.ptp(answers) > 1


class Knowing:
    """Its features are the places that it was given, mixed, with much noise."""

    def __init__(self, states: np.ndarray, positions: np.ndarray) -> None:
        self._places = {
            state.tobytes(): place for state, place in zip(states, positions, strict=True)
        }

    def features(self, states: Tensor) -> dict[str, Tensor]:
        rng = np.random.default_rng(0)
        mix = rng.normal(size=(2, 20))
        places = np.array([self._places[state.numpy().tobytes()] for state in states])
        noise = 0.01 * rng.normal(size=(len(states), 20))
        return {LAYER: torch.from_numpy(places @ mix + noise).float()}


def test_a_network_that_knows_has_its_mark_on_the_ball() -> None:
    """Checked on the colour screen, which the readout has nothing to do with."""
    count = 96
    dataset = games.game_dataset("Pong", count)
    screens = intervened("Pong", "ball", count, games._SEED).screens
    knowing = cast(QNetwork, Knowing(dataset.states, dataset.positions))
    ball = fitted("place", knowing, "ball", dataset)
    assert ball.error < 0.1
    assert ball.guess > 10
    marks = (ball.places(dataset.states) + 0.5) / 84 * [160, 210]
    on = []
    for (x, y), screen in zip(marks, screens, strict=True):
        rows, columns = np.nonzero((screen[34:194] == (236, 236, 236)).all(-1))
        if len(rows):
            off = np.hypot(columns + 0.5 - x, rows + 34.5 - y)
            on.append(off.min() < 1.5 and abs(columns.mean() + 0.5 - x) < 1.5)
    assert len(on) > count / 2
    assert np.mean(on) > 0.95


def test_the_page_has_a_place_for_every_step(game: EpisodeTrace) -> None:
    page = page_of(short(game, 70), locators=[spotter("other-place")])
    places = page.array("other-place", "<f4").reshape(2, 70).T
    states = np.concatenate([page.states(0), page.states(1)])[:, 3].astype(float)
    expected = np.stack([states[..., :42].mean((1, 2)), states[..., 42:].mean((1, 2))], 1)
    assert np.allclose(places, expected, atol=1e-3)
    assert page.about["located"]["networks"] == [{"block": "other-place", "error": 2.5}]
    assert "place" not in page


def test_there_is_no_mark_without_a_ball(game: EpisodeTrace) -> None:
    page = page_of(short(game, 70), locators=[spotter("other-place")])
    drawn = page.array("drawn", "?")
    assert not drawn[0]  # nobody has pressed FIRE yet
    lasts = (screen[-1, 93:189, 8:152] for screen in islice(screens(game), 69))
    below_the_bricks = np.array([(last == RED).all(-1).any() for last in lasts])
    assert below_the_bricks.any()
    assert drawn[1:][below_the_bricks].all()
    assert not drawn.all()
    assert "no mark while the game draws no ball" in page.about["located"]["tested"]


def test_the_network_that_played_is_known_by_its_q_values() -> None:
    (file,) = (SHIPPED / "episodes").glob("*.episode")
    header, trace = read_header(file), load_episode(file)
    assert own_network(file, header, trace) is not None
    other = replace(trace, q_values=trace.q_values * 0.9 + 0.1)
    assert own_network(file, header, other) is None
    without = replace(trace, q_values=trace.q_values[:, :0])
    assert own_network(file, header, without) is None


def test_what_cannot_be_located_is_one_clear_line(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the checkpoint that played this episode is not here"):
        ReplayCommand(file, locate=True, show_in="page", out=tmp_path / "x.html").run()
    with pytest.raises(UserError, match="networks of the table"):
        locator("place", torch.nn.Linear(1, 1), "Pong")
    carnival = tmp_path / "carnival.episode"
    save_episode(carnival, made_up(3, EmulatorConfig("Carnival", num_envs=1)))
    with pytest.raises(NoLabels, match="no memory labels for Carnival: there are some for Pong"):
        ReplayCommand(carnival, locate=True, show_in="page").run()

"""Settings: names, types, limits, presets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.run.config import RunConfig, flatten, unflatten
from harness.run.folder import Run, settings_lines
from harness.run.presets import PRESETS, decay_note, departures

ALL_NAMES = {
    "steps", "seed", "warmup", "update_period", "target_period", "replay_size", "life_loss_ends",
    "eval_every", "eval_episodes", "eval_stuck_after", "log_every", "keyframe_period",
    "game", "num_envs", "sticky_actions", "noop_max", "fire_on_reset", "full_action_space",
    "max_episode_frames",
    "network", "init", "scale_match", "optimizer", "learning_rate", "optimizer_epsilon", "loss",
    "max_grad_norm", "gamma", "n_step", "double", "clip_rewards", "batch_size", "precision",
    "epsilon_start", "epsilon_final", "epsilon_decay", "epsilon_decay_from", "eval_epsilon",
}  # fmt: skip


def test_the_settings_are_these() -> None:
    """A new setting belongs in this list and in docs/usage.md; a name may occur once only."""
    assert set(flatten(RunConfig())) == ALL_NAMES


@pytest.mark.parametrize("preset", PRESETS)
def test_flatten_and_unflatten_are_inverse(preset: Any) -> None:
    """Through JSON too, as config.json keeps them."""
    config = PRESETS[preset]
    assert unflatten(flatten(config)) == config
    assert unflatten(json.loads(json.dumps(flatten(config)))) == config


def test_every_setting_survives_the_round_trip() -> None:
    """Each has a value that is not its default, so that a lost one would show."""
    other = {
        "steps": 777, "seed": 3, "warmup": 501, "update_period": 5, "target_period": 77,
        "replay_size": 4_000, "life_loss_ends": True, "eval_every": 9, "eval_episodes": 2,
        "eval_stuck_after": 7, "log_every": 11, "keyframe_period": 13, "game": "breakout",
        "num_envs": 3, "sticky_actions": 0.1,
        "noop_max": 4, "fire_on_reset": True, "full_action_space": True,
        "max_episode_frames": 400, "network": "half_max", "init": "xavier", "scale_match": True,
        "optimizer": "rmsprop", "learning_rate": 0.5, "optimizer_epsilon": 0.25, "loss": "mse",
        "max_grad_norm": 3.0, "gamma": 0.5, "n_step": 2, "double": True, "clip_rewards": False,
        "batch_size": 9, "precision": "bf16", "epsilon_start": 0.5, "epsilon_final": 0.4,
        "epsilon_decay": 12, "epsilon_decay_from": "start", "eval_epsilon": 0.2,
    }  # fmt: skip
    assert set(other) == ALL_NAMES
    default = flatten(RunConfig())
    assert not [name for name in other if other[name] == default[name]]
    assert flatten(unflatten(other)) == other


def test_settings_not_named_keep_their_defaults() -> None:
    assert unflatten({}) == RunConfig()
    assert unflatten({"gamma": 0.5}).learner == replace(RunConfig().learner, gamma=0.5)


@pytest.mark.parametrize("name", ["gama", "emulators", "learner", "STEPS", "batch-size", ""])
def test_unknown_settings_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown setting '{name}'"):
        unflatten({name: 1})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("steps", 1.5, "steps must be a valid integer, not 1.5"),
        ("steps", "100", "steps must be a valid integer, not '100'"),
        ("steps", True, "steps must be a valid integer, not True"),
        ("learning_rate", "0.9", "learning-rate must be a valid number, not '0.9'"),
        ("gamma", True, "gamma must be a valid number, not True"),
        ("gamma", None, "gamma must be a valid number, not None"),
        ("double", 1, "double must be a valid boolean, not 1"),
        ("game", 4, "game must be a valid string, not 4"),
        ("loss", "hubr", "loss must be 'huber' or 'mse', not 'hubr'"),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        unflatten({name: value})


def test_a_whole_number_is_a_fine_float() -> None:
    assert unflatten({"gamma": 1}).learner.gamma == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 0) for name in ("steps", "update_period", "target_period", "eval_every")),
        *((name, 0) for name in ("log_every", "n_step", "batch_size")),
        *((name, -1) for name in ("eval_episodes", "eval_stuck_after")),
        *((name, 0) for name in ("num_envs", "replay_size", "warmup", "max_episode_frames")),
        *((name, -1) for name in ("seed", "noop_max", "epsilon_decay")),
        *((name, 0.0) for name in ("learning_rate", "optimizer_epsilon")),
        *((name, float("nan")) for name in ("learning_rate", "gamma")),
        *((name, float("nan")) for name in ("epsilon_start", "eval_epsilon")),
        *((name, 1.01) for name in ("gamma", "epsilon_start", "epsilon_final", "eval_epsilon")),
        *((name, -0.01) for name in ("gamma", "sticky_actions", "max_grad_norm", "epsilon_final")),
        ("sticky_actions", 1.0),
        ("replay_size", 71),
        ("warmup", 23),
        ("max_episode_frames", 39),
        ("max_episode_frames", 2**31),
        ("game", "Pongg"),
        ("game", ""),
        ("seed", 2**64),  # torch cannot take it
        ("max_grad_norm", float("nan")),  # it would make every weight NaN
        # config.json may have been edited: `loss: hubr` must not quietly mean mse.
        *((name, "other") for name in ("init", "optimizer", "loss", "precision")),
        ("epsilon_decay_from", "other"),
    ],
)
def test_bad_values_give_one_line_that_names_the_setting(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name.replace("_", "-")) as caught:
        unflatten({name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("replay_size", 72), ("warmup", 24), ("gamma", 0), ("max_episode_frames", 40)],
        *[("eval_episodes", 0), ("eval_stuck_after", 0)],
    ],
)
def test_the_least_values_are_accepted(name: str, value: int) -> None:
    """With 8 emulators and one-step returns: 8 x (1 + 8) and 8 x (1 + 2)."""
    assert flatten(unflatten({name: value}))[name] == value


def test_rows_are_shared_among_the_emulators() -> None:
    config = unflatten({"replay_size": 1000, "num_envs": 3})
    assert (config.replay_rows, config.replay_slots) == (333, 999)


PUBLISHED: dict[str, dict[str, Any]] = {
    "nature": {
        "optimizer": "rmsprop", "learning_rate": 2.5e-4, "optimizer_epsilon": 0.01 / 1024,
        "loss": "huber", "max_grad_norm": 0, "replay_size": 1_000_000, "warmup": 50_000,
        "target_period": 10_000, "epsilon_final": 0.1, "epsilon_decay": 1_000_000,
        "epsilon_decay_from": "warmup", "eval_epsilon": 0.05, "sticky_actions": 0,
        "life_loss_ends": True, "noop_max": 30, "fire_on_reset": False, "init": "torch",
        "steps": 50_000_000,
    },
    "dopamine": {
        "optimizer": "adam", "learning_rate": 6.25e-5, "optimizer_epsilon": 1.5e-4,
        "loss": "mse", "max_grad_norm": 0, "replay_size": 1_000_000, "warmup": 20_000,
        "target_period": 8_000, "epsilon_final": 0.01, "epsilon_decay": 250_000,
        "epsilon_decay_from": "warmup", "eval_epsilon": 0.001, "sticky_actions": 0.25,
        "life_loss_ends": False, "noop_max": 0, "fire_on_reset": False, "init": "xavier",
        "steps": 50_000_000,
    },
    "cleanrl": {
        "optimizer": "adam", "learning_rate": 1e-4, "optimizer_epsilon": 1e-8,
        "loss": "mse", "max_grad_norm": 0, "replay_size": 1_000_000, "warmup": 80_000,
        "target_period": 1_000, "epsilon_final": 0.01, "epsilon_decay": 1_000_000,
        "epsilon_decay_from": "start", "eval_epsilon": 0.01, "sticky_actions": 0,
        "life_loss_ends": True, "noop_max": 30, "fire_on_reset": True, "init": "torch",
        "steps": 10_000_000,
    },
    "sb3": {
        "optimizer": "adam", "learning_rate": 1e-4, "optimizer_epsilon": 1e-8,
        "loss": "huber", "max_grad_norm": 10, "replay_size": 100_000, "warmup": 100_000,
        "target_period": 1_000, "epsilon_final": 0.01, "epsilon_decay": 1_000_000,
        "epsilon_decay_from": "start", "eval_epsilon": 0.01, "sticky_actions": 0,
        "life_loss_ends": True, "noop_max": 30, "fire_on_reset": True, "init": "torch",
        "steps": 10_000_000,
    },
}  # fmt: skip
COMMON: dict[str, Any] = {
    "batch_size": 32, "gamma": 0.99, "clip_rewards": True, "update_period": 4, "n_step": 1,
    "double": False, "epsilon_start": 1.0, "max_episode_frames": 108_000, "precision": "fp32",
    "network": "stride", "full_action_space": False,
}  # fmt: skip


@pytest.mark.parametrize("preset", PUBLISHED)
def test_presets_hold_the_published_values(preset: Any) -> None:
    """Written out a second time, from the papers' and projects' own settings."""
    settings = flatten(PRESETS[preset])
    expected = COMMON | PUBLISHED[preset]
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize("preset", PRESETS)
def test_published_protocols_cut_no_game_off_as_stuck(preset: Any) -> None:
    assert (PRESETS[preset].eval_stuck_after == 0) == (preset != "quick")
    assert RunConfig().eval_stuck_after == 0, "what runs before this setting had"


def test_presets_depart_from_themselves_in_nothing() -> None:
    for name, config in PRESETS.items():
        assert departures(config, name) == {}


def test_departures_name_both_values() -> None:
    config = unflatten(flatten(PRESETS["nature"]) | {"gamma": 0.9, "num_envs": 1})
    assert departures(config, "nature") == {"gamma": (0.99, 0.9), "num_envs": (32, 1)}


@pytest.mark.parametrize(
    ("preset", "settings", "says"),
    [
        ("cleanrl", {"steps": 1_000_000}, "fall for 10% of a run: --epsilon-decay 100000"),
        ("sb3", {"steps": 20_000_000}, "--epsilon-decay 2000000"),
        ("nature", {"steps": 5_000_000}, "fall for 2% of a run: --epsilon-decay 100000"),
        ("cleanrl", {"steps": 1_000_000, "epsilon_decay": 100_000}, ""),
        ("dopamine", {"steps": 1_000_000}, ""),
        ("dopamine", {"steps": 500_000}, "epsilon changes until step 270,000 of 500,000: "),
        ("quick", {"steps": 2_000, "warmup": 500}, "until step 30,500 of 2,000"),
    ],
)
def test_a_decay_that_is_meant_for_another_length_is_told(
    preset: Any, settings: dict[str, int], says: str
) -> None:
    said = decay_note(unflatten(flatten(PRESETS[preset]) | settings), preset)
    assert says in said
    assert bool(says) == bool(said)


def test_no_preset_has_an_odd_decay() -> None:
    assert not any(decay_note(config, name) for name, config in PRESETS.items())


def test_emulators_side_by_side_are_marked_where_one_was_published() -> None:
    assert "num_envs 32 (published 1)" in settings_lines(Run("nature", PRESETS["nature"]))
    assert "num_envs 8" in settings_lines(Run("quick", PRESETS["quick"]))
    one = unflatten(flatten(PRESETS["sb3"]) | {"num_envs": 1})
    assert "num_envs 1 (preset 32)" in settings_lines(Run("sb3", one))


def test_choosing_a_game_and_a_seed_is_no_departure() -> None:
    config = unflatten(flatten(PRESETS["sb3"]) | {"game": "Breakout", "seed": 5})
    assert departures(config, "sb3") == {}

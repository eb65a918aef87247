"""The published settings, and our own quick ones, in one table.

Sources: DQN Zoo (`nature`), Dopamine's dqn_nature.gin (`dopamine`), CleanRL's dqn_atari.py
(`cleanrl`), RL Baselines3 Zoo's dqn.yml (`sb3`). All of them play one emulator; here
`num_envs` play side by side and every period counts their steps together.
"""

from __future__ import annotations

from typing import Any

from harness.run.config import PresetName, RunConfig, flatten, unflatten

_COLUMNS: tuple[PresetName, ...] = ("quick", "nature", "dopamine", "cleanrl", "sb3")

# fmt: off
_ROWS: dict[str, tuple[Any, Any, Any, Any, Any]] = {
    #                      quick      nature           dopamine    cleanrl     sb3
    "steps":              (400_000,   50_000_000,      50_000_000, 10_000_000, 10_000_000),
    "num_envs":           (8,         32,              32,         32,         32),
    "sticky_actions":     (0.25,      0.0,             0.25,       0.0,        0.0),
    "noop_max":           (0,         30,              0,          30,         30),
    "fire_on_reset":      (False,     False,           False,      True,       True),
    "life_loss_ends":     (False,     True,            False,      True,       True),
    "init":               ("xavier",  "torch",         "xavier",   "torch",    "torch"),
    "optimizer":          ("adam",    "rmsprop",       "adam",     "adam",     "adam"),
    "learning_rate":      (2.5e-4,    2.5e-4,          6.25e-5,    1e-4,       1e-4),
    "optimizer_epsilon":  (1.5e-4,    0.01 / 32**2,    1.5e-4,     1e-8,       1e-8),
    "loss":               ("huber",   "huber",         "mse",      "mse",      "huber"),
    "max_grad_norm":      (10.0,      0.0,             0.0,        0.0,        10.0),
    "gamma":              (0.99,      0.99,            0.99,       0.99,       0.99),
    "n_step":             (10,        1,               1,          1,          1),
    "batch_size":         (32,        32,              32,         32,         32),
    "precision":          ("auto",    "fp32",          "fp32",     "fp32",     "fp32"),
    "replay_size":        (100_000,   1_000_000,       1_000_000,  1_000_000,  100_000),
    "warmup":             (5_000,     50_000,          20_000,     80_000,     100_000),
    "update_period":      (8,         4,               4,          4,          4),
    "target_period":      (2_000,     10_000,          8_000,      1_000,      1_000),
    "epsilon_start":      (1.0,       1.0,             1.0,        1.0,        1.0),
    "epsilon_final":      (0.01,      0.1,             0.01,       0.01,       0.01),
    "epsilon_decay":      (30_000,    1_000_000,       250_000,    1_000_000,  1_000_000),
    "epsilon_decay_from": ("warmup",  "warmup",        "warmup",   "start",    "start"),
    "eval_epsilon":       (0.01,      0.05,            0.001,      0.01,       0.01),
    "eval_every":         (100_000,   250_000,         250_000,    250_000,    250_000),
    "eval_stuck_after":   (3_000,     0,               0,          0,          0),
}
# fmt: on

PRESETS: dict[PresetName, RunConfig] = {
    name: unflatten({setting: row[column] for setting, row in _ROWS.items()})
    for column, name in enumerate(_COLUMNS)
}


SHARES: dict[PresetName, float] = {"nature": 0.02, "cleanrl": 0.1, "sb3": 0.1}
"""How long epsilon falls, where the source gives it as a share of the run."""
PUBLISHED = {"num_envs": 1}
"""Published values from which every preset departs."""


def decay_note(config: RunConfig, preset: PresetName, option: str = "--epsilon-decay ") -> str:
    """A warning if epsilon changes for an unusual share of a run of this length; may be empty.
    `option` sets it, in front of a number."""
    decay, steps = config.exploration.epsilon_decay, config.steps
    chosen, share = PRESETS[preset], SHARES.get(preset)
    if share and decay == chosen.exploration.epsilon_decay and steps != chosen.steps:
        return (
            f"epsilon falls for {decay:,} of {steps:,} steps, and the source of the preset "
            f"{preset} has it fall for {share:.0%} of a run: {option}{round(share * steps)}"
        )
    if 2 * config.epsilon_ends > steps:
        until = f"step {config.epsilon_ends:,} of {steps:,}"
        return f"epsilon changes until {until}: {option}N shortens that"
    return ""


def departures(config: RunConfig, preset: PresetName) -> dict[str, tuple[Any, Any]]:
    """Settings that differ from the preset: {name: (preset's value, value)}. Game and seed are
    free."""
    chosen, given = flatten(PRESETS[preset]), flatten(config)
    free = {"game", "seed"}
    return {
        name: (chosen[name], value)
        for name, value in given.items()
        if name not in free and value != chosen[name]
    }

"""A run's settings: the configs of the packages in one, with a flat list of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Literal, cast, get_type_hints

import pydantic
import tyro

from agent.exploration import ExplorationConfig
from agent.learner import LearnerConfig
from envs.emulators import EmulatorConfig
from envs.fields import problem

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run, except the machine."""

    steps: int = 250_000
    """Length of the run (agent steps, summed over emulators, all of which finish theirs; 1 step =
    4 frames)."""
    seed: int = 0
    """Seed of the weights, the emulators, exploration and sampling."""
    warmup: int = 20_000
    """Random play before the first update (steps)."""
    update_period: int = 4
    """One update for this many steps (steps, summed over emulators)."""
    target_period: int = 8_000
    """The target network is copied this often while learning (steps)."""
    replay_size: int = 1_000_000
    """Replay memory (transitions; 7,062 bytes each)."""
    life_loss_ends: bool = False
    """Learn from a lost life as from the end of a game. The game itself goes on."""
    eval_every: int = 50_000
    """Score the agent and write a checkpoint this often (steps)."""
    eval_episodes: int = 8
    """Whole games in each of those evaluations (episodes; 0: no evaluations)."""
    eval_stuck_after: int = 0
    """Cut off a game of an evaluation in which nothing has happened for so long: no reward, no
    lost life, no new screen (steps; 0: never)."""
    log_every: int = 2_000
    """Write the learner's figures this often (steps)."""
    keyframe_period: int = 10_000
    """Steps of an emulator until its next episode gets a fresh seed, from which the steps after it
    can be simulated again (steps of one emulator)."""
    emulators: Annotated[EmulatorConfig, Flat] = field(default_factory=EmulatorConfig)
    learner: Annotated[LearnerConfig, Flat] = field(default_factory=LearnerConfig)
    exploration: Annotated[ExplorationConfig, Flat] = field(default_factory=ExplorationConfig)

    def __post_init__(self) -> None:
        periods = ("update_period", "target_period", "eval_every", "log_every", "keyframe_period")
        for name in ("steps", *periods):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}"
                )
        for name in ("eval_episodes", "eval_stuck_after"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"{name.replace('_', '-')} must not be negative, not {getattr(self, name)}"
                )
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be from 0 to 2^63 - 1, not {self.seed}")
        envs, n_step = self.emulators.num_envs, self.learner.n_step
        # Two rows hold at least one whole transition, whatever episodes ended in them.
        least = envs * (n_step + 2)
        if self.warmup < least:
            raise ValueError(
                f"warmup must be at least {least} steps with {envs} envs and n-step {n_step}"
            )
        if self.warmup >= self.steps:
            raise ValueError(
                f"warmup ({self.warmup}) must be below steps ({self.steps}), "
                "or nothing is learned: lower warmup or raise steps"
            )
        rows = self.replay_size // envs
        if rows < n_step + 8:
            raise ValueError(f"replay-size must be at least {envs * (n_step + 8)} with {envs} envs")
        if self.learner.batch_size > self.replay_size:
            raise ValueError(
                f"batch-size ({self.learner.batch_size}) must be at most replay-size "
                f"({self.replay_size})"
            )

    @property
    def epsilon_ends(self) -> int:
        """From here on epsilon has its final value (steps)."""
        exploration = self.exploration
        after_warmup = exploration.epsilon_decay_from == "warmup"
        return exploration.epsilon_decay + (self.warmup if after_warmup else 0)

    @property
    def replay_rows(self) -> int:
        """Rows of the replay memory: `replay_size` shared among the emulators, rounded down."""
        return self.replay_size // self.emulators.num_envs

    @property
    def replay_slots(self) -> int:
        """Transitions that the replay memory really holds."""
        return self.replay_rows * self.emulators.num_envs


def flatten(config: Any) -> dict[str, Any]:
    """Every setting by its name: {"game": "pong", "steps": 250000, ...}."""
    flat: dict[str, Any] = {}
    for f in fields(config):
        value = getattr(config, f.name)
        flat.update(flatten(value) if is_dataclass(value) else {f.name: value})
    return flat


def _settings_of(cls: Any) -> dict[str, Any]:
    """Name and type of every setting in a dataclass and in the dataclasses in it."""
    hints = get_type_hints(cls).items()
    parts = [_settings_of(hint) if is_dataclass(hint) else {name: hint} for name, hint in hints]
    return {name: hint for part in parts for name, hint in part.items()}


_FIELDS: dict[str, Any] = {name: (hint, None) for name, hint in _settings_of(RunConfig).items()}
_SETTINGS = pydantic.create_model(
    "Settings", __config__=pydantic.ConfigDict(strict=True, allow_inf_nan=False), **_FIELDS
)
"""Any of the settings, each of exactly its type."""


def unflatten(settings: Mapping[str, Any]) -> RunConfig:
    """The config with these settings; those not named keep their defaults.

    Raises ValueError for a name that is not a setting, and for a value that it cannot have.
    """
    if unknown := sorted(settings.keys() - _FIELDS.keys()):
        raise ValueError(f"unknown setting {unknown[0]!r}")
    try:
        checked = _SETTINGS.model_validate(settings).model_dump(exclude_unset=True)
    except pydantic.ValidationError as error:
        name, _, rest = problem(error).partition(" ")
        raise ValueError(f"{name.replace('_', '-')} {rest}") from None
    return cast(RunConfig, _filled(RunConfig, checked))


def _filled(cls: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass, and the dataclasses in it, with those of the values that are its fields."""
    nested = {n: _filled(h, values) for n, h in get_type_hints(cls).items() if is_dataclass(h)}
    return cls(**nested, **{f.name: values[f.name] for f in fields(cls) if f.name in values})


PresetName = Literal["quick", "nature", "dopamine", "cleanrl", "sb3"]

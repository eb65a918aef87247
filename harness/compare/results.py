"""What results.json of a comparison holds.

Outcomes and scores are in points, differences shares of the baseline's mean outcome; steps are
agent steps, times seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.compare.design import Design, Role
from harness.compare.statistics import Interval
from harness.compare.status import State
from harness.evaluation.network_sizes import NetworkSize
from harness.run.provenance import Provenance

FORMAT = 2
Finding = Literal[
    "costs score", "lowers the score", "does not cost score", "helps", "undetermined", "no verdict"
]
"""What follows from a network's interval (harness/compare/analysis.py)."""


@dataclass(frozen=True)
class GameInfo:
    """A game of the design."""

    random: float
    """Published score of random play."""
    counts: bool
    """Whether the baseline's mean outcome is above random play, so that it can be divided by."""
    means: dict[str, float | None]
    """Mean outcome by network, random play not taken off."""


@dataclass(frozen=True)
class Effect(Interval):
    """An arm against its baseline: exp(mean over games of log(mean / baseline's mean)) - 1."""

    p: float
    """Of a permutation of seeds within games."""
    games: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """An arm against its baseline. A field that has its default value is left out of the file."""

    name: str
    missing: tuple[str, ...]
    """A line for each run that has no outcome."""
    runs: int
    """Those with an outcome (count)."""
    effect: Effect | None = None
    """After equally many steps."""
    by_game: dict[str, Interval] = field(default_factory=dict)
    """The same in each game alone."""
    probability_of_improvement: float | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkResult(ArmResult):
    """A network against the baseline and its twins. Of these themselves nothing is compared."""

    name: Annotated[str, Field(alias="network")]
    role: Role
    second: Effect | None = None
    """Of the second outcome."""
    at_equal_time: Effect | None = None
    """When the fastest run of each game was over, against the baseline without its twins, which are
    slower."""
    p_holm: float | None = None
    finding: Annotated[Finding | None, Field(alias="verdict")] = None


@dataclass(frozen=True, kw_only=True)
class TandemResult(ArmResult):
    """A network that learned passively, against its teacher, by the scores of their final agents:
    it plays no training games."""

    name: Annotated[str, Field(alias="tandem")]


@dataclass(frozen=True)
class ControlResult:
    """The A/A control: two parts of the baseline's runs, which compute the same function."""

    parts: str
    """Which they are, for people."""
    effect: Effect | None

    @property
    def fails(self) -> bool:
        """Whether the interval leaves out 0."""
        effect = self.effect
        if effect is None or effect.low is None or effect.high is None:
            return False
        return not effect.low <= 0 <= effect.high


@dataclass(frozen=True)
class PowerRow:
    """Chance of a finding."""

    effect: float
    """True difference."""
    finding: Finding
    """What it should be called, at least."""
    chance: float


@dataclass(frozen=True)
class Power:
    """The power of a design."""

    games: int
    runs: int
    """Of the compared network with the fewest, in a game."""
    baseline_runs: int
    """Of the baseline and its twins, in a game."""
    variation: float
    """Coefficient of variation between seeds."""
    variation_is: Literal["assumed", "measured"]
    rows: tuple[PowerRow, ...]


@dataclass(frozen=True)
class Game:
    """A scored game."""

    seed: int
    score: int
    length: int
    truncated: bool
    stuck: bool | None = None
    """None in results from before games could be stuck."""


@dataclass(frozen=True)
class CurvePoint:
    """A part of a run's steps."""

    steps: int
    """Where it ends."""
    games: int
    """Training games that ended in it."""
    score: float | None
    """Their mean."""
    seconds: float | None
    """Wall time then."""

    @property
    def hours(self) -> float | None:
        """The same in hours."""
        return self.seconds and self.seconds / 3600


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run; those that are not finished have no outcome, nor what stands below it."""

    game: str
    network: str
    seed: int
    teacher: str | None
    arm: str
    state: State
    problem: str
    run: str
    """Its folder in that of the comparison."""
    curve: tuple[CurvePoint, ...]
    outcome: float | None
    """Mean of the training games that ended when epsilon had its final value; of a network that
    learned passively the mean of its final agent's games."""
    outcome_games: int = 0
    """How many these are."""
    second: float | None = None
    """Mean of the last evaluations, without any that of the final agent's games."""
    second_games: int = 0
    episodes: tuple[Game, ...] = ()
    """Games of the final agent, if it was scored."""
    steps: int | None = None
    updates: int | None = None
    seconds: float | None = None
    """Evaluations during training included."""
    steps_per_second: float | None = None
    made_with: dict[str, str] | None = None
    """Versions, devices and arithmetic."""
    seconds_compared: float | None = None
    """When the fastest run of the game was over."""
    at_equal_time: float | None = None
    """The outcome then."""

    @property
    def final_score(self) -> float | None:
        """Mean of the final agent's games."""
        games = self.episodes
        return sum(game.score for game in games) / len(games) if games else None


@dataclass(frozen=True)
class MatchedSize(NetworkSize):
    """What a network costs."""

    scale_matched: bool
    """Whether the scale of its start was matched to the baseline's."""


@dataclass(frozen=True)
class Analysis:
    """Everything that follows from the outcomes of the runs."""

    games: dict[str, GameInfo]
    networks: tuple[NetworkResult, ...]
    tandems: tuple[TandemResult, ...]
    control: ControlResult | None
    """None where the baseline's runs cannot be parted."""
    power: Power
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Results(Analysis):
    """Everything that a comparison found."""

    format: int
    design: Design
    settings: dict[str, Any]
    """Of every run, by the names of train.py's options."""
    provenance: Provenance
    """Its fields stand among the others in the file."""
    sizes: dict[str, MatchedSize]
    jobs: tuple[RunResult, ...]
    outcome_from: int
    """Step from which training games count: epsilon has its final value."""

    @property
    def compared(self) -> list[NetworkResult]:
        """Networks that are judged."""
        return [entry for entry in self.networks if entry.role == "compared"]

"""What results.json of a comparison holds, and its file.

Scores are in points, normalised ones in units of the baseline's score above random play; steps are
agent steps, times seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from envs.fields import object_of
from harness.compare.design import Design, Role
from harness.compare.effects import Equivalence, Interaction
from harness.compare.statistics import Interval
from harness.compare.status import State
from harness.evaluation.network_sizes import NetworkSize
from harness.run.provenance import Provenance

FORMAT = 1
Finding = Literal["higher", "lower", "equivalent", "undetermined"]
"""What the tests find of a network's score against the baseline's."""


@dataclass(frozen=True)
class GameInfo:
    """A game of the design."""

    kind: Annotated[Literal["sensitive", "tolerant"] | None, Field(alias="class")]
    random: float
    """Score of random play."""
    counts: bool
    """Whether something was learned in it."""
    unit: float | None
    """Points that are a score of 1."""
    at_floor: bool | None
    """Whether the baseline scores less than a unit."""
    means: dict[str, float | None]
    """By network."""


@dataclass(frozen=True)
class Difference(Interval):
    """IQM of an arm less that of its baseline."""

    p: float
    games: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """Share of runs that score above each threshold, with its interval."""

    thresholds: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class GameScores:
    """An arm's runs in a game."""

    runs: int
    normalised: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """An arm against its baseline, after equally many steps. A field that has its default value is
    left out of the file."""

    name: str
    missing: tuple[str, ...]
    """A line for each run that has no score."""
    runs: int
    games: dict[str, GameScores]
    """Those that it shares with its baseline and that count."""
    iqm: Interval | None
    profile: Profile | None
    difference: Difference | None
    probability_of_improvement: Interval | None = None
    game_differences: dict[str, float] | None = None
    equivalence: Equivalence | None = None
    interaction: Interaction | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkResult(ArmResult):
    """A network against the baseline."""

    name: Annotated[str, Field(alias="network")]
    role: Role
    at_equal_time: Difference | None
    p_holm: float | None = None
    finding: Annotated[Finding | None, Field(alias="verdict")] = None


@dataclass(frozen=True, kw_only=True)
class TandemResult(ArmResult):
    """A network that learned passively, against its teacher."""

    name: Annotated[str, Field(alias="tandem")]


@dataclass(frozen=True)
class ControlResult:
    """What an A/A control found."""

    name: Annotated[str, Field(alias="network")]
    difference: Difference | None
    found_a_difference: bool | None = None
    interval_false_positives: float | None = None
    """Share of deals of the same runs in which the interval leaves out zero."""


@dataclass(frozen=True)
class PowerRow:
    """Chance that a difference is found."""

    effect: float
    alone: float
    among_all: float
    """As the first of Holm's steps."""


@dataclass(frozen=True)
class Power:
    """The power of a design."""

    games: int
    seeds: int
    compared: int
    """Networks in Holm's family."""
    spread: float
    spread_is: Literal["assumed", "measured"]
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
    """One run; those that are not finished have no score, nor what stands below it."""

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
    score: float | None
    """Mean of the scored games of its final agent."""
    episodes: tuple[Game, ...] = ()
    steps: int | None = None
    updates: int | None = None
    seconds: float | None = None
    """Evaluations during training included."""
    steps_per_second: float | None = None
    made_with: dict[str, str] | None = None
    """Versions, devices and arithmetic."""
    seconds_compared: float | None = None
    """When the fastest run of the game was over."""
    score_at_equal_time: float | None = None
    """Mean of its newest training games then."""


@dataclass(frozen=True)
class MatchedSize(NetworkSize):
    """What a network costs."""

    scale_matched: bool
    """Whether the scale of its start was matched to the baseline's."""


@dataclass(frozen=True)
class Analysis:
    """Everything that follows from the scores of the runs."""

    games: dict[str, GameInfo]
    networks: tuple[NetworkResult, ...]
    tandems: tuple[TandemResult, ...]
    controls: tuple[ControlResult, ...]
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

    @property
    def others(self) -> list[NetworkResult]:
        """All networks but the baseline."""
        return [entry for entry in self.networks if entry.role != "baseline"]

    @property
    def compared(self) -> list[NetworkResult]:
        """Networks that are judged: neither baseline nor control."""
        return [entry for entry in self.networks if entry.role == "compared"]


_JSON = TypeAdapter(Results)


def read_results(file: Path) -> Results:
    """What `as_json` gave, from its file. Raises OSError, and ValueError for a file of something
    else."""
    content = object_of(file.read_bytes(), FORMAT)
    return _JSON.validate_python({**content, "provenance": content})


def as_json(results: Results) -> dict[str, Any]:
    """The object of results.json."""
    content: dict[str, Any] = _JSON.dump_python(results, by_alias=True, exclude_defaults=True)
    return {**content.pop("provenance"), **content, "design": asdict(results.design)}

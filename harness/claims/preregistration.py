"""The claims and the rule that decides them, read from preregistration.toml."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.evaluation.statistics import CONFIDENCE, mean_interval
from harness.report.blocks import Outcome

PREREGISTRATION = Path(__file__).with_name("preregistration.toml")
Direction = Literal["at least", "at most", "within"]


@dataclass(frozen=True)
class Part:
    """One measurement that a claim stands or falls with."""

    what: str
    training: str
    """Which networks are asked: untrained, location, count, agent, or bars for filter banks."""
    network: str
    measure: str
    """Path in a profile, with dots; `*` is the mean over all names in its place."""
    unit: str
    direction: Direction
    matters: float
    """The smallest effect that matters, in that unit."""
    against: str | None = None
    """The network it is compared with; None judges the measure itself."""
    against_measure: str | None = None
    """The measure of that network; None is the same one."""
    ratio: bool = False
    """Divided by it, not less it."""


@dataclass(frozen=True)
class Claim:
    """A sentence from the answers to the question, and its parts."""

    id: str
    sentence: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Rules:
    """A version of the preregistration."""

    version: int
    fixed: str
    chosen: str


@dataclass(frozen=True)
class Preregistration(Rules):
    """All claims of a version."""

    claims: tuple[Claim, ...]

    @property
    def corrected(self) -> float:
        """Confidence of each part's interval when all of them are to hold together (Bonferroni)."""
        parts = sum(len(claim.parts) for claim in self.claims)
        return 1 - (1 - CONFIDENCE) / parts


def read_preregistration(file: Path = PREREGISTRATION) -> Preregistration:
    """The claims of a file."""
    content = tomllib.loads(file.read_text())
    claims = tuple(
        Claim(
            claim["id"],
            claim["sentence"],
            tuple(Part(direction=part.pop("is"), **part) for part in claim["part"]),
        )
        for claim in content["claim"]
    )
    return Preregistration(content["version"], content["fixed"], content["chosen"], claims)


@dataclass(frozen=True)
class Effect:
    """An effect over seeds."""

    values: tuple[float, ...]
    """One a seed, in the order of the seeds."""
    seeds: tuple[int, ...]
    ratio: bool = False
    """Whether they are ratios, above 0: twice and half are equally far from none."""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """The least and the largest value that there can be."""

    @property
    def mean(self) -> float | None:
        """That of ratios is the geometric one; None without any value."""
        return self._back(float(np.mean(self._scale))) if self.values else None

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """Student's t interval over seeds, of ratios that of their logarithms; None below two
        seeds. It ends at the bounds: beyond them the mean cannot be, so it covers as often."""
        if len(self.values) < 2:
            return None
        low, high = map(self._back, mean_interval(self._scale, confidence))
        return max(low, self.bounds[0]), min(high, self.bounds[1])

    @property
    def _scale(self) -> npt.NDArray[np.float64]:
        """The values as they are averaged."""
        return np.log(self.values) if self.ratio else np.array(self.values)

    def _back(self, value: float) -> float:
        return math.exp(value) if self.ratio else value


def bounds(measure: str) -> tuple[float, float]:
    """The least and the largest value of a measure, by the end of its path in a profile: shares of
    states lie from 0 to 1, errors and changes are not negative."""
    names = measure.split(".")
    if names[-1] in ("r2", "beyond_drawn"):
        return -math.inf, math.inf
    share = names[0] == "presence" or names[-1] in ("count", "flips")
    return 0.0, 1.0 if share else math.inf


def decide(interval: tuple[float, float] | None, direction: Direction, matters: float) -> Outcome:
    """The verdict on "the effect is at least / at most / within `matters`" by its interval."""
    if interval is None:
        return "undetermined"
    low, high = interval
    if direction == "within":
        inside, outside = -matters <= low and high <= matters, high < -matters or low > matters
    elif direction == "at least":
        inside, outside = low >= matters, high < matters
    else:
        inside, outside = high <= matters, low > matters
    return "supported" if inside else "refuted" if outside else "undetermined"


def together(verdicts: Sequence[Outcome]) -> Outcome:
    """The verdict on a claim whose parts have these."""
    if "refuted" in verdicts:
        return "refuted"
    return "undetermined" if "undetermined" in verdicts else "supported"


def rule(part: Part) -> str:
    """A part's rule in words."""
    unit = f"{part.matters:g} {part.unit}"
    level = f"{CONFIDENCE:.0%} interval over seeds"
    if part.direction == "within":
        return f"Supported if the {level} lies within ±{unit}, refuted if it lies outside."
    sides = ("at or above", "below") if part.direction == "at least" else ("at or below", "above")
    return f"Supported if the {level} lies {sides[0]} {unit}, refuted if it lies {sides[1]}."


def values_at(profile: Any, path: Sequence[str]) -> Iterator[float]:
    """All numbers of a profile at a path; none where it does not lead."""
    if not path:
        if isinstance(profile, int | float):
            yield float(profile)
        elif profile is None:  # measured, and not finite
            yield math.nan
        return
    if not isinstance(profile, dict):
        return
    names = list(profile) if path[0] == "*" else [path[0]]
    for name in names:
        if name in profile:
            yield from values_at(profile[name], path[1:])


def measured(profile: Any, measure: str) -> float | None:
    """The mean of the numbers at the path of a measure; None without any, or one not finite."""
    values = list(values_at(profile, measure.split(".")))
    return float(np.mean(values)) if values and np.isfinite(values).all() else None

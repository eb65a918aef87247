"""What results.json of the claims holds, and its file."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter

from envs.fields import object_of
from envs.games import game_title
from harness.claims.budget import Budget
from harness.claims.measurements import IMITATIONS, Measurement
from harness.claims.preregistration import Part, Rules
from harness.probes.patterns import SIDE
from harness.report.blocks import Outcome
from harness.run.provenance import Provenance

FORMAT = 1
Profile = dict[str, Any]
"""All that was measured of one network, as numbers by name and name within name; the
preregistration names each by its path (`preregistration.measured`)."""


@dataclass(frozen=True, kw_only=True)
class JudgedPart(Part):
    """A part of a claim with its effect over seeds."""

    values: tuple[float, ...]
    """The effect, one a seed."""
    seeds: tuple[int, ...]
    mean: float | None
    interval: tuple[float, float] | None
    verdict: Outcome
    rule: str
    levels: dict[str, float]
    """Mean of the measure itself, by network."""
    corrected_interval: tuple[float, float] | None = None
    """The interval that allows for the number of all parts (Preregistration.corrected)."""
    corrected_verdict: Outcome | None = None
    """The verdict by that interval."""

    @property
    def pair(self) -> str:
        """What is compared: `half_max less stride`."""
        if self.against is None:
            return self.network
        return f"{self.network} {'/' if self.ratio else 'less'} {self.against}"


@dataclass(frozen=True)
class JudgedClaim:
    """A claim with its verdict."""

    id: str
    sentence: str
    verdict: Outcome
    parts: tuple[JudgedPart, ...]
    corrected_verdict: Outcome | None = None
    """The verdict that allows for the number of all parts; None in results of an older version."""

    @property
    def deciding(self) -> JudgedPart:
        """The first of the parts that have the claim's own verdict."""
        return next(part for part in self.parts if part.verdict == self.verdict)


@dataclass(frozen=True, kw_only=True)
class Measured(Measurement):
    """A measurement that is done."""

    profile: Profile

    @property
    def profiles(self) -> dict[str, Profile]:
        """Profiles by what is compared: the network, or the ways of pooling of filter banks."""
        return self.profile if self.training == "bars" else {self.network: self.profile}


@dataclass(frozen=True, kw_only=True)
class Missing(Measurement):
    """A measurement that failed, or was not made."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class NamedBudget(Budget):
    """How much was measured."""

    name: str


@dataclass(frozen=True)
class Shots:
    """Some test states of a data set."""

    frames: tuple[str, ...]
    """The newest one of each, packed."""
    positions: tuple[tuple[float, float], ...]
    """Where the object is, (x, y) in pixels of 84x84."""


@dataclass(frozen=True)
class Results:
    """All measurements, and the verdicts on the claims."""

    format: int
    kind: str
    provenance: Annotated[Provenance, Field(alias="made")]
    budget: NamedBudget
    rules: Annotated[Rules, Field(alias="ledger")]
    claims: tuple[JudgedClaim, ...]
    measured: Annotated[tuple[Measured, ...], Field(alias="units")]
    missing: tuple[Missing, ...]
    pictures: dict[str, Shots]
    """By data set."""


Profiles = Mapping[tuple[str, str, int], Profile]
"""What was measured by training, network and seed."""


def by_training(units: Sequence[Measured]) -> Profiles:
    """All profiles; those of agents as `agent GAME`, too, since games answer each for itself, and
    those of imitators together as `imitate`, {game: {unit: score}}: 0 is random play, 1 the
    expert."""
    profiles: dict[tuple[str, str, int], Profile] = {}
    known = {u.game: u.profile for u in units if u.training.endswith(" references")}
    for unit in units:
        if unit.training in IMITATIONS and unit.game in known:
            chance, best = known[unit.game]["random"], known[unit.game]["expert"]
            score = (unit.profile["points"] - chance) / (best - chance)
            games = profiles.setdefault(("imitate", unit.network, unit.seed), {})
            games[unit.game] = {"unit": score}
        for network, profile in unit.profiles.items():
            profiles[unit.training, network, unit.seed] = profile
            if unit.training == "agent" and "run" in profile:
                game = game_title(profile["run"]["game"])
                profiles[f"agent {game}", network, unit.seed] = profile
    return profiles


_JSON = TypeAdapter(Results)


def read_results(file: Path) -> Results:
    """What `as_json` gave, from its file. Raises OSError, and ValueError for a file of something
    else."""
    content = object_of(file.read_bytes(), FORMAT)
    return _JSON.validate_python(content)


def as_json(results: Results) -> dict[str, Any]:
    """The object of results.json."""
    content: dict[str, Any] = _JSON.dump_python(results, by_alias=True)
    return content


def pack(frame: npt.NDArray[np.uint8]) -> str:
    """A frame [84, 84] as text for JSON: its bytes, deflated, in base 64."""
    return base64.b64encode(zlib.compress(frame.tobytes(), 9)).decode()


def unpack(text: str) -> npt.NDArray[np.uint8]:
    """What `pack` packed, [84, 84]."""
    pixels = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)

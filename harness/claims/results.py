"""results.json of the claims: every number of every unit, and the verdicts they give."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.claims.budget import Budget, BudgetName
from harness.claims.measurements import Measurement
from harness.claims.preregistration import (
    Claim,
    Effect,
    Part,
    Preregistration,
    bounds,
    decide,
    measured,
    rule,
    together,
)
from harness.probes.patterns import SIDE
from harness.probes.profile import PICTURES, Extent, datasets
from harness.run.hardware import allocate_cores
from harness.run.provenance import provenance

FORMAT = 1
CPU = torch.device("cpu")
"""Where features are probed, one unit a core."""
Profiles = dict[tuple[str, str, int], Any]
"""What was measured by training, network and seed."""


def named(training: str, network: str, profile: Any) -> dict[str, Any]:
    """The profiles in a unit by what is compared: its network, or the ways of pooling of filter
    banks."""
    return dict(profile) if training == "bars" else {network: profile}


def effect_of(part: Part, profiles: Profiles) -> Effect:
    """A part's effect, one value for each seed of which everything needed was measured."""
    values: dict[int, float] = {}
    seeds = sorted({seed for training, _, seed in profiles if training == part.training})
    for seed in seeds:
        value = measured(profiles.get((part.training, part.network, seed)), part.measure)
        if value is not None and part.against is not None:
            other = measured(profiles.get((part.training, part.against, seed)), part.measure)
            if other is None or (part.ratio and min(value, other) <= 0):
                continue
            value = value / other if part.ratio else value - other
        if value is not None:
            values[seed] = value
    limits = bounds(part.measure) if part.against is None else Effect.bounds
    return Effect(tuple(values.values()), tuple(values), part.ratio, limits)


def judged(part: Part, profiles: Profiles) -> dict[str, Any]:
    """A part with its effect and verdict, for JSON."""
    effect = effect_of(part, profiles)
    return asdict(part) | {
        "values": list(effect.values),
        "seeds": list(effect.seeds),
        "mean": effect.mean,
        "interval": effect.interval,
        "verdict": decide(effect, part.direction, part.matters),
        "rule": rule(part),
        "levels": levels(part, profiles, effect.seeds),
    }


def levels(part: Part, profiles: Profiles, seeds: Sequence[int]) -> dict[str, float]:
    """The mean of the measure itself for both networks, over the seeds of an effect."""
    found = {}
    for network in filter(None, (part.network, part.against)):
        values = [measured(profiles[part.training, network, s], part.measure) for s in seeds]
        if values:
            found[network] = float(np.mean([value for value in values if value is not None]))
    return found


def verdicts(preregistration: Preregistration, profiles: Profiles) -> list[dict[str, Any]]:
    """Every claim with its verdict and those of its parts, in the order of the ledger."""
    return [_claim(claim, profiles) for claim in preregistration.claims]


def _claim(claim: Claim, profiles: Profiles) -> dict[str, Any]:
    parts = [judged(part, profiles) for part in claim.parts]
    verdict = together([part["verdict"] for part in parts])
    return {"id": claim.id, "sentence": claim.sentence, "verdict": verdict, "parts": parts}


def content(
    name: BudgetName,
    budget: Budget,
    preregistration: Preregistration,
    found: Sequence[tuple[Measurement, Any]],
    missing: Mapping[Measurement, str],
    pictures: dict[str, Any],
) -> dict[str, Any]:
    """All of results.json. What is missing is named, never left out in silence."""
    profiles = {
        (unit.training, name, unit.seed): one
        for unit, profile in found
        for name, one in named(unit.training, unit.network, profile).items()
    }
    return {
        "format": FORMAT,
        "kind": "claims",
        "made": provenance(CPU, allocate_cores(CPU, 1)),
        "budget": {"name": name, **asdict(budget)},
        "ledger": {
            "version": preregistration.version,
            "fixed": preregistration.fixed,
            "chosen": preregistration.chosen,
        },
        "claims": verdicts(preregistration, profiles),
        "units": [asdict(unit) | {"profile": profile} for unit, profile in found],
        "missing": [asdict(unit) | {"reason": reason} for unit, reason in missing.items()],
        "pictures": pictures,
    }


def pictures(extent: Extent) -> dict[str, Any]:
    """By world: newest frames (`pack`) of the first test states, and true positions (pixels)."""
    found = {}
    for name, dataset in datasets(extent).items():
        chosen = dataset.parts.test[:PICTURES]
        found[name] = {
            "frames": [pack(frame) for frame in dataset.states[chosen, -1]],
            "positions": dataset.positions[chosen].tolist(),
        }
    return found


def pack(frame: npt.NDArray[np.uint8]) -> str:
    """A frame [84, 84] as text for JSON: its bytes, deflated, in base 64."""
    return base64.b64encode(zlib.compress(frame.tobytes(), 9)).decode()


def unpack(text: str) -> npt.NDArray[np.uint8]:
    """What `pack` packed, [84, 84]."""
    pixels = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)

"""From measurements to verdicts: the rule of preregistration.py, applied to every claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch

from harness.claims.budget import Budget, BudgetName
from harness.claims.measurements import Measurement
from harness.claims.preregistration import (
    Claim,
    Effect,
    Part,
    Preregistration,
    Rules,
    bounds,
    decide,
    measured,
    rule,
    together,
)
from harness.claims.results import (
    FORMAT,
    JudgedClaim,
    JudgedPart,
    Measured,
    Missing,
    NamedBudget,
    Profile,
    Profiles,
    Results,
    Shots,
    by_training,
    pack,
)
from harness.evaluation.statistics import CONFIDENCE
from harness.probes.profile import PICTURES, Extent, datasets
from harness.run.hardware import allocate_cores
from harness.run.provenance import provenance

CPU = torch.device("cpu")
"""Where features are probed, one measurement a core."""


def effect_of(part: Part, profiles: Profiles) -> Effect:
    """A part's effect, one value for each seed of which everything needed was measured."""
    values: dict[int, float] = {}
    seeds = sorted({seed for training, _, seed in profiles if training == part.training})
    for seed in seeds:
        value = measured(profiles.get((part.training, part.network, seed)), part.measure)
        if value is not None and part.against is not None:
            against = profiles.get((part.training, part.against, seed))
            other = measured(against, part.against_measure or part.measure)
            if other is None or (part.ratio and min(value, other) <= 0):
                continue
            value = value / other if part.ratio else value - other
        if value is not None:
            values[seed] = value
    limits = bounds(part.measure) if part.against is None else Effect.bounds
    return Effect(tuple(values.values()), tuple(values), part.ratio, limits)


def judged(part: Part, profiles: Profiles, corrected: float = CONFIDENCE) -> JudgedPart:
    """A part with its effect, and its verdict by the 95% interval and by that of the confidence
    `corrected`."""
    effect = effect_of(part, profiles)
    interval, wider = effect.interval(), effect.interval(corrected)
    return JudgedPart(
        **asdict(part),
        values=effect.values,
        seeds=effect.seeds,
        mean=effect.mean,
        interval=interval,
        verdict=decide(interval, part.direction, part.matters),
        corrected_interval=wider,
        corrected_verdict=decide(wider, part.direction, part.matters),
        rule=rule(part),
        levels=levels(part, profiles, effect.seeds),
    )


def levels(part: Part, profiles: Profiles, seeds: Sequence[int]) -> dict[str, float]:
    """The mean of the measure itself for both networks, over the seeds of an effect."""
    means = {}
    for network in filter(None, (part.network, part.against)):
        measure = part.against_measure if network == part.against else None
        profile = [profiles[part.training, network, seed] for seed in seeds]
        values = [measured(each, measure or part.measure) for each in profile]
        if values:
            means[network] = float(np.mean([value for value in values if value is not None]))
    return means


def judged_claim(claim: Claim, profiles: Profiles, corrected: float) -> JudgedClaim:
    """A claim with its verdict and those of its parts."""
    parts = tuple(judged(part, profiles, corrected) for part in claim.parts)
    verdict = together([part.verdict for part in parts])
    wider = together([part.corrected_verdict for part in parts if part.corrected_verdict])
    return JudgedClaim(claim.id, claim.sentence, verdict, parts, wider)


def judge(
    name: BudgetName,
    budget: Budget,
    preregistration: Preregistration,
    done: Iterable[tuple[Measurement, Profile]],
    missing: Mapping[Measurement, str],
    pictures: dict[str, Shots],
) -> Results:
    """All of results.json. What is missing is named, never left out in silence."""
    units = tuple(Measured(**asdict(unit), profile=profile) for unit, profile in done)
    profiles = by_training(units)
    rules = preregistration
    return Results(
        format=FORMAT,
        kind="claims",
        provenance=provenance(CPU, allocate_cores(CPU, 1)),
        budget=NamedBudget(**vars(budget), name=name),
        rules=Rules(rules.version, rules.fixed, rules.chosen),
        claims=tuple(judged_claim(claim, profiles, rules.corrected) for claim in rules.claims),
        measured=units,
        missing=tuple(Missing(**asdict(unit), reason=reason) for unit, reason in missing.items()),
        pictures=pictures,
    )


def pictures(extent: Extent) -> dict[str, Shots]:
    """The first test states of each data set."""
    shots = {}
    for name, dataset in datasets(extent).items():
        chosen = dataset.parts.test[:PICTURES]
        frames = tuple(pack(frame) for frame in dataset.states[chosen, -1])
        shots[name] = Shots(frames, tuple((x, y) for x, y in dataset.positions[chosen].tolist()))
    return shots
